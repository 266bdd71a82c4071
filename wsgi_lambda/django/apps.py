"""The app that registers the system checks and the commands."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register


class LambdaFunctionsConfig(AppConfig):
    """``INSTALLED_APPS += ["wsgi_lambda.django"]``."""

    name = "wsgi_lambda.django"
    label = "wsgi_lambda"
    verbose_name = "Lambda functions"

    def ready(self) -> None:
        """Register the checks."""
        from wsgi_lambda.django.checks import check_configuration, check_urls

        register(check_configuration)
        register(check_urls)
