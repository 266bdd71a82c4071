"""The WSGI application for gunicorn: Django, with LambdaMiddleware around it."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from wsgi_lambda import LambdaMiddleware

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sample_app.django_site.settings")

application = LambdaMiddleware(get_wsgi_application(), settings.AROUND)
