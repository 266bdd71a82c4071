"""Keep the bodies of requests, and turn failures into responses; responds to nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from wsgi_lambda.django.conf import dispatcher
from wsgi_lambda.django.exchange import KEEPS_BODY, failure, read_body
from wsgi_lambda.errors import LambdaError


class LambdaFunctionsMiddleware(MiddlewareMixin):
    """Put it before CsrfViewMiddleware, which parses forms.

    Raises `ConfigError` when Django starts, because Django runs no checks when it
    serves requests.
    """

    def __init__(self, get_response: Callable[..., Any]) -> None:
        super().__init__(get_response)
        dispatcher()

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], *_: object
    ) -> HttpResponseBase | None:
        """Read the body, before any middleware parses it, if the view passes it on."""
        if getattr(view, KEEPS_BODY, False):
            try:
                read_body(request)
            except LambdaError as error:
                return failure(error, request)
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        """Return the response for a failure that the view has not caught."""
        return failure(error, request) if isinstance(error, LambdaError) else None
