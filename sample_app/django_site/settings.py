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

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [SHOP / "templates"],
        "OPTIONS": {"context_processors": ["sample_app.django_site.views.framework"]},
    }
]
STATIC_ROOT = SHOP / "static"

LOGGING = shop.LOGGING

WSGI_LAMBDA = shop.wsgi_lambda()
