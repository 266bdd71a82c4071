"""Settings of the shop in Django."""

import os
import secrets
from pathlib import Path

from sample_app import settings as shop

SHOP = Path(__file__).parent.parent

# The demo sets one key for all workers. A single process may make its own.
SECRET_KEY = os.environ.get("DEMO_SECRET_KEY") or secrets.token_urlsafe(50)
ALLOWED_HOSTS = shop.HOSTS
ROOT_URLCONF = "sample_app.django_site.urls"
WSGI_APPLICATION = "sample_app.django_site.wsgi.application"
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "wsgi_lambda.django",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "wsgi_lambda.django.middleware.LambdaFunctionsMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "sample_app.django_site.views.MembersOnly",
]
AUTHENTICATION_BACKENDS = ["sample_app.django_site.members.Backend"]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
LOGIN_URL = "/members/"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [SHOP / "templates"],
        "OPTIONS": {"context_processors": ["sample_app.django_site.views.framework"]},
    }
]
STATIC_ROOT = SHOP / "static"

LOGGING = shop.LOGGING

# The functions in the project, and those around it: each way has a configuration, and paths.
WSGI_LAMBDA = shop.members()
AROUND = shop.wsgi_lambda()
SILENCED_SYSTEM_CHECKS = ["wsgi_lambda.W001"]  # the paths of the two ways are different
