"""docs/operations.md: logging configurations, a line of the log, a rotated key."""

from __future__ import annotations

import json
import logging
import re
import shutil
import subprocess
from logging.config import dictConfig
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import Client

from tests.conftest import ACCESS_KEY, SECRET_KEY, MakeApp
from tests.servers.lambda_server import Exchange, LambdaServer
from tests.unit.docs.pages import (
    block,
    blocks,
    code,
    importing,
    page,
    rows,
    save_files,
    section,
)
from tests.unit.docs.running import far_end, python
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.errors import LambdaError
from wsgi_lambda.flask import LambdaFunctions
from wsgi_lambda.observe import FIELDS, opentelemetry, prometheus

PAGE = page("docs/operations.md")
LOGGING = section(PAGE, "The log")

SHOW = "\nimport logging; logging.getLogger('wsgi_lambda.tail').info('the end of a log')\n"


def test_flask_logs_the_tail(tmp_path: Path) -> None:
    (tmp_path / "show.py").write_text(
        f"import sys\nsys.stderr = sys.stdout\n{blocks(LOGGING, 'python')[0]}{SHOW}"
    )
    assert python(tmp_path, "show.py").endswith("INFO wsgi_lambda.tail the end of a log\n")


def test_django_logs_the_tail(project: Path) -> None:
    with (project / "mysite" / "settings.py").open("a") as file:
        file.write(blocks(LOGGING, "python")[1])
    (project / "show.py").write_text(
        f"import sys\nsys.stderr = sys.stdout\nimport mysite.wsgi{SHOW}"
    )
    assert python(project, "show.py").endswith("INFO wsgi_lambda.tail the end of a log\n")


