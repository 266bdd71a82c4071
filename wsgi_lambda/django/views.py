"""Named functions as views, and called from Python."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch
from django.views import View

from wsgi_lambda.dispatcher import DEFAULT_METHODS, Dispatcher
from wsgi_lambda.django.conf import dispatcher
from wsgi_lambda.django.exchange import (
    environ_of,
    failure,
    keep_body,
    make_request,
    principal_of,
    to_django,
)
from wsgi_lambda.errors import LambdaError
from wsgi_lambda.request import FrameworkValues
from wsgi_lambda.response.result import Result

_VARIABLE = re.compile(r"<(?:(?P<converter>[^>:]+):)?(?P<name>[^>]+)>")
# Only a regular expression contains these.
_PATTERN = re.compile(r"[\^$\\]|\(\?")


class Function:
    """A named function; both methods may be called from any thread."""

    def __init__(self, name: str) -> None:
        self._name = name

    def invoke(
        self, event: Any = None, *, tenant_id: str | None = None, is_safe: bool = False
    ) -> Result:
        """Send an event of the project's own and return the result; None is sent as ``{}``.

        ``event`` is encoded by DjangoJSONEncoder; bytes are sent unchanged. ``is_safe``
        allows it to be sent again like a GET. Raises `LambdaError`, among them
        `FunctionError` if the function raised, and ValueError for NaN.
        """
        payload = event if isinstance(event, bytes) else _encode(event)
        found = dispatcher()
        return found.invoke(found[self._name], payload, tenant_id=tenant_id, is_safe=is_safe)

    def respond(self, request: HttpRequest) -> HttpResponseBase:
        """Pass ``request`` on and return the function's response; raises `LambdaError`.

        The request may be one of REST framework.
        """
        request = getattr(request, "_request", request)
        match, found = request.resolver_match, dispatcher()
        framework = FrameworkValues(
            principal=principal_of(request),
            path_parameters={} if match is None else _captured(match),
            template="" if match is None else _template(match.route, request.path_info),
        )
        made = make_request(request, environ_of(request), framework)
        response = found.respond_or_raise(found[self._name], made)
        return to_django(response, request)


class Functions:
    """The named functions of ``settings.WSGI_LAMBDA``: ``functions["pay"]``."""

    @property
    def dispatcher(self) -> Dispatcher:
        """The dispatcher of the settings."""
        return dispatcher()

    def __getitem__(self, name: str) -> Function:
        """Return a function; raise a LookupError with the near match."""
        dispatcher()[name]
        return Function(name)


functions = Functions()


class LambdaView(View):
    """The view of a named function, for mixins: ``LambdaView.as_view(function="pay")``.

    A failure is a response, so that ATOMIC_REQUESTS does not roll back.
    """

    function = ""
    http_method_names = [*sorted(map(str.lower, DEFAULT_METHODS)), "options"]  # noqa: RUF012

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view; its name is that of the function."""
        view = super().as_view(**initkwargs)
        name = initkwargs.get("function", cls.function)
        view.__name__ = view.__qualname__ = f"lambda_{name}"
        view.__module__ = cls.__module__
        view.wsgi_lambda_function = name
        return keep_body(view)

    def _respond(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponseBase:
        try:
            return functions[self.function].respond(request)
        except LambdaError as error:
            return failure(error, request)

    get = head = post = put = patch = delete = _respond


def lambda_view(name: str) -> Any:
    """Return the view of a named function, for ``urlpatterns`` and decorators."""
    return LambdaView.as_view(function=name)


def _encode(event: Any) -> bytes:
    given = {} if event is None else event
    text = json.dumps(given, cls=DjangoJSONEncoder, allow_nan=False, separators=(",", ":"))
    return text.encode()


def _captured(match: ResolverMatch) -> dict[str, str]:
    """Return what the converters of the url captured, as text, those of outer includes too."""
    values = match.kwargs
    if match.extra_kwargs:
        # captured_kwargs are those of the innermost pattern only.
        outer = {name: value for name, value in values.items() if name not in match.extra_kwargs}
        values = {**outer, **match.captured_kwargs}
    return {name: str(value) for name, value in values.items()}


def _template(route: str, path: str) -> str:
    """Return a url in API Gateway's notation: ``"/pay/{order_id}/"``; "" for an expression.

    ``path`` is the path of the request: an expression may match other paths than
    the one that it spells.
    """
    template, literals = _parse(route)
    return template if _is_spelled(literals, path[1:]) else ""


@lru_cache(maxsize=1024)
def _parse(route: str) -> tuple[str, list[str]]:
    """Return the template of ``route`` and what stands between its variables."""
    if _PATTERN.search(route):
        return "", [route]

    def written(found: re.Match[str]) -> str:
        mark = "+" if found["converter"] == "path" else ""
        return f"{{{found['name']}{mark}}}"

    return f"/{_VARIABLE.sub(written, route)}", re.split("<[^>]+>", route)


def _is_spelled(literals: list[str], path: str) -> bool:
    """Return whether ``path`` consists of ``literals`` in this order, with anything in between."""
    first, *others = literals
    if not path.startswith(first):
        return False
    rest = path[len(first) :]
    for literal in others[:-1]:
        if literal not in rest:
            return False
        rest = rest[rest.index(literal) + len(literal) :]
    return rest.endswith(others[-1]) if others else not rest
