"""`authorize`: who may pass, what it may read, and what its failures are."""

from __future__ import annotations

import threading
from typing import Any

import flask
import pytest
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import HTTPException, abort
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Request, Response

from tests.conftest import MakeApp
from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import ClientResponse, serving

FORM = [("Content-Type", "application/x-www-form-urlencoded")]


def ask(make_app: MakeApp, authorize: Any, *request: Any, **options: Any) -> ClientResponse:
    app = make_app({"/f": {"function_name": "f", "authorize": authorize, **options}})
    with serving(app) as web:
        return web.send(*request)


def test_none_lets_a_request_go_on(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    answer = ask(make_app, lambda request: None, "GET", "/f?a=1")
    assert answer.status == 200
    assert [i.event for i in lambda_server.invocations] == [{"a": "1"}]


def test_response_is_the_answer(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    def refuse(request: Request) -> Response:
        assert (request.method, request.path) == ("POST", "/f/x")
        headers = {"WWW-Authenticate": "Bearer"}
        return Response(f"no, {request.args['name']}", 401, headers)

    answer = ask(make_app, refuse, "POST", "/f/x?name=ada", [], b"body")
    assert (answer.status, answer.body) == (401, b"no, ada")
    assert answer.header("www-authenticate") == "Bearer"
    assert lambda_server.invocations == []


def test_it_may_read_the_body_that_the_function_gets(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    def check(request: Request) -> Response | None:
        return None if request.form["token"] == "ok" else Response(status=403)

    assert ask(make_app, check, "POST", "/f", FORM, b"token=ok&a=1").status == 200
    assert ask(make_app, check, "POST", "/f", FORM, b"token=no&a=1").status == 403
    assert [i.event for i in lambda_server.invocations] == [{"token": "ok", "a": "1"}]


def test_what_it_read_in_part_is_whole_in_the_event(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    def check(request: Request) -> None:
        assert request.stream.read(3) == b"tok"

    assert ask(make_app, check, "POST", "/f", FORM, b"token=ok").status == 200
    assert [i.event for i in lambda_server.invocations] == [{"token": "ok"}]


def test_a_body_that_holds_no_arguments_may_be_read_too(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    def check(request: Request) -> None:
        assert request.get_data() == b"plain"

    text = [("Content-Type", "text/plain")]
    options = {"reject_unparsed_body": False}
    answer = ask(make_app, check, "POST", "/f", text, b"plain", **options)
    assert (answer.status, [i.event for i in lambda_server.invocations]) == (200, [{}])


def test_user_that_it_sets_is_the_principal(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    def check(request: Request) -> None:
        request.environ["REMOTE_USER"] = "ada"

    ask(make_app, check, "GET", "/f", awsgateway_compatible=True)
    (event,) = (i.event for i in lambda_server.invocations)
    assert event["requestContext"]["authorizer"] == {"principalId": "ada"}


def test_the_server_s_own_environ_stays_as_it_was(make_app: MakeApp) -> None:
    seen: dict[str, Any] = {}

    def check(request: Request) -> Response:
        request.environ["REMOTE_USER"] = "ada"
        return Response("no", 403)

    app = make_app({"/f": {"function_name": "f", "authorize": check}})

    def outer(environ: Any, start_response: Any) -> Any:
        before = dict(environ)
        result = app(environ, start_response)
        seen.update(before=before, after=dict(environ))
        return result

    with serving(outer) as web:
        web.send()
    assert seen["before"] == seen["after"]


def raises(request: Request) -> None:
    raise PermissionError("the database says SECRET")


def says_yes(request: Request) -> Any:
    return True


def says_no(request: Request) -> Any:
    return False


@pytest.mark.parametrize(
    ("authorize", "told"),
    [
        (raises, "raises raised PermissionError"),
        (says_yes, "says_yes returned bool"),
        (says_no, "says_no returned bool"),
    ],
)
def test_anything_else_is_no_permission(
    authorize: Any,
    told: str,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = ask(make_app, authorize)
    assert (answer.status, lambda_server.invocations) == (500, [])
    assert answer.json()["message"] == "The request could not be authorized"
    assert told in caplog.text
    assert b"SECRET" not in answer.body


def flask_abort(request: Request) -> None:
    flask.abort(401)


def abort_with_headers(request: Request) -> None:
    abort(401, www_authenticate=WWWAuthenticate("bearer"))


def abort_with_a_response(request: Request) -> None:
    abort(Response("pay first", 402))


def redirect(request: Request) -> None:
    raise RequestRedirect("/login")


def get_json(request: Request) -> None:
    request.get_json()


@pytest.mark.parametrize(
    ("authorize", "status", "header", "body"),
    [
        (flask_abort, 401, ("Content-Type", "text/html; charset=utf-8"), b"401 Unauthorized"),
        (abort_with_headers, 401, ("WWW-Authenticate", "Bearer"), b"401 Unauthorized"),
        (abort_with_a_response, 402, ("Content-Length", "9"), b"pay first"),
        (redirect, 308, ("Location", "/login"), b"/login"),
        (get_json, 415, ("Content-Type", "text/html; charset=utf-8"), b"Unsupported"),
    ],
)
def test_http_exception_below_500_is_its_response(
    authorize: Any,
    status: int,
    header: tuple[str, str],
    body: bytes,
    lambda_server: LambdaServer,
    make_app: MakeApp,
) -> None:
    answer = ask(make_app, authorize)
    assert (answer.status, lambda_server.invocations) == (status, [])
    assert header[1].lower() in (answer.header(header[0]) or "").lower()
    assert body in answer.body


def abort_503(request: Request) -> None:
    abort(503)


def abort_with_a_response_503(request: Request) -> None:
    abort(Response("down", 503))


def without_a_status(request: Request) -> None:
    raise HTTPException("SECRET")


@pytest.mark.parametrize("authorize", [abort_503, abort_with_a_response_503, without_a_status])
def test_http_exception_from_500_is_a_failure(
    authorize: Any, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    answer = ask(make_app, authorize)
    assert (answer.status, lambda_server.invocations) == (500, [])
    assert answer.json()["message"] == "The request could not be authorized"


JSON = [("Content-Type", "application/json")]
MULTIPART = [("Content-Type", "multipart/form-data; boundary=x")]
#: Type and body of requests whose body the default event cannot contain, and the status.
UNPARSED: dict[str, tuple[Any, bytes, int]] = {
    "text": ([("Content-Type", "text/plain")], b"a=1", 415),
    "no-type": ([], b"a=1", 415),
    "invalid-json": (JSON, b'{"a": 1', 400),
    "scalar": (JSON, b'"a"', 400),
    "NaN": (JSON, b'{"a": NaN}', 400),
    "beyond-a-float": (JSON, b'{"a": 1e999}', 400),
    "nested-too-deeply": (JSON, b"[" * 100_000 + b"]" * 100_000, 400),
    "multipart": (MULTIPART, b"no part", 400),
}


@pytest.mark.parametrize(("headers", "body", "status"), UNPARSED.values(), ids=UNPARSED)
def test_body_that_the_event_cannot_contain_is_rejected(
    headers: Any, body: bytes, status: int, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    answer = ask(make_app, lambda request: None, "POST", "/f?a=2", headers, body)
    assert (answer.status, lambda_server.invocations) == (status, [])
    assert set(answer.json()) == {"message", "request_id"}
    rejecting = ask(make_app, None, "POST", "/f", headers, body, reject_unparsed_body=True)
    assert (rejecting.status, lambda_server.invocations) == (status, [])


@pytest.mark.parametrize(("headers", "body", "status"), UNPARSED.values(), ids=UNPARSED)
@pytest.mark.parametrize(
    ("authorize", "options"),
    [
        (None, {}),
        (lambda request: None, {"reject_unparsed_body": False}),
        (lambda request: None, {"forward_request_body": True}),
        (lambda request: None, {"awsgateway_compatible": True}),
        (lambda request: None, {"forward_request_method": True}),
    ],
    ids=["no-authorize", "off", "forwarded", "gateway", "method-only"],
)
def test_body_is_not_rejected_otherwise(
    authorize: Any,
    options: Any,
    headers: Any,
    body: bytes,
    status: int,
    lambda_server: LambdaServer,
    make_app: MakeApp,
) -> None:
    answer = ask(make_app, authorize, "POST", "/f", headers, body, **options)
    assert (answer.status, len(lambda_server.invocations)) == (200, 1)


@pytest.mark.parametrize("headers", [[], JSON, FORM, MULTIPART])
def test_empty_body_is_not_rejected(
    headers: Any, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    answer = ask(make_app, lambda request: None, "POST", "/f?a=2", headers, b"")
    assert (answer.status, [i.event for i in lambda_server.invocations]) == (200, [{"a": "2"}])


class Checker:
    """A callable without a name."""

    def __call__(self, request: Request) -> Any:
        return "yes"


def test_object_without_a_name_is_named_by_its_type(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    assert ask(make_app, Checker()).status == 500
    assert "Checker returned str" in caplog.text


def read_all(request: Request) -> None:
    request.get_data()


def read_and_ignore(request: Request) -> None:
    try:
        request.get_data()
    except Exception:  # noqa: BLE001 - as careless as this
        return


@pytest.mark.parametrize("authorize", [read_all, read_and_ignore])
@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ([("Content-Length", "9")], b"short", 400),
        ([("Content-Length", "100")], b"x" * 100, 413),
    ],
    ids=["short", "long"],
)
def test_bad_body_is_found_and_never_passes_in_part(
    authorize: Any,
    headers: Any,
    body: bytes,
    status: int,
    lambda_server: LambdaServer,
    make_app: MakeApp,
) -> None:
    options = {"forward_request_body": True, "max_payload_size": 16}
    answer = ask(make_app, authorize, "POST", "/f", headers, body, **options)
    assert (answer.status, lambda_server.invocations) == (status, [])


def test_rest_of_a_body_that_was_too_large_does_not_pass_for_it(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    options = {"forward_request_body": True, "max_payload_size": 50}
    app = make_app({"/f": {"function_name": "f", "authorize": read_and_ignore, **options}})
    # As a server says it for a chunked body.
    with serving(app, {"CONTENT_LENGTH": None, "wsgi.input_terminated": True}) as web:
        answer = web.send("POST", "/f", [], b"x" * 1000)
    assert (answer.status, lambda_server.invocations) == (413, [])


def test_body_that_it_could_read_may_still_be_too_large_for_the_event(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    options = {"forward_request_body": True, "max_payload_size": 50}
    answer = ask(make_app, read_all, "POST", "/f", [], b"x" * 60, **options)
    assert (answer.status, lambda_server.invocations) == (413, [])


def test_requests_are_asked_about_at_once(make_app: MakeApp) -> None:
    both_here = threading.Barrier(2, timeout=10)

    def check(request: Request) -> None:
        both_here.wait()

    app = make_app({"/f": {"function_name": "f", "authorize": check}})
    with serving(app) as web:
        other = threading.Thread(target=web.send)
        other.start()
        assert web.send().status == 200
        other.join()
