"""manage.py lambda_routes: list the routes in the order of matching, and the named functions."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from wsgi_lambda.cli import in_app
from wsgi_lambda.django import functions


class Command(BaseCommand):
    """List the routes and named functions."""

    help = "List the routes in the order of matching, and the named functions."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--json", action="store_true", help="Print JSON.")

    def handle(self, **options: Any) -> None:
        """Print the list."""
        in_app.print_routes(functions.dispatcher, as_json=options["json"])
