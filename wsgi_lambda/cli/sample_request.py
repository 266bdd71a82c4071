"""Make a request without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.test import EnvironBuilder

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def make_environ(
    path: str, method: str | None, *, headers: list[tuple[str, str]], body: bytes | None, user: str
) -> WSGIEnvironment:
    """Return the environ of a request, as curl would send it.

    Without ``method`` it is a GET, with a body a POST; the body is a form unless
    ``headers`` contain another type. ``path`` may contain a query.
    """
    has_type = any(name.lower() == "content-type" for name, _ in headers)
    return EnvironBuilder(
        path=path,
        method=method or ("GET" if body is None else "POST"),
        headers=headers,
        data=body,
        content_type=None if has_type or body is None else "application/x-www-form-urlencoded",
        environ_base={"REMOTE_ADDR": "127.0.0.1", **({"REMOTE_USER": user} if user else {})},
    ).get_environ()
