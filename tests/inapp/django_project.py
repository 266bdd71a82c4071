"""The settings of the Django tests; each test overrides what it is about."""

from __future__ import annotations

from typing import Any

import django
from django.conf import settings

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "wsgi_lambda.django.middleware.LambdaFunctionsMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


def configure() -> None:
    """Configure Django once for the process of the tests."""
    if settings.configured:
        return
    settings.configure(
        ROOT_URLCONF="tests.inapp.django_project",
        SECRET_KEY="a secret for tests",
        ALLOWED_HOSTS=["testserver", "127.0.0.1", "shop.test"],
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "corsheaders",
            "rest_framework",
            "wsgi_lambda.django",
        ],
        MIDDLEWARE=MIDDLEWARE,
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        USE_TZ=True,
        LOGIN_URL="/login/",
        REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": []},
        SILENCED_SYSTEM_CHECKS=["django_ratelimit.E003", "django_ratelimit.W001"],
    )
    django.setup()


urlpatterns: list[Any] = []
