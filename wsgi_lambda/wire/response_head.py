"""Parse the head of an HTTP response strictly (RFC 9112).

http.client uses the parser for e-mail. It accepts a truncated head, ignores a
Content-Length that is not a number, and takes the first of two different ones.
Any of these would pass a partial body on as a complete one. The parser here is
also faster: http.client's takes an eighth of the time of a small invocation.
"""

from __future__ import annotations

import re
from http.client import BadStatusLine, HTTPException, HTTPMessage, HTTPResponse, RemoteDisconnected
from typing import Any

from wsgi_lambda.header_syntax import LENGTH, TOKEN

# The limits of http.client.
_MOST_FIELDS = 100
_LONGEST_LINE = 65536  # bytes

_STATUS_LINE = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([^\r\n]*))?\r?\n")
# RFC 9112, 5: no space before the colon, no continuation lines.
_FIELD = re.compile(rf"({TOKEN.pattern}):([^\r\n\0]*)\r?\n")
_FRAMING = ("connection", "content-length", "transfer-encoding")


class StrictResponse(HTTPResponse):
    """A response with a complete head and exactly one rule for the end of its body.

    http.client calls `begin`. It raises `RemoteDisconnected` if the connection
    closes before the end of the head, and otherwise an `HTTPException` that
    names the malformed part without repeating it.
    """

    code: int
    chunk_left: int | None
    _method: str | None

    def begin(self, **_: Any) -> None:
        status = 100
        while status == 100:
            status = self._read_status_line()
            fields = self._read_fields()
        self.code = self.status = status
        self.headers = self.msg = _message(fields)
        self._frame(fields)

    def _line(self) -> str:
        line = str(self.fp.readline(_LONGEST_LINE + 1), "latin-1")
        if not line.endswith("\n"):
            if len(line) > _LONGEST_LINE:
                raise HTTPException("a line of the response head is too long")
            when = "during" if line or self.version in (10, 11) else "before"
            raise RemoteDisconnected(f"the connection was closed {when} the response head")
        return line

    def _read_status_line(self) -> int:
        line = self._line()
        found = _STATUS_LINE.fullmatch(line)
        if found is None:
            raise BadStatusLine(repr(line[:80]))
        self.version = 11 if found[1] == "1" else 10
        self.reason = (found[3] or "").strip()
        return int(found[2])

    def _read_fields(self) -> list[tuple[str, str]]:
        fields = []
        while (line := self._line()) not in ("\r\n", "\n"):
            found = _FIELD.fullmatch(line)
            if found is None:
                raise HTTPException("the response head has a malformed header")
            fields.append((found[1], found[2].strip(" \t")))
            if len(fields) > _MOST_FIELDS:
                raise HTTPException(f"the response head has more than {_MOST_FIELDS} headers")
        return fields

    def _frame(self, fields: list[tuple[str, str]]) -> None:
        """Set the length of the body and the fate of the connection (RFC 9112, 6.3 and 9.3)."""
        found: dict[str, list[str]] = {name: [] for name in _FRAMING}
        for name, value in fields:
            if (lower := name.lower()) in found:
                found[lower].append(value.lower())
        codings, connection = found["transfer-encoding"], ",".join(found["connection"])
        lengths = set(found["content-length"])
        if codings and (codings != ["chunked"] or lengths):
            raise HTTPException("the response's Transfer-Encoding is not chunked alone")
        if len(lengths) > 1 or not all(map(LENGTH.fullmatch, lengths)):
            raise HTTPException("the response's Content-Length is not a length")
        self.chunked = bool(codings)
        self.chunk_left = None
        self.length = int(lengths.pop()) if lengths else None
        if self._method == "HEAD" or self.status in (204, 304) or self.status < 200:
            self.length = 0
        is_kept = "close" not in connection if self.version == 11 else "keep-alive" in connection
        self.will_close = not is_kept or (self.length is None and not self.chunked)


def _message(fields: list[tuple[str, str]]) -> HTTPMessage:
    message = HTTPMessage()
    for field in fields:
        message.set_raw(*field)
    message.set_payload("")
    return message
