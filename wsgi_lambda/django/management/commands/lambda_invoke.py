"""manage.py lambda_invoke: invoke a named function, or send a request through the project."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.test import Client

from wsgi_lambda.cli import in_app
from wsgi_lambda.django import functions


class Command(BaseCommand):
    """Invoke one function, or one url."""

    help = "Invoke a named function, or send a request for a path through the project."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the arguments."""
        parser.add_argument("name", metavar="NAME|PATH")
        parser.add_argument(
            "-d", "--data", metavar="JSON|@FILE", help="The event, or the body of a POST."
        )

    def handle(self, **options: Any) -> None:
        """Print what comes back; raise a `CommandError` for a failure."""
        if in_app.invoke(functions.dispatcher, options["name"], options["data"], _send):
            raise CommandError("the invocation failed")


def _send(
    path: str, method: str, body: bytes
) -> tuple[str, Iterable[tuple[str, str]], Iterable[bytes]]:
    hosts = [host for host in settings.ALLOWED_HOSTS if "*" not in host]
    name = hosts[0].lstrip(".") if hosts else "localhost"
    client = Client(enforce_csrf_checks=True, raise_request_exception=False, headers={"host": name})
    secure = settings.SECURE_SSL_REDIRECT
    response = client.generic(method, path, body, content_type="application/json", secure=secure)
    lines = [cookie.OutputString() for cookie in response.cookies.values()]
    headers = [*response.items(), *(("Set-Cookie", line) for line in lines)]
    return f"{response.status_code} {response.reason_phrase}", headers, response
