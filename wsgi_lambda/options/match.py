"""Options that choose the requests of a route."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from wsgi_lambda.options import addresses, headers, parsers
from wsgi_lambda.options.declaration import OptionGroup, flag, option
from wsgi_lambda.options.headers import HeaderCondition

if TYPE_CHECKING:
    from werkzeug.wrappers import Request, Response


class Match(OptionGroup):
    """Conditions on the request.

    A route matches a request if its path and all of these match; an empty
    condition matches every request.
    """

    exact: bool = flag(
        False,
        doc="Match the whole path only, not the paths below it. Templates (`/todos/{id}`) are "
        "always exact",
    )
    methods: frozenset[str] = option(
        parsers.methods,
        frozenset(),
        type_name="list",
        doc="HTTP methods. `GET` does not imply `HEAD`. None matches every method",
    )
    hosts: tuple[str, ...] = option(
        addresses.hosts,
        (),
        type_name="list",
        doc="Names in the Host header, also `*.name` or `name.*`, each with or without a port; "
        "case-insensitive. None matches every host",
    )
    headers: tuple[HeaderCondition, ...] = option(
        headers.conditions,
        (),
        type_name="mapping",
        doc="Names of request headers, each with a list of values. Every named header must have "
        "one of its values; names and values are case-insensitive. None matches every request",
    )
    consumers: frozenset[str] = option(
        parsers.names,
        frozenset(),
        type_name="list",
        doc="Values of `REMOTE_USER`, case-sensitive. None matches everybody",
    )
    authorize: Callable[[Request], Response | None] | None = option(
        parsers.function,
        type_name="callable or string",
        doc="Called with the Werkzeug `Request` of each request of the route. It returns None to "
        "continue, or a `Response` that is sent instead of invoking the function; `abort(401)` "
        "works, too. A string such as `shop.auth:check` is imported",
    )