def refuse(exchange: Exchange) -> None:
    """Reply as Lambda does when IAM refuses."""
    body = b'{"Message": "no"}'
    exchange.send(
        b"HTTP/1.1 403 Forbidden\r\nx-amzn-ErrorType: AccessDeniedException\r\n"
        b"X-Amzn-RequestId: 5c4b1e0e-6c1f-4a53-9f5e-0d8f0a1d7c11\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )


def test_line_of_the_log_looks_like_the_one_on_the_page(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    lambda_server.script(refuse)
    client = Client(make_app({"/lambda1": {"function_name": "MyLambda"}}))
    with caplog.at_level(logging.ERROR, "wsgi_lambda"):
        response = client.post("/lambda1")
    (line,) = (record.getMessage() for record in caplog.records)
    line = line.replace(
        f"{lambda_server.host}:{lambda_server.port}", "lambda.us-east-1.amazonaws.com"
    )
    shown = block(PAGE, "text", "/lambda1 ServiceError").strip()
    # The page shortens Lambda's own message.
    pattern = re.escape(shown).replace("…", ".*")
    assert re.fullmatch(pattern, line)
    assert response.json == {
        "message": "The function could not be invoked",
        "request_id": "5c4b1e0e-6c1f-4a53-9f5e-0d8f0a1d7c11",
    }
    assert response.json == json.loads(block(page("docs/failures.md"), "json"))


def test_key_in_a_file_is_replaced_without_a_restart(
    lambda_server: LambdaServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "credentials"
    file.write_text(block(PAGE, "ini"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", far_end(lambda_server)["AWS_ENDPOINT_URL_LAMBDA"])
    config = {"aws_region": "us-east-1", "routes": {"/f": {"function_name": "f"}}}
    client = Client(LambdaMiddleware(None, config))
    assert client.get("/f").status_code == 200
    file.write_text(block(PAGE, "ini").replace(ACCESS_KEY, "AKIDNEW"))
    lambda_server.credentials = {"AKIDNEW": (SECRET_KEY, None)}
    assert client.get("/f").status_code == 200
    # The old key was refused once, and the function ran once for each request.
    assert len(lambda_server.invocations) == 2
    assert len(lambda_server.errors) == 1
    lambda_server.errors.clear()


def test_loggers_on_the_page_are_those_of_the_package() -> None:
    names = {row[0].strip("`") for row in rows(LOGGING)}
    source = Path(LambdaMiddleware.__module__.replace(".", "/")).parent
    assert names == {"wsgi_lambda", "wsgi_lambda.access", "wsgi_lambda.tail"}, source


def test_page_describes_every_field_of_a_record() -> None:
    table = rows(section(PAGE, "The record of a request"))
    described = [name for row in table for name in code(row[0])]
    assert described[: len(FIELDS)] == list(FIELDS)


def subclasses(kind: type[LambdaError]) -> set[type[LambdaError]]:
    return {kind}.union(*map(subclasses, kind.__subclasses__()))


def test_page_describes_every_outcome() -> None:
    table = rows(section(PAGE, "The record of a request"))
    described = {name for row in table for name in code(row[0])[:1]} - set(FIELDS)
    described |= {"function_error"}  # also a field
    of_errors = {each.outcome for each in subclasses(LambdaError)}
    of_replies = {"ok", "denied", "function_error", "function_timeout", "throttled", "not_ready"}
    assert described == of_errors | of_replies | {"client_disconnected"}
    # Their series exist from the start, except `denied`, whose status `authorize` chooses.
    begun = {outcome for outcome, _ in prometheus.OUTCOMES + prometheus.STREAM_OUTCOMES}
    assert described - begun == {"denied"}


def test_observer_on_the_page_gets_the_record(
    lambda_server: LambdaServer, tmp_path: Path, make_app: MakeApp
) -> None:
    save_files(section(PAGE, "Observers"), tmp_path)
    calls: list[tuple[str, object]] = []
    client = SimpleNamespace(
        timing=lambda name, value: calls.append((name, value)),
        incr=lambda name: calls.append((name, None)),
    )
    names: dict[str, Any] = {}
    exec(blocks(section(PAGE, "Observers"), "python")[1], names)
    given = names["WSGI_LAMBDA"]
    with importing(tmp_path, "shop.watch") as (watch,):
        watch.client = client
        app = make_app(given["routes"], observers=given["observers"])
        assert Client(app).get("/lambda1").status_code == 200
    assert [name for name, _ in calls] == ["lambda.MyLambda", "lambda.MyLambda.ok"]


SCRAPE = """
import mysite.wsgi
from django.conf import settings
from shop.metrics import metrics
from wsgi_lambda import LambdaMiddleware

LambdaMiddleware(None, settings.WSGI_LAMBDA)
response = metrics(None)
print(response["Content-Type"].partition(";")[0])
print("wsgi_lambda_in_flight" in response.content.decode())
"""


def test_metrics_page_of_django(project: Path) -> None:
    text = section(PAGE, "Prometheus")
    save_files(text, project)
    settings = block(text, "python", "observers")
    with (project / "mysite" / "settings.py").open("a") as file:
        file.write(f"\n{settings}")
    (project / "show.py").write_text(SCRAPE)
    assert python(project, "show.py") == "text/plain\nTrue\n"


def test_debug_page_of_flask_shows_what_the_page_shows(
    lambda_server: LambdaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in far_end(lambda_server).items():
        monkeypatch.setenv(name, value)
    text = section(PAGE, "Snapshot")
    app = Flask("shop")
    routes = {"/shop": {"function_name": "orders"}}
    app.config["WSGI_LAMBDA"] = {"aws_region": "us-east-1", "routes": routes}
    exec(block(text, "python", "snapshot"), {"app": app, "functions": LambdaFunctions(app)})
    shown: Any = app.test_client().get("/debug/lambda").json
    on_the_page = json.loads(block(text, "json", "pid"))
    parts = ("lambda_endpoints", "routes")
    assert [*shown] == sorted(on_the_page)
    assert [{*shown[part][0]} for part in parts] == [{*on_the_page[part][0]} for part in parts]
    described = {name for row in rows(text) for name in code(row[0])}
    assert described == {*shown["routes"][0], *shown["lambda_endpoints"][0]}


def test_page_names_every_metric_of_prometheus() -> None:
    described = {name for row in rows(section(PAGE, "Prometheus")) for name in code(row[0])}
    names = {each.name for each in prometheus.OF_ROUTE.values()}
    assert described == {*names, prometheus.INVOCATIONS, prometheus.CONNECTIONS_OPENED}


def test_page_names_every_attribute_and_metric_of_opentelemetry() -> None:
    text = section(PAGE, "OpenTelemetry")
    described = {name for row in rows(text) for cell in row for name in code(cell)}
    source = Path(opentelemetry.__file__).read_text("utf-8")
    names = set(re.findall(r'"([a-z_]+\.[a-z_.]+)"', source))
    assert names <= described


def test_json_on_the_page_has_every_field(
    lambda_server: LambdaServer, make_app: MakeApp, capfd: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    exec(block(PAGE, "python", "pythonjsonlogger"), names)
    loggers = [logging.getLogger(each) for each in ("wsgi_lambda", "wsgi_lambda.access")]
    try:
        dictConfig(names["LOGGING"])
        lambda_server.script(refuse)
        Client(make_app({"/lambda1": {"function_name": "MyLambda"}})).get("/lambda1")
    finally:
        for each in loggers:
            each.handlers.clear()
            each.setLevel(logging.NOTSET)
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    access = next(line for line in lines if line["name"] == "wsgi_lambda.access")
    assert {name: access[name] for name in FIELDS}["outcome"] == "service_error"
    failure = next(line for line in lines if line["levelname"] == "ERROR")
    assert failure["aws_request_id"] == access["aws_request_id"]
    assert failure["error_type"] == "AccessDeniedException"


def test_gunicorn_s_hook_does_nothing_without_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    names: dict[str, Any] = {}
    exec(block(PAGE, "python", "child_exit"), names)
    names["child_exit"](None, SimpleNamespace(pid=7))


def commands_for_the_log() -> list[str]:
    return [each for each in blocks(PAGE, "sh") if "app.log | jq" in each]


ID = "3f1d5c4b-0e6c-1f4a-539f-5e0d8f0a1d7c"
LINES: list[dict[str, Any]] = [
    {"name": "wsgi_lambda", "message": "credentials: profile shop (sso), key …MPLE, no expiry"},
    {"name": "wsgi_lambda.tail", "message": "orders request …", "aws_request_id": ID},
    {"name": "wsgi_lambda", "message": "/shop stream cut off: orders, …: FunctionError: …"},
    {
        "name": "wsgi_lambda.access",
        "asctime": "2000-01-01 00:00:00,000",
        "duration_ms": 1200.5,
        "memory_mb": 128,
        "memory_used_mb": 127,
    },
    {
        "name": "wsgi_lambda.access",
        "asctime": "2999-01-01 00:00:00,000",
        "route": "/shop",
        "outcome": "ok",
        "duration_ms": 9.5,
        "memory_mb": None,
        "memory_used_mb": None,
    },
    {"name": "wsgi_lambda", "message": "/shop ServiceError: 7 more lines …", "held_back": 7},
]
APP_LOG = "\n".join(["[2026-01-01 00:00:00 +0000] [7] [INFO] Starting", *map(json.dumps, LINES)])


@pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq")
def test_commands_for_the_log_find_lines(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text(APP_LOG, "utf-8")
    for command in commands_for_the_log():
        run = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert (len(run.stdout.splitlines()), run.stderr) == (1, ""), command


def test_commands_for_the_log_name_fields_that_exist() -> None:
    commands = commands_for_the_log()
    assert len(commands) >= 6
    known = {*FIELDS, "name", "message", "levelname", "asctime", "held_back"}
    for command in commands:
        names = re.findall(r"(?<![\w\"./])\.(\w+)", command)
        picked = re.findall(r"\{([^}]*)\}", command.partition("jq")[2])
        names += [name.strip() for each in picked for name in each.split(",")]
        assert names
        assert set(names) <= known, command
