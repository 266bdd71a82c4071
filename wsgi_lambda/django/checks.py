"""System checks; none of them uses the network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.middleware.csrf import CsrfViewMiddleware
from django.urls import Resolver404, URLResolver, get_resolver, resolve
from django.utils.module_loading import import_string

from wsgi_lambda.dispatcher import Dispatcher
from wsgi_lambda.django.conf import KEY, dispatcher
from wsgi_lambda.django.middleware import LambdaFunctionsMiddleware
from wsgi_lambda.errors import ConfigError
from wsgi_lambda.middleware import find_middleware

MIDDLEWARE = "wsgi_lambda.django.middleware.LambdaFunctionsMiddleware"
URLS = "wsgi_lambda.django.urls"

#: A segment that no url of a project spells out.
_SEGMENT = "~wsgi-lambda~"


def check_configuration(**_: Any) -> list[CheckMessage]:
    """Check the setting, the middleware and the WSGI application."""
    found: list[CheckMessage] = []
    try:
        dispatcher()
    except ImproperlyConfigured:
        found.append(Error(f"{KEY} is missing in the settings", id="wsgi_lambda.E001"))
    except ConfigError as error:
        found += [Error(f"{KEY}: {each}", id="wsgi_lambda.E002") for each in error.errors]
    ours, csrf = _first(LambdaFunctionsMiddleware), _first(CsrfViewMiddleware)
    if ours is None:
        found.append(Error(f"{MIDDLEWARE} is missing in MIDDLEWARE", id="wsgi_lambda.E003"))
    elif csrf is not None and csrf < ours:
        place = settings.MIDDLEWARE[csrf]
        text = f"{settings.MIDDLEWARE[ours]} must stand before {place}, which parses forms"
        found.append(Error(text, id="wsgi_lambda.E004"))
    if _is_wrapped():
        text = (
            "WSGI_APPLICATION is a LambdaMiddleware as well, which responds before the project's "
            "login; use one of both"
        )
        found.append(CheckWarning(text, id="wsgi_lambda.W001"))
    return found


def _first(kind: type) -> int | None:
    """Return the index of the first middleware that is of ``kind`` or a subclass; None without."""
    for index, name in enumerate(settings.MIDDLEWARE):
        with suppress(ImportError):  # its own error is shown when the server starts
            found = import_string(name)
            if isinstance(found, type) and issubclass(found, kind):
                return index
    return None


def check_urls(**_: Any) -> list[CheckMessage]:
    """Check that views name functions that exist, and that urls lead to all routes."""
    try:
        found = dispatcher()
    except (ImproperlyConfigured, ConfigError):  # reported by the other check
        return []
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    patterns = list(_patterns(get_resolver().url_patterns, "/"))
    return [*_unknown_functions(found, patterns), *_hidden_routes(found, patterns)]


def _unknown_functions(
    found: Dispatcher, patterns: list[tuple[str, Any]]
) -> Iterator[CheckMessage]:
    for place, view in patterns:
        name = getattr(view, "wsgi_lambda_function", None)
        if name is not None:
            try:
                found[name]
            except LookupError as error:
                yield Error(f"url {place}: {error}", id="wsgi_lambda.E005")


def _hidden_routes(found: Dispatcher, patterns: list[tuple[str, Any]]) -> Iterator[CheckMessage]:
    ours = [(place, view) for place, view in patterns if view.__module__ == URLS]
    # A page of the project at "/" does not hide the prefix "/".
    paths = {
        route.path: [] if route.path.segments or route.is_exact else [_SEGMENT]
        for route in found.routes
        if not route.name
    }
    if not ours:
        if paths:
            text = f"{URLS} is not included in the urls, but there are routes"
            yield CheckWarning(text, id="wsgi_lambda.W002")
        return
    prefix = ours[0][0].partition("<wsgi_lambda_path")[0]
    if "<" in prefix or "(" in prefix:  # a prefix with variables cannot be tried
        return
    for path, below in paths.items():
        parts = [_SEGMENT if each.is_parameter else each.text for each in path.segments]
        try:
            view = resolve(prefix + "/".join(parts + below)).func
        except Resolver404:
            continue
        if view.__module__ != URLS:
            text = f"the route {path} is hidden by another url of the project"
            yield CheckWarning(text, id="wsgi_lambda.W002")


def _patterns(patterns: list[Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield the url and the view of each pattern: ``("/pay/<int:order_id>/", view)``."""
    for each in patterns:
        place = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _patterns(each.url_patterns, place)
        else:
            yield place, each.callback


def _is_wrapped() -> bool:
    name = getattr(settings, "WSGI_APPLICATION", None)
    if not name:
        return False
    try:
        layer = import_string(name)
    except Exception:  # noqa: BLE001 - its own error is shown when the server starts
        return False
    return find_middleware(layer) is not None
