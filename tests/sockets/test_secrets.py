"""Keys, secrets, tokens and payloads: searched for in all that a log or a crash reporter keeps."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import pytest

from tests.conftest import MakeApp, invokers, parts
from tests.servers import lambda_server as far_end
from tests.servers.lambda_server import LambdaServer, Step
from tests.servers.web_server import ClientResponse, serving
from tests.tools.promises import Tried
from wsgi_lambda import LambdaMiddleware

pytestmark = pytest.mark.promise("secret")

KEY, SECRET, TOKEN = "AKIAIOSFODNN7SECRET", "wJalr/SECRET+bPxRfi", "IQoJb3JpZ2lu/SECRET=="
PAYLOAD = "4111-1111-1111-1111"
HIDDEN = (SECRET, TOKEN, PAYLOAD)
ROUTES = {
    "/f": {"function_name": "f"},
    "/proxy": {"function_name": "f", "is_proxy_integration": True},
}


@pytest.fixture(params=["route", "environment"])
def app(
    request: pytest.FixtureRequest,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    monkeypatch: pytest.MonkeyPatch,
) -> LambdaMiddleware:
    """The middleware with temporary credentials, its own or the environment's."""
    lambda_server.credentials[KEY] = (SECRET, TOKEN)
    own: dict[str, str | None] = {"aws_key": KEY, "aws_secret": SECRET, "aws_session_token": TOKEN}
    if request.param == "environment":
        for name, value in (("ACCESS_KEY_ID", KEY), ("SECRET_ACCESS_KEY", SECRET)):
            monkeypatch.setenv(f"AWS_{name}", value)
        monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
        own = {"aws_key": None, "aws_secret": None}
    return make_app(ROUTES, timeout=400, **own)


def ask(web: Any, path: str = "/f") -> ClientResponse:
    headers = [("Content-Type", "application/json")]
    return web.send("POST", path, headers, json.dumps({"card": PAYLOAD}).encode())


SIGNATURE_ERROR = json.dumps(
    {"message": f"The canonical string\nx-amz-security-token:{TOKEN}\nhost:lambda"}
).encode()
STEPS: dict[str, Callable[[], Step]] = {
    "answers": lambda: far_end.respond(200, {}, b"{}"),
    "fails": lambda: far_end.respond(500, {}, b"{}"),
    "throttles": lambda: far_end.respond(429, {}, b"{}"),
    "calls the signature wrong": lambda: far_end.respond(403, {}, SIGNATURE_ERROR),
    "calls the token expired": lambda: far_end.respond(
        403, {"x-amzn-ErrorType": "ExpiredTokenException"}, SIGNATURE_ERROR
    ),
    "resets": far_end.reset,
    "never answers": far_end.hang,
    "speaks no HTTP": lambda: far_end.raw(b"nonsense\r\n\r\n", close=True),
    "the function raises": lambda: far_end.respond(
        200, {"X-Amz-Function-Error": "Unhandled"}, b'{"errorMessage": "boom"}'
    ),
}


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_no_log_line_and_no_answer_has_a_secret(
    step: Callable[[], Step],
    path: str,
    app: LambdaMiddleware,
    lambda_server: LambdaServer,
    caplog: pytest.LogCaptureFixture,
    tried: Tried,
) -> None:
    lambda_server.script(step())
    with caplog.at_level("DEBUG"), serving(app) as web:
        answer = ask(web, path)
    records = "\n".join([caplog.text, *(repr(vars(record)) for record in caplog.records)])
    shown = f"{records}{answer}{vars_of(app)}"
    assert [text for text in (*HIDDEN, KEY) if text in shown.replace(TOKEN[:4] + "...", "")] == []
    assert caplog.records, "nothing was logged that could have been searched"
    tried(places=len(caplog.records) + 1)


def vars_of(app: LambdaMiddleware) -> str:
    """Return what a crash reporter shows of our objects: `repr` and `vars` of each."""
    function = invokers(app)[0]
    client, source = parts(function).client, parts(function).source
    session = client.session()
    signer, cache = parts(function).signer, parts(source).cache
    found = [app, app.dispatcher, function, client, source, cache, signer, session]
    found += session.adapters.values()
    return "".join(f"{each!r} {vars(each)}" for each in found)


def test_refused_configuration_shows_no_value() -> None:
    options = {"aws_key": KEY, "aws_secret": SECRET, "aws_session_token": TOKEN, "tiemout": SECRET}
    wrong = {**options, "host": SECRET, "timeout": TOKEN, "aws_region": PAYLOAD, "methods": SECRET}
    with pytest.raises(ValueError) as caught:
        LambdaMiddleware(None, {"routes": {"/f": {"function_name": "f", **wrong}}})
    shown = f"{caught.value} {caught.value!r} {vars(caught.value)}"
    assert [text for text in (*HIDDEN, KEY) if text in shown] == []


class Broken(BaseException):
    """Of the system, as when a server ends a worker: nothing that the middleware could expect."""


def break_off(*_: Any, **__: Any) -> Any:
    raise Broken


def our_frames(traceback: TracebackType | None) -> Iterator[dict[str, Any]]:
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_globals.get("__name__", "").startswith("wsgi_lambda"):
            yield frame.f_locals
        traceback = traceback.tb_next


@pytest.mark.parametrize("place", ["start_response", "clock", "socket"])
def test_locals_of_a_crash_show_no_credentials(
    place: str, app: LambdaMiddleware, monkeypatch: pytest.MonkeyPatch, tried: Tried
) -> None:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/f",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": "2",
        "wsgi.input": io.BytesIO(b"{}"),
    }
    if place == "clock":
        monkeypatch.setattr("wsgi_lambda.invoke.sign.time.strftime", break_off)
    if place == "socket":
        monkeypatch.setattr("socket.socket.send", break_off)
    start_response = break_off if place == "start_response" else lambda *_: None
    with pytest.raises(Broken) as caught:
        app(environ, start_response)
    frames = list(our_frames(caught.value.__traceback__))
    assert frames
    assert [text for text in (SECRET, TOKEN) if text in repr(frames)] == []
    tried(places=len(frames))
