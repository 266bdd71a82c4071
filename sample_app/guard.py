"""A proxy in front of the emulator that passes on only requests signed by the app.

The emulator runs code for everyone who reaches it. So it listens on a Unix socket in
a private folder, and this proxy is the only program with a port. A web page can send
requests to a port of this machine, also under a name of its own that resolves to
127.0.0.1, and so can every local user; none of them knows the secret of the app's key.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
import threading
from collections.abc import Iterator
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sample_app.processes import UnixConnection
from sample_app.streaming import Streams

MAX_BODY = 16 * 1024 * 1024  # bytes; the events of the shop have at most 6 MiB

#: Example: ``AWS4-HMAC-SHA256 Credential=AKIA…/20260101/us-east-1/lambda/aws4_request, …``
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([A-Z0-9]+)/([0-9]{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request,"
    r" ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)
_ISSUED = re.compile(rb"<AccessKeyId>(\w+)</AccessKeyId>\s*<SecretAccessKey>([^<]+)<")
_FRAMING = ("connection", "keep-alive", "transfer-encoding", "content-length")
#: The emulator allows the pages of all origins to read its replies.
_NOT_PASSED_ON = (*_FRAMING, "access-control-")


class Rejected(Exception):
    """A request that does not come from the app; the text says why."""


@contextlib.contextmanager
def guarded(emulator: Path, keys: dict[str, str], streams: Streams | None = None) -> Iterator[str]:
    """Guard the emulator behind the socket ``emulator``; yield the URL of the guard.

    ``keys`` maps ids of access keys to their secrets. Keys that the emulator's STS
    issues to one of them are accepted as well. ``streams`` is a function that streams,
    which the emulator cannot.
    """
    server = _Server(("127.0.0.1", 0), _Handler)
    server.emulator, server.keys, server.streams = emulator, dict(keys), streams
    server.host = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://{server.host}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    emulator: Path
    keys: dict[str, str]
    streams: Streams | None
    host: str

    def handle_error(self, *_: object) -> None:
        """A client that disconnects is not worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 60
    # Nagle's algorithm would delay the body of each reply.
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        try:
            self._check_sender()
            match, secret = self._find_key()
            body = self._read_body()
            self._check_signature(match, secret, body)
        except Rejected as error:
            self.close_connection = True
            self._reply(403, [("Content-Type", "text/plain")], str(error))
            return
        streams = self.server.streams
        if streams is not None and self.path == streams.path:
            streams.respond(self, body)
        else:
            self._pass_on(body)

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_: object) -> None:
        """The app's log shows every request already."""

    def _check_sender(self) -> None:
        if "Origin" in self.headers:
            raise Rejected("Web pages may not send requests to the emulator")
        if self.headers.get_all("Host") != [self.server.host]:
            raise Rejected("The Host header names another server")

    def _read_body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not re.fullmatch("[0-9]{1,9}", length):
            raise Rejected("The body needs a Content-Length")
        if int(length) > MAX_BODY:
            raise Rejected("The body is too large")
        return self.rfile.read(int(length))

    def _find_key(self) -> tuple[re.Match[str], str]:
        """Return the parts of the signature and the secret of its key, before a body is read."""
        match = _AUTHORIZATION.fullmatch(self.headers.get("Authorization", ""))
        secret = match and self.server.keys.get(match[1])
        if not match or not secret:
            raise Rejected("The request is not signed with the app's key")
        return match, secret

    def _check_signature(self, match: re.Match[str], secret: str, body: bytes) -> None:
        """Verify the signature (AWS Signature Version 4), the hash of the body included."""
        key_id, _, region, service, names, signature = match.groups()
        digest = hashlib.sha256(body).hexdigest()
        signed = {name: ",".join(self.headers.get_all(name) or []) for name in names.split(";")}
        if signed.get("x-amz-content-sha256", digest) != digest or "host" not in signed:
            raise Rejected("The signature does not include the body and the host")
        request = AWSRequest(self.command, f"http://{self.server.host}{self.path}", signed, body)
        request.context["timestamp"] = self.headers.get("X-Amz-Date", "")
        auth = SigV4Auth(Credentials(key_id, secret), service, region)
        text = auth.string_to_sign(request, auth.canonical_request(request))
        if not hmac.compare_digest(auth.signature(text, request), signature):
            raise Rejected("The signature is wrong")

    def _pass_on(self, body: bytes) -> None:
        connection = UnixConnection(self.server.emulator, timeout=self.timeout)
        with contextlib.closing(connection):
            connection.putrequest(
                self.command, self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                if name.lower() != "connection":
                    connection.putheader(name, value)
            connection.endheaders(body)
            try:
                reply = connection.getresponse()
                text = reply.read()
            except HTTPException:
                self._reply(502, [], "The emulator did not reply")
                return
        if self.path.partition("?")[0] == "/" and reply.status == 200:
            # AssumeRole: the app signs with these keys from now on.
            for key_id, secret in _ISSUED.findall(text):
                self.server.keys[key_id.decode()] = secret.decode()
        self._reply(reply.status, reply.getheaders(), text)

    def _reply(self, status: int, headers: list[tuple[str, str]], body: str | bytes) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.send_response_only(status)
        for name, value in headers:
            if not name.lower().startswith(_NOT_PASSED_ON):
                self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
