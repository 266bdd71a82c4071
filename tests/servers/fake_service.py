"""Serve credentials over HTTP, with responses that the test chooses.

It stands in for STS, the metadata services of instances and containers, and
the SSO portal. `FakeService.asked` contains the requests it received.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from tests.servers.background import InBackground


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: method, target, headers by lower-case name, form fields."""

    method: str
    target: str
    headers: Mapping[str, str]
    form: Mapping[str, str]


#: Status and body; a dict is sent as JSON.
Reply = tuple[int, Any]


class FakeService(InBackground):
    """Respond to each request on a loopback port with the result of ``reply``."""

    def __init__(self, reply: Callable[[Asked], Reply]) -> None:
        self.asked: list[Asked] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                fields = parse_qs(self.rfile.read(length).decode())
                headers = {name.lower(): value for name, value in self.headers.items()}
                form = {name: values[-1] for name, values in fields.items()}
                request = Asked(self.command, self.path, headers, form)
                asked.append(request)
                status, content = reply(request)
                body = (json.dumps(content) if isinstance(content, dict) else content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_PUT = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"


def in_an_hour() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def metadata(key: str, secret: str, token: str, expires: str = "") -> dict[str, str]:
    """Return credentials in the format of the metadata services."""
    return {
        "Code": "Success",
        "AccessKeyId": key,
        "SecretAccessKey": secret,
        "Token": token,
        "Expiration": expires or in_an_hour(),
    }


def sts(action: str, key: str, secret: str, token: str) -> str:
    """Return credentials in the format of STS."""
    return (
        f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>'
        f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
        f"<SessionToken>{token}</SessionToken><Expiration>{in_an_hour()}</Expiration></Credentials>"
        f"</{action}Result></{action}Response>"
    )
