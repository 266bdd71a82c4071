"""manage.py lambda_check: ask Lambda whether each route and function may be invoked."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from wsgi_lambda.cli import in_app
from wsgi_lambda.django import functions
from wsgi_lambda.django.checks import check_configuration, check_urls


class Command(BaseCommand):
    """Do a DryRun of each route and function."""

    help = "Check the project, and do a DryRun of every route and function."

    def handle(self, **_: Any) -> None:
        """Print the report; raise a `CommandError` if anything failed."""
        findings = [each.msg for each in (*check_configuration(), *check_urls())]
        if in_app.check(functions.dispatcher, findings):
            raise CommandError("the check failed")
