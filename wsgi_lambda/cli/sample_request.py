"""Make a request without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.test import EnvironBuilder

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_WITH_PATH = ("PATH_INFO", "REQUEST_URI", "RAW_URI")


def make_environ(
    path: str, method: str | None, *, headers: list[tuple[str, str]], body: bytes | None, user: str
) -> WSGIEnvironment:
    """Return the environ of a request, as curl would send it.

    Without ``method`` it is a GET, with a body a POST; the body is a form unless
    ``headers`` contain another type. ``path`` may contain a query. Raises ValueError
    for a path or header that no client could send.
    """
    # Werkzeug would take "//shop/7" for a host and a path.
    extra = "/" * (len(path) - len(path.lstrip("/")) - 1)
    has_type = any(name.lower() == "content-type" for name, _ in headers)
    environ = EnvironBuilder(
        path=path.removeprefix(extra),
        method=method or ("GET" if body is None else "POST"),
        headers=headers,
        data=body,
        content_type=None if has_type or body is None else "application/x-www-form-urlencoded",
        environ_base={"REMOTE_ADDR": "127.0.0.1", **({"REMOTE_USER": user} if user else {})},
    ).get_environ()
    return {**environ, **{name: extra + environ[name] for name in _WITH_PATH}}
