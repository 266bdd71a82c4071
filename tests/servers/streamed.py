"""Send one request to a WSGI app, and read its response chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.validate import validator

from werkzeug.test import create_environ


class Streamed:
    """The response of an app to one request; the validator of PEP 3333 checks both sides.

    ::

        with Streamed(app, "/chat") as response:
            assert next(response) == b""
    """

    def __init__(
        self, app: Callable[..., Iterable[bytes]], path: str = "/f", *, method: str = "GET"
    ) -> None:
        environ = create_environ(path, method=method)
        body = validator(app)(environ, self._start_response)
        self._body = body
        self._iterator = iter(body)

    def _start_response(self, status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        self.status = int(status.split()[0])
        self.headers = headers
        return lambda data: None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._iterator)

    def __enter__(self) -> Streamed:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the response as a server does."""
        self._body.close()  # type: ignore[attr-defined]

    def rest(self) -> bytes:
        """Return all bytes until the end."""
        return b"".join(self)

    def header(self, name: str) -> str | None:
        """Return the value of ``name``, or None; more than one value fails the test."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1, f"{len(values)} headers {name}"
        return values[0] if values else None
