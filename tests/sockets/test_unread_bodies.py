"""Responses that are known before the request body was read: the client still gets them."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.wrappers import Response

from tests.conftest import MakeApp
from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import serving

# More than the buffers of both sockets: the server must read it.
BODY = b"x" * 20_000_000


def refuse(request: Any) -> Response:
    return Response("Who are you?", 401)


def fail(request: Any) -> Response:
    raise RuntimeError("a bug")


V2 = {"awsgateway_compatible": True, "awsgateway_compatible_payload_version": "2.0"}
#: The target, the options of the route, and the status.
CASES = {
    "body over the limit": ("/f", V2, 413),
    "refused by authorize": ("/f", {"authorize": refuse}, 401),
    "authorize raised": ("/f", {"authorize": fail}, 500),
    "too many arguments": ("/f?" + "a&" * 2000, {}, 413),
    "no route": ("/g", {}, 404),
    "NUL in the path": ("/f%00", {}, 400),
}


@pytest.mark.parametrize(("target", "options", "status"), CASES.values(), ids=CASES)
def test_response_arrives_although_the_body_was_not_needed(
    target: str,
    options: dict[str, Any],
    status: int,
    lambda_server: LambdaServer,
    make_app: MakeApp,
) -> None:
    with serving(make_app({"/f": {"function_name": "f", **options}})) as web:
        response = web.send("POST", target, [("Content-Type", "text/plain")], BODY)
    assert (response.status, lambda_server.connections) == (status, 0)


def test_response_is_not_held_up_by_a_body_without_an_end(make_app: MakeApp) -> None:
    with serving(make_app({"/f": {"function_name": "f"}})) as web:
        response = web.send("POST", "/f", [("Transfer-Encoding", "chunked")], b"5\r\nhe")
    assert response.status == 411
