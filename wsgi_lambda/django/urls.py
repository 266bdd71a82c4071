"""The configured routes as one url pattern: ``path("", include("wsgi_lambda.django.urls"))``."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import path, register_converter

from wsgi_lambda.dispatcher import PRINCIPAL
from wsgi_lambda.django.conf import dispatcher
from wsgi_lambda.django.exchange import (
    environ_of,
    failure,
    keep_body,
    make_request,
    principal_of,
    to_django,
)
from wsgi_lambda.errors import ConfigError, LambdaError
from wsgi_lambda.request import FrameworkValues


class RoutedPath(NamedTuple):
    """A path that at least one route has, and the methods of its routes."""

    text: str
    methods: frozenset[str]


class RoutedPathConverter:
    """Matches the paths of routes only, so that Django tries its next pattern for the others."""

    regex = "(?s:.*)"

    def to_python(self, value: str) -> RoutedPath:
        text = value if value.isascii() else value.encode().decode("latin-1")
        try:
            found = dispatcher()
        except ConfigError as error:  # a ValueError, which would be a 404
            raise ImproperlyConfigured(str(error)) from error
        methods = found.allowed_methods(f"/{text}")
        if not methods:
            raise ValueError("no route has this path")
        return RoutedPath(value, methods)

    def to_url(self, value: object) -> str:
        return str(value)


@keep_body
def route_view(request: HttpRequest, path: RoutedPath, **_: object) -> HttpResponseBase:
    """Respond with the function of the route that the routing table finds.

    The urls may be included below a prefix that captures values.
    """
    environ = environ_of(request, path.text)
    if request.method not in path.methods:
        return _without_function(request, path.methods)
    ask = principal_of(request)
    if ask is not None:
        environ[PRINCIPAL] = ask
    found = dispatcher()
    backend = found.find(environ)
    if backend is None:
        raise Http404("No route takes this host, these headers or this consumer")
    try:
        made = make_request(request, environ, FrameworkValues(principal=ask))
        response = found.respond_or_raise(backend, made)
    except LambdaError as error:
        return failure(error, request)
    if response.status == HTTPStatus.NOT_FOUND:
        # LocaleMiddleware redirects a 404 to the same path behind a language, if a url of
        # the project's urlconf matches that, as the prefix "/" does. This one has no languages.
        request.urlconf = __name__
    return to_django(response, request)


def _without_function(request: HttpRequest, methods: frozenset[str]) -> HttpResponseBase:
    """Respond to a method that no route of the path takes, as Django's `View` does."""
    if request.method != "OPTIONS":
        return HttpResponseNotAllowed(sorted(methods))
    return HttpResponse(headers={"Allow": ", ".join(sorted({*methods, "OPTIONS"}))})


register_converter(RoutedPathConverter, "wsgi_lambda_path")

urlpatterns = [path("<wsgi_lambda_path:path>", route_view, name="wsgi_lambda_route")]
