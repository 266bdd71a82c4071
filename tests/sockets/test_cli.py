"""The command line, as a process of its own and in this one, against the far end."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import wsgi_lambda
from tests.conftest import ACCESS_KEY, SECRET_KEY, defaults
from tests.servers import lambda_server as far_end
from tests.servers.event_stream import chunk, complete, stream
from tests.servers.lambda_server import LambdaServer
from wsgi_lambda.cli import main
from wsgi_lambda.config import read_routes

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(wsgi_lambda.__file__).resolve().parent
ROUTES: dict[str, Any] = {
    "/a": {"function_name": "first"},
    "/a/b": [
        {"function_name": "second", "methods": ["POST", "GET"], "hosts": ["a.test"]},
        {"function_name": "third:live", "qualifier": "live", "consumers": ["bob"]},
    ],
}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def setting(lambda_server: LambdaServer) -> str:
    """Return the name of a file with a setting that leads to the far end."""
    return written({**defaults(lambda_server), "routes": ROUTES})


def written(setting: dict[str, Any], name: str = "setting.json") -> str:
    Path(name).write_text(json.dumps(setting), encoding="utf-8")
    return name


def process(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a person does."""
    return python("-m", "wsgi_lambda", *arguments)


def script(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it as the console script, which has not the current directory on its path."""
    code = "import sys; sys.path.pop(0); from wsgi_lambda.cli import main; sys.exit(main())"
    return python("-c", code, *arguments)


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, *arguments],
        env=inherited | {"PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("command", ["check", "routes", "invoke", "import-kong"])
def test_every_command_and_option_is_documented(
    command: str, capfd: pytest.CaptureFixture[str]
) -> None:
    document = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    options = set(re.findall(r"--[a-z-]+", capfd.readouterr().out)) - {"--help"}
    section = document.partition(f"## {command}\n")[2].partition("\n## ")[0]
    assert section
    assert {option for option in options if f"`{option}" not in section} == set()


def test_version_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capfd.readouterr().out == f"wsgi-lambda {wsgi_lambda.__version__}\n"


def test_module_runs(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setattr(sys, "argv", ["wsgi-lambda", "routes", setting])
    with pytest.raises(SystemExit, match="0"):
        # Not by its name: pytest has rewritten the package for its plugin.
        runpy.run_path(str(PACKAGE / "__main__.py"), run_name="__main__")


def test_commands_reach_no_network_in_local_mode(capfd: pytest.CaptureFixture[str]) -> None:
    Path("shop.py").write_text("def handler(event, context): return {'got': event}\n")
    route = {"function_name": "orders", "handler": "shop.py:handler"}
    setting = written({"local": True, "routes": {"/shop": route}})
    assert main(["check", setting]) == 0
    assert capfd.readouterr().out.splitlines() == [
        "ok   /shop  orders  us-east-1  in-process  credentials: not needed  "
        "DryRun: not asked, the function runs in this process",
        "1 route: 1 ok, 0 failed",
    ]
    assert main(["invoke", setting, "/shop?item=mug"]) == 0
    printed = capfd.readouterr()
    assert printed.out.startswith('> orders, us-east-1, in-process\n{\n  "item": "mug"\n}\n< 200')
    assert printed.out.endswith('{"got": {"item": "mug"}}\n')
    assert "REPORT RequestId: " in printed.err
    assert main(["routes", setting, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)[0]["endpoint"] == "in-process"


@pytest.mark.parametrize(
    ("code", "handler", "result"),
    [
        ("", "nope.py:handler", "Runtime.ImportModuleError: Unable to import module "),
        ("", "shop.py:pay", "Runtime.HandlerNotFound: Handler 'pay' missing on module "),
        ("def", "shop.py:pay", "Runtime.UserCodeSyntaxError: Syntax error in module "),
        ("import sys; sys.exit(0)", "shop.py:pay", "its module raised SystemExit"),
    ],
)
def test_check_loads_local_handlers(
    code: str, handler: str, result: str, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("shop.py").write_text(f"{code}\n")
    route = {"function_name": "orders", "handler": handler}
    setting = written({"local": True, "routes": {"/shop": route}})
    assert main(["check", setting]) == 1
    first, last = capfd.readouterr().out.splitlines()
    assert first.startswith(
        f"FAIL /shop  orders  us-east-1  in-process  credentials: not needed  DryRun: {result}"
    )
    assert last == "1 route: 0 ok, 1 failed"


def test_check_does_a_dry_run_of_every_route(setting: str, lambda_server: LambdaServer) -> None:
    lambda_server.respond(204)
    run = process("check", setting)
    assert (run.returncode, run.stderr) == (0, "")
    types = [i.header("X-Amz-Invocation-Type") for i in lambda_server.invocations]
    assert types == ["DryRun"] * 3
    where = f"us-east-1  http://127.0.0.1:{lambda_server.port}"
    end = "credentials: aws_key of the configuration  DryRun: ok"
    assert run.stdout.splitlines() == [
        f"ok   /a/b  consumers bob  third:live  {where}  {end}",
        f"ok   /a/b  methods GET,POST  hosts a.test  second  {where}  {end}",
        f"ok   /a  first  {where}  {end}",
        "3 routes: 3 ok, 0 failed",
    ]


def test_check_tells_what_lambda_says_and_no_key(
    setting: str, lambda_server: LambdaServer, capfd: pytest.CaptureFixture[str]
) -> None:
    refusal = {"x-amzn-ErrorType": "AccessDeniedException:http://internal"}
    lambda_server.script(far_end.respond(204), far_end.respond(403, refusal, b"{}"))
    lambda_server.respond(500)
    assert main(["check", setting]) == 1
    shown = capfd.readouterr().out
    *lines, summary = shown.splitlines()
    assert [line.rpartition("DryRun: ")[2] for line in lines] == [
        "ok",
        "Lambda replied 403 AccessDeniedException",
        "Lambda replied 500",
    ]
    assert [line[:5] for line in lines] == ["ok   ", "FAIL ", "FAIL "]
    assert summary == "3 routes: 1 ok, 2 failed"
    assert ACCESS_KEY not in shown
    assert SECRET_KEY not in shown


def test_check_prints_an_error_that_routes_share_once(
    setting: str, lambda_server: LambdaServer, capfd: pytest.CaptureFixture[str]
) -> None:
    lambda_server.respond(500)
    assert main(["check", setting]) == 1
    *lines, summary = capfd.readouterr().out.splitlines()
    assert [line.rpartition("DryRun: ")[2] for line in lines] == [
        "Lambda replied 500",
        "the same error as above",
        "the same error as above",
    ]
    assert summary == "3 routes: 0 ok, 3 failed"


def test_problem_that_routes_share_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    routes = {path: {"function_name": "f"} for path in ("/a", "/b", "/c", "/d")}
    routes["/a"] = [{"function_name": "f", "timeout": "x"}, {"function_name": "f"}]  # type: ignore[assignment]
    assert main(["check", written({"routes": routes})]) == 2
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("routes['/a'][0].timeout: must be")
    assert lines[1].startswith("aws_region: not set")
    assert lines[1].endswith("(in 5 routes: '/a', '/b', '/c', …)")


def test_check_prints_json(lambda_server: LambdaServer, capfd: pytest.CaptureFixture[str]) -> None:
    refused = far_end.respond(403, {"X-Amzn-ErrorType": "AccessDeniedException"}, b"{}")
    lambda_server.script(far_end.respond(204), refused)
    routes = {"/a": {"function_name": "first", "methods": ["GET"]}, "/b": {"function_name": "b"}}
    setting = written({**defaults(lambda_server), "routes": routes})
    assert main(["check", setting, "--json"]) == 1
    rows = json.loads(capfd.readouterr().out)
    assert all(0 < row.pop("duration_ms") < 20_000 for row in rows)
    shared = {
        "hosts": None,
        "headers": None,
        "consumers": None,
        "aws_region": "us-east-1",
        "endpoint": f"http://127.0.0.1:{lambda_server.port}",
        "credentials": "aws_key of the configuration",
    }
    allowed = {"path": "/a", "methods": ["GET"], "function": "first", "is_allowed": True}
    denied = {"path": "/b", "methods": None, "function": "b", "is_allowed": False}
    assert rows == [
        {**shared, **allowed, "result": "ok"},
        {**shared, **denied, "result": "Lambda replied 403 AccessDeniedException"},
    ]


def test_check_lists_routes_in_the_order_of_matching(
    lambda_server: LambdaServer, capfd: pytest.CaptureFixture[str]
) -> None:
    lambda_server.respond(204)
    last, first = {"function_name": "last"}, {"function_name": "first", "consumers": ["ann"]}
    functions = {"pay": {"function_name": "pay"}}
    config = {**defaults(lambda_server), "routes": {"/a": [last, first]}, "functions": functions}
    assert main(["check", written(config), "--json"]) == 0
    rows = json.loads(capfd.readouterr().out)
    assert [row["function"] for row in rows] == ["first", "last", "pay"]


def test_check_prints_json_of_routes_that_are_allowed(
    setting: str, lambda_server: LambdaServer, capfd: pytest.CaptureFixture[str]
) -> None:
    lambda_server.respond(204)
    assert main(["check", setting, "--json"]) == 0
    assert all(row["is_allowed"] for row in json.loads(capfd.readouterr().out))


def test_check_of_no_routes_fails(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["check", written({"routes": {}})]) == 1
    assert "no routes" in capfd.readouterr().err
    assert main(["check", written({"routes": {}}), "--json"]) == 1
    assert json.loads(capfd.readouterr().out) == []


def test_json_of_check_commands_no_terminal(
    lambda_server: LambdaServer, capfd: pytest.CaptureFixture[str]
) -> None:
    lambda_server.respond(403, {"X-Amzn-ErrorType": "Denied\x9b2J\x85x"}, b"{}")
    routes = {"/\N{LATIN SMALL LETTER E WITH ACUTE}": {"function_name": "f"}}
    assert main(["check", written({**defaults(lambda_server), "routes": routes}), "--json"]) == 1
    text = capfd.readouterr().out
    (row,) = json.loads(text)
    assert text.isascii()
    assert (row["path"], row["result"]) == (*routes, "Lambda replied 403 Denied\x9b2J\x85x")


def test_import_of_a_role_is_right_where_botocore_is_not_installed(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wsgi_lambda.credentials.source.find_spec", lambda name: None)
    role = "arn:aws:iam::123456789012:role/shop"
    Path("kong.yml").write_text(
        "_format_version: '3.0'\nroutes:\n- paths: [/]\n  plugins:\n  - name: aws-lambda\n"
        f"    config: {{function_name: f, aws_assume_role_arn: '{role}'}}\n"
    )
    assert main(["import-kong", "kong.yml"]) == 0
    assert "botocore" not in capfd.readouterr().err


def test_check_finds_credentials_in_the_environment(
    lambda_server: LambdaServer,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = defaults(lambda_server, aws_key=None, aws_secret=None)
    name = written({**options, "routes": {"/a": ROUTES["/a"]}})
    lambda_server.respond(204)
    assert main(["check", name]) == 1
    shown = capfd.readouterr().out
    assert "credentials: none found  DryRun: CredentialsError: looked in" in shown
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    assert main(["check", name]) == 0
    assert "credentials: AWS_ACCESS_KEY_ID in the environment" in capfd.readouterr().out


def test_check_tells_an_endpoint_that_is_not_there(
    lambda_server: LambdaServer, capfd: pytest.CaptureFixture[str]
) -> None:
    options = defaults(lambda_server, port=1)
    assert main(["check", written({**options, "routes": {"/a": ROUTES["/a"]}})]) == 1
    assert "DryRun: ConnectionFailed: connection refused at" in capfd.readouterr().out


def test_routes_stand_in_the_order_of_matching(
    setting: str, lambda_server: LambdaServer, capfd: pytest.CaptureFixture[str]
) -> None:
    where = f"us-east-1   http://127.0.0.1:{lambda_server.port}"
    assert main(["routes", setting]) == 0
    assert capfd.readouterr().out.splitlines() == [
        "PATH  KIND    METHODS   HOSTS   HEADERS  CONSUMERS  AUTHORIZE  FUNCTION    AWS REGION"
        "  ENDPOINT",
        f"/a/b  prefix  -         -       -        bob        -          third:live  {where}",
        f"/a/b  prefix  GET,POST  a.test  -        -          -          second      {where}",
        f"/a    prefix  -         -       -        -          -          first       {where}",
    ]


def test_routes_show_the_shape_and_the_headers(capfd: pytest.CaptureFixture[str]) -> None:
    routes = {
        "/a": [{"exact": True}, {"headers": {"X-B": ["2", "1"], "X-C": ["3"]}}],
        "/a/{id}": {},
    }
    config = {"function_name": "f", "aws_region": "us-east-1", "routes": routes}
    assert main(["routes", written(config)]) == 0
    rows = [line.split()[:7] for line in capfd.readouterr().out.splitlines()[1:]]
    assert [row[:5] for row in rows] == [
        ["/a/{id}", "template", "-", "-", "-"],
        ["/a", "exact", "-", "-", "-"],
        ["/a", "prefix", "-", "-", "x-b=1,2"],
    ]
    assert rows[2][5] == "x-c=3"


def test_routes_for_machines(
    setting: str, lambda_server: LambdaServer, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["routes", setting, "--json"]) == 0
    third, second, first = json.loads(capfd.readouterr().out)
    assert (third["consumers"], third["methods"]) == (["bob"], None)
    assert [first[name] for name in ("methods", "hosts", "consumers", "authorize")] == [None] * 4
    assert second == {
        "path": "/a/b",
        "kind": "prefix",
        "methods": ["GET", "POST"],
        "hosts": ["a.test"],
        "headers": None,
        "consumers": None,
        "authorize": None,
        "function": "second",
        "aws_region": "us-east-1",
        "endpoint": f"http://127.0.0.1:{lambda_server.port}",
    }


def allow(request: Any) -> None:
    """Allow every request."""


class Hook:
    """A hook that is an object."""

    __call__ = staticmethod(allow)


@pytest.mark.parametrize(("hook", "name"), [(allow, "allow"), (Hook(), "Hook")])
def test_routes_show_the_hook_of_authorize(
    hook: Any, name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    options = {"function_name": "f", "aws_region": "us-east-1", "authorize": hook}
    monkeypatch.setattr(sys.modules[__name__], "CONFIG", {"routes": {"/": options}}, raising=False)
    assert main(["routes", f"{__name__}:CONFIG", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)[0]["authorize"] == f"{__name__}:{name}"


def test_invoke_prints_the_event_and_the_answer(
    setting: str, lambda_server: LambdaServer, capfd: pytest.CaptureFixture[str]
) -> None:
    lambda_server.respond(200, {"X-Amzn-RequestId": "1-2", "X-Amz-Executed-Version": "7"}, b'"ok"')
    assert main(["invoke", setting, "/a/x?k=v&k=%C3%A9"]) == 0
    shown = capfd.readouterr()
    assert shown.err == ""
    assert shown.out == (
        f"> first, us-east-1, http://127.0.0.1:{lambda_server.port}\n"
        '{\n  "k": [\n    "v",\n    "é"\n  ]\n}\n'
        "< 200 OK\n"
        "< X-Amzn-RequestId: 1-2\n"
        "< X-Amz-Executed-Version: 7\n"
        "< Content-Type: application/json\n"
        "< Content-Length: 4\n"
        '\n"ok"\n'
    )
    assert [i.event for i in lambda_server.invocations] == [{"k": ["v", "é"]}]


@pytest.mark.parametrize(
    ("arguments", "method", "body", "kind"),
    [
        ([], "GET", "", None),
        (["-d", "a=1"], "POST", "a=1", "application/x-www-form-urlencoded"),
        (["-d", "[1]", "-H", "content-type: application/json"], "POST", "[1]", "application/json"),
        (["-XPUT", "-d@body.txt", "-H", "Content-Type:text/plain"], "PUT", "é", "text/plain"),
    ],
    ids=["get", "form", "json", "file"],
)
def test_invoke_sends_what_curl_would(
    lambda_server: LambdaServer,
    capfd: pytest.CaptureFixture[str],
    arguments: list[str],
    method: str,
    body: str,
    kind: str | None,
) -> None:
    Path("body.txt").write_text("é", encoding="utf-8")
    forwarded = {f"forward_request_{name}": True for name in ("method", "headers", "body", "uri")}
    options = defaults(lambda_server, **forwarded)
    name = written({**options, "routes": {"/a": ROUTES["/a"]}})
    request = ["invoke", name, "/a/%C3%A9?x", "-H", "X-A: 1", "-H", "x-a: 2", "--event"]
    assert main([*request, *arguments]) == 0
    event = json.loads(capfd.readouterr().out)
    assert lambda_server.invocations == []
    assert event["request_method"] == method
    assert event["request_body"] == body
    assert event["request_uri"] == "/a/%C3%A9?x"
    assert event["request_headers"]["x-a"] in ("1,2", "1, 2")
    assert event["request_headers"].get("content-type") == kind


def test_invoke_has_the_log_of_the_function_on_standard_error(
    setting: str, lambda_server: LambdaServer, capfd: pytest.CaptureFixture[str]
) -> None:
    lambda_server.respond(200, {"X-Amz-Log-Result": base64.b64encode(b"START").decode()}, b"{}")
    assert main(["invoke", setting, "/a"]) == 0
    assert capfd.readouterr().err.endswith(":\n    START\n")


@pytest.mark.parametrize(
    ("end", "code", "text"),
    [(complete(), 0, ""), (complete("Runtime.ExitError"), 1, "stream cut off: f, request r-1")],
    ids=["complete", "cut off"],
)
def test_invoke_prints_a_stream(
    end: bytes,
    code: int,
    text: str,
    lambda_server: LambdaServer,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    lambda_server.script(stream(chunk(b"one,"), chunk(b"two"), end))
    route = {"function_name": "f", "invoke_mode": "RESPONSE_STREAM"}
    file = tmp_path / "lambda.json"
    file.write_text(json.dumps({**defaults(lambda_server), "routes": {"/f": route}}))
    assert main(["invoke", str(file), "/f"]) == code
    shown = capfd.readouterr()
    assert shown.out.endswith("\n\none,two\n")
    assert text in shown.err
    assert "Traceback" not in shown.err


def test_invoke_asks_authorize(lambda_server: LambdaServer) -> None:
    Path("guard.py").write_text(
        "from werkzeug.wrappers import Response\n"
        "def ask(request): return Response('stop', status=403)\n"
    )
    route = {"function_name": "f", "authorize": "guard:ask"}
    name = written({**defaults(lambda_server), "routes": {"/a": route}})
    run = script("invoke", name, "/a")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("< 403 FORBIDDEN\n")
    assert lambda_server.invocations == []


def test_invoke_picks_the_route_by_host_method_and_user(
    setting: str, capfd: pytest.CaptureFixture[str]
) -> None:
    picked = []
    for arguments in (["-H", "Host: a.test"], ["-H", "Host: b.test"], ["--user", "bob"]):
        assert main(["invoke", setting, "/a/b", *arguments]) == 0
        picked.append(capfd.readouterr().out.split(",")[0])
    assert picked == ["> second", "> first", "> third:live"]


@pytest.mark.parametrize("path", ["http://[::1/a", "/a?x=\udcff"])
def test_invoke_of_an_invalid_path(
    setting: str, path: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["invoke", setting, path, "--event"]) == 2
    assert capfd.readouterr().err.endswith(": invalid path or query\n")


def test_invoke_keeps_several_slashes_at_the_beginning(capfd: pytest.CaptureFixture[str]) -> None:
    options = {"aws_region": "us-east-1", "function_name": "f", "forward_request_uri": True}
    name = written({**options, "routes": {"/a": {}}})
    assert main(["invoke", name, "//a/b?x", "--event"]) == 0
    assert json.loads(capfd.readouterr().out)["request_uri"] == "//a/b?x"


def test_output_is_escaped_for_a_terminal_without_its_characters(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", output)
    assert main(["invoke", setting, "/a?k=日", "--event"]) == 0
    assert b"\\u65e5" in output.buffer.getvalue()  # type: ignore[attr-defined]
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert main(["routes", setting]) == 0


def test_invoke_of_a_path_without_a_route(setting: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["invoke", setting, "/a%20b"]) == 1
    assert capfd.readouterr().err == "/a%20b: no route, the app gets it\n"


def test_invoke_fails_where_the_client_gets_500_or_more(
    setting: str, lambda_server: LambdaServer, capfd: pytest.CaptureFixture[str]
) -> None:
    lambda_server.respond(404, {"X-Amzn-ErrorType": "ResourceNotFoundException"}, b"{}")
    assert main(["invoke", setting, "/a"]) == 1
    shown = capfd.readouterr()
    assert "< 502 Bad Gateway\n" in shown.out
    assert (
        "ServiceError: GET '/a' 502: The function could not be invoked (Lambda replied 404"
        in shown.err
    )


def test_invoke_of_a_request_without_an_event(
    setting: str, lambda_server: LambdaServer, capfd: pytest.CaptureFixture[str]
) -> None:
    request = ["invoke", setting, "/a?k=v", "-d", "[]", "-H", "Content-Type: application/json"]
    assert main([*request, "--event"]) == 1
    assert "RequestError: " in capfd.readouterr().err
    assert main(request) == 0
    shown = capfd.readouterr()
    assert shown.out.startswith("< 400 Bad Request\n")
    assert lambda_server.invocations == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-H", "nonsense"], "must be NAME: VALUE"),
        (["-H", "X Y: 1"], "must be NAME: VALUE"),
        (["-H", "X: 1\r\nY: 2"], "the value must be one line"),
        (["-X", "GE T"], "must be a method such as POST"),
        (["-X", ""], "must be a method such as POST"),
        (["-d", "@no.txt"], "no.txt: No such file or directory"),
    ],
)
def test_wrong_argument_is_told(
    setting: str, capfd: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["invoke", setting, "/a", *arguments])
    assert message in capfd.readouterr().err


def test_module_is_found_in_the_current_directory(lambda_server: LambdaServer) -> None:
    config = {**defaults(lambda_server), "routes": ROUTES}
    Path("shop.py").write_text(f"class app:\n    config = {{'WSGI_LAMBDA': {config!r}}}\n")
    lambda_server.respond(204)
    assert process("check", "shop:app").returncode == 0
    for command in (["check"], ["routes"], ["invoke"]):
        run = script(*command, "shop:app", *[next(iter(ROUTES))] * (command == ["invoke"]))
        assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("command", [["check"], ["routes"], ["invoke"], ["import-kong"]])
def test_what_cannot_be_read_is_one_line(command: list[str]) -> None:
    run = process(*command, "no.json", *["/"] * (command == ["invoke"]))
    assert run.returncode == 2
    assert run.stderr == "no.json: No such file or directory\n"
    assert run.stdout == ""


def test_every_error_of_a_configuration_is_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    name = written({"routes": {"a": {}, "/b": {"aws_secret": "hunter 2"}}})
    assert main(["check", name]) == 2
    told = capfd.readouterr().err
    assert "routes['a']: a path must" in told
    assert "routes['/b'].aws_secret: must contain only visible" in told
    assert "hunter" not in told


KONG = """
_format_version: "3.0"
services:
- name: shop
  routes:
  - name: first
    paths: [/lambda1/]
    plugins:
    - name: aws-lambda
      config:
        aws_region: us-east-1
        aws_key: "${{ env "DECK_KEY" }}"
        aws_secret: '{vault://env/my-secret}'
        function_name: MyLambda
        is_proxy_integration: true
"""


def test_import_prints_python_that_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("kong.yml").write_text(KONG)
    run = process("import-kong", "kong.yml")
    assert run.returncode == 0
    assert run.stderr == (
        "difference: services[0] (shop).routes[0] (first).paths[0]: "
        "in Kong the path does not match without the slash at its end; here it does\n"
    )
    monkeypatch.setenv("DECK_KEY", ACCESS_KEY)
    monkeypatch.setenv("MY_SECRET", SECRET_KEY)
    names: dict[str, Any] = {}
    exec(run.stdout, names)
    (route,) = read_routes(names["WSGI_LAMBDA"], {})
    assert (str(route.path), route.identity.aws_key) == ("/lambda1", ACCESS_KEY)


def test_import_fails_if_a_protection_is_lost(capfd: pytest.CaptureFixture[str]) -> None:
    Path("kong.yml").write_text(f"{KONG}\nplugins: [{{name: key-auth}}]\n")
    assert main(["import-kong", "kong.yml"]) == 1
    shown = capfd.readouterr()
    assert "WSGI_LAMBDA" in shown.out
    assert shown.err.startswith("protection lost: plugins[0] (key-auth): ")


def test_import_leaves_variables_out_of_json(capfd: pytest.CaptureFixture[str]) -> None:
    hosts = """paths: [/lambda1/]
    hosts: [a.test, '${{ env "DECK_HOST" }}']"""
    qualifier = "function_name: MyLambda\n        qualifier: v-${{ env `DECK_V` }}"
    text = KONG.replace("paths: [/lambda1/]", hosts).replace("function_name: MyLambda", qualifier)
    Path("kong.yml").write_text(text)
    assert main(["import-kong", "kong.yml", "--format", "json"]) == 0
    shown = capfd.readouterr()
    entry = {"hosts": ["a.test"], "function_name": "MyLambda", "aws_region": "us-east-1"}
    assert json.loads(shown.out) == {
        "routes": {"/lambda1": {**entry, "is_proxy_integration": True}}
    }
    told = [line for line in shown.err.splitlines() if line.startswith("not imported: ")]
    start = "not imported: routes['/lambda1']."
    variable = "comes from the environment variable"
    rest = ", which JSON cannot express: set it when the app starts"
    assert told == [
        f"{start}hosts[1]: {variable} DECK_HOST{rest}",
        f"{start}qualifier: {variable} DECK_V{rest}",
        f"{start}aws_key: {variable} DECK_KEY{rest}",
        f"{start}aws_secret: {variable} MY_SECRET{rest}",
    ]


def test_import_of_a_file_that_contains_itself(capfd: pytest.CaptureFixture[str]) -> None:
    endless = KONG.replace("aws_region: us-east-1", "client_context: &x {a: *x}")
    Path("kong.yml").write_text(endless)
    assert main(["import-kong", "kong.yml"]) == 2
    assert capfd.readouterr().err == "kong.yml: nested too deeply\n"


INGRESS = """
apiVersion: configuration.konghq.com/v1
kind: KongPlugin
metadata: {name: f}
plugin: aws-lambda
config: {function_name: f, aws_region: us-east-1, is_proxy_integration: true}
---
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, annotations: {konghq.com/plugins: f}}
spec: {rules: [{http: {paths: [{path: /a, pathType: Prefix}]}}]}
"""


def test_import_reads_kubernetes_manifests(capfd: pytest.CaptureFixture[str]) -> None:
    Path("kong.yml").write_text(INGRESS)
    assert main(["import-kong", "kong.yml", "--format", "json"]) == 0
    shown = capfd.readouterr()
    assert list(json.loads(shown.out)["routes"]) == ["/a"]
    assert shown.err == ""


def test_import_merges_several_files_and_folders(capfd: pytest.CaptureFixture[str]) -> None:
    Path("folder/below").mkdir(parents=True)
    Path("folder/below/a.yaml").write_text(INGRESS)
    Path("folder/README.md").write_text("not Kong's")
    Path("kong.yml").write_text(KONG)
    assert main(["import-kong", "kong.yml", "folder"]) == 0
    shown = capfd.readouterr()
    assert '"/lambda1"' in shown.out
    assert '"/a"' in shown.out
    assert shown.err.startswith("difference: kong.yml: services[0] (shop).routes[0] (first)")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param(
            "same.yml",
            "same.yml: services[0] (shop): has the same name as kong.yml: services[0] (shop)\n",
            id="the same name twice",
        ),
        pytest.param("empty", "empty: a folder without .json, .yaml, .yml files\n", id="folder"),
    ],
)
def test_import_of_files_that_do_not_fit(
    name: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("kong.yml").write_text(KONG)
    Path("same.yml").write_text(KONG)
    Path("empty").mkdir()
    assert main(["import-kong", "kong.yml", name]) == 2
    shown = capfd.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(message)


def test_import_of_an_empty_file(capfd: pytest.CaptureFixture[str]) -> None:
    for name, content in [("kong.yml", ""), ("kong.json", "\n"), ("kong.yaml", "# nothing")]:
        Path(name).write_text(content)
        assert main(["import-kong", name]) == 2
        assert capfd.readouterr().err == f"{name}: is empty\n"


def test_import_of_a_file_of_another_type(capfd: pytest.CaptureFixture[str]) -> None:
    Path("a.txt").write_text(KONG)
    assert main(["import-kong", "a.txt"]) == 2
    assert capfd.readouterr().err == "a.txt: must be a .json, .yaml or .yml file, or a folder\n"


def test_import_reports_as_json(capfd: pytest.CaptureFixture[str]) -> None:
    Path("kong.yml").write_text(f"{KONG}\nplugins: [{{name: key-auth}}, {{name: jwt}}]\n")
    assert main(["import-kong", "kong.yml", "--report", "json"]) == 1
    report = json.loads(capfd.readouterr().err)
    assert report["errors"] == []
    first = report["notes"][0]
    assert (first["kind"], first["count"]) == ("protection lost", 2)
    assert first["places"] == ["plugins[0] (key-auth)", "plugins[1] (jwt)"]


@pytest.mark.parametrize("placeholder", ["%env(REGION)%", "{{ .Values.region }}", "${a.region}"])
def test_import_fails_at_placeholders_of_other_tools(
    placeholder: str, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("kong.yml").write_text(KONG.replace("us-east-1", placeholder))
    assert main(["import-kong", "kong.yml"]) == 1
    shown = capfd.readouterr()
    place = "services[0] (shop).routes[0] (first).plugins[0] (aws-lambda): config.aws_region"
    assert shown.err.startswith(f"error: {place}: contains a placeholder ")
    assert "region" not in shown.out.lower()


def test_import_names_the_line_of_a_template_that_makes_a_file_invalid(
    capfd: pytest.CaptureFixture[str],
) -> None:
    Path("kong.yml").write_text(KONG + "{{- if .Values.shop }}\n- name: other\n{{- end }}\n")
    assert main(["import-kong", "kong.yml"]) == 2
    told = capfd.readouterr().err.splitlines()
    assert told[0].startswith("kong.yml: invalid YAML (line ")
    assert told[1] == (
        "kong.yml: not valid before its placeholders are filled in, such as {{ … }} in line 16: "
        "run its template tool first"
    )


def test_import_names_the_line_of_invalid_yaml(capfd: pytest.CaptureFixture[str]) -> None:
    Path("kong.yml").write_text(f"{KONG}  - [\n")
    assert main(["import-kong", "kong.yml"]) == 2
    assert capfd.readouterr().err.startswith("kong.yml: invalid YAML (line 1")


def test_import_fails_if_a_function_has_no_route(capfd: pytest.CaptureFixture[str]) -> None:
    Path("kong.yml").write_text(KONG.replace("/lambda1/", "~/lambda1/.+/x$"))
    assert main(["import-kong", "kong.yml"]) == 1
    assert "function lost: services[0] (shop).routes[0] (first): " in capfd.readouterr().err


def test_import_of_a_file_without_functions_or_with_wrong_options(
    capfd: pytest.CaptureFixture[str],
) -> None:
    name = written({"_format_version": "2.1"}, "kong.json")
    assert main(["import-kong", name]) == 1
    reason = "no route with an aws-lambda plugin could be imported"
    assert capfd.readouterr().err == f"error: kong.json: {reason}\n"
    name = written({"_format_version": "1.0"}, "kong.json")
    assert main(["import-kong", name]) == 2
    told = capfd.readouterr().err
    assert told == "kong.json: _format_version: must be one of 1.1, 2.1, 3.0\n"
    plugin = {"name": "aws-lambda", "config": {"is_proxy_integration": True, "timeout": -1}}
    document = {"_format_version": "2.1", "routes": [{"paths": ["/"], "plugins": [plugin]}]}
    assert main(["import-kong", written(document, "kong.json")]) == 1
    told = capfd.readouterr().err.splitlines()
    assert told[-2].startswith("routes['/'].timeout: must be")
    assert told[-1] == "routes['/'].function_name: required"


def test_reader_that_leaves_is_no_traceback(
    setting: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert main(["routes", setting, "--json"]) == 1
    assert capfd.readouterr().err == ""
