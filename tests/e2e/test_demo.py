"""The sample app from outside: gunicorn, the app, the emulator, the functions."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import time

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from sample_app.settings import SECRETS, shown_configuration
from tests.e2e.conftest import PATIENCE, Demo

pytestmark = pytest.mark.e2e

NOT_UTF8 = bytes(range(256)) * 64


# ---- the app's own pages ---------------------------------------------------


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/", "Try the functions"),
        ("/about", "About the shop"),
        ("/contact", "Write to us"),
        ("/lambda-prices", "Lambda prices"),
        ("/operations", "Last invocations"),
    ],
)
def test_pages_of_the_app(shop: Demo, path: str, heading: str) -> None:
    response = shop.get(path)
    assert response.status_code == 200
    assert re.search(f"<h1[^>]*>{heading}</h1>", response.text)
    assert "x-amzn-requestid" not in response.headers


@pytest.mark.parametrize("name", ["shop.css", "home.js", "icon.svg"])
def test_static_files_of_the_app(shop: Demo, name: str) -> None:
    assert shop.get(f"/static/{name}").status_code == 200


def test_each_framework_serves_its_own_shop(flask_shop: Demo, django_shop: Demo) -> None:
    assert '<span id="framework">Flask</span>' in flask_shop.get("/").text
    assert '<span id="framework">Django</span>' in django_shop.get("/").text


@pytest.mark.parametrize(
    "path",
    ["/lambda", "/lambdax", "/lambda/", "/lambda/catalogues", "/lambda/echo-2", "/LAMBDA/echo"],
)
def test_paths_next_to_the_routes_belong_to_the_app(shop: Demo, path: str) -> None:
    response = shop.get(path)
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")


def test_form_of_the_app_is_posted_to_the_app(shop: Demo) -> None:
    page = shop.get("/contact")
    token = re.search('name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    fields = {"csrfmiddlewaretoken": token[1]} if token else {}
    posted = shop.post("/contact", data={**fields, "message": "Hello"}, cookies=page.cookies)
    assert (posted.status_code, posted.headers["Location"]) == (303, "/contact?sent=yes")
    assert "Thank you for your message" in shop.get("/contact?sent=yes").text
    empty = shop.post("/contact", data={**fields, "message": " "}, cookies=page.cookies)
    assert empty.status_code == 422


def test_csrf_protection_of_the_app_stays(flask_shop: Demo, django_shop: Demo) -> None:
    assert flask_shop.post("/contact", data={"message": "Hello"}).status_code == 400
    assert django_shop.post("/contact", data={"message": "Hello"}).status_code == 403


# ---- functions in the app: the members' pages -------------------------------


class Member:
    """A browser without JavaScript."""

    def __init__(self, shop: Demo) -> None:
        self.shop, self.session = shop, requests.Session()
        self.session.trust_env = False

    def get(self, path: str) -> requests.Response:
        url = f"{self.shop.url}/members/{path}"
        return self.session.get(url, timeout=PATIENCE, allow_redirects=False)

    def post(self, path: str, **fields: str) -> requests.Response:
        """Send a form with the CSRF token of the members' page."""
        token = re.search('name="csrfmiddlewaretoken" value="([^"]+)"', self.get("").text)[1]
        fields = {"csrfmiddlewaretoken": token, **fields}
        url = f"{self.shop.url}/members/{path}"
        return self.session.post(url, fields, timeout=PATIENCE, allow_redirects=False)


PROTECTED = ["event", "catalogue?q=mug"]


def test_functions_in_the_app_need_a_login(shop: Demo) -> None:
    member = Member(shop)
    refused = {member.get(path).status_code for path in PROTECTED} | {
        member.post("note", note="hello").status_code
    }
    assert refused <= {401, 302}
    assert member.post("login", name="ada", password="coffee").status_code == 401
    assert member.post("login", name="ada", password="tea").status_code == 303
    assert [member.get(path).status_code for path in PROTECTED] == [200, 200]
    assert member.post("note", note="hello").json()["note"] == "hello"
    # Functions in the app are on the operator's pages, too.
    assert "<td>note</td>" in shop.get("/operations").text
    assert 'wsgi_lambda_invocations_total{code="200",function="wsgi-lambda-demo-echo"' in (
        shop.get("/metrics").text
    )
    assert member.post("logout").status_code == 303
    assert member.get("event").status_code in (401, 302)


def test_members_page_calls_a_function_and_their_event_has_their_name(shop: Demo) -> None:
    member = Member(shop)
    member.post("login", name="ada", password="tea")
    assert re.search(r"the catalogue has [1-9][0-9]* items", member.get("").text)
    event = member.get("event").json()
    assert event["requestContext"]["authorizer"] == {"principalId": "ada"}


def test_form_for_a_function_needs_a_csrf_token(shop: Demo) -> None:
    member = Member(shop)
    member.post("login", name="ada", password="tea")
    assert member.post("note", csrfmiddlewaretoken="forged", note="x").status_code in (400, 403)


def test_function_is_rate_limited(shop: Demo) -> None:
    member = Member(shop)
    member.post("login", name="ada", password="tea")
    # Each of the two workers counts for itself.
    statuses = {member.get("label?text=Mug&price=1.00").status_code for _ in range(12)}
    assert statuses & {429, 403}
    assert statuses <= {200, 429, 403}


def test_other_host_names_reach_no_function(shop: Demo) -> None:
    response = shop.get("/lambda/echo", headers={"Host": "rebound.test"})
    assert response.status_code == 400
    assert "x-amzn-requestid" not in response.headers


def test_home_page_shows_no_key() -> None:
    keys = dict.fromkeys(SECRETS, "hunter2")
    routes = {"/f": {"function_name": "f", **keys}}
    shown = shown_configuration({**keys, "timeout": 1000, "routes": routes}, "WSGI_LAMBDA")
    assert shown == {
        "name": "WSGI_LAMBDA",
        "has_iam": False,
        "defaults": '{\n    "timeout": 1000,\n}',
        "routes": [{"path": "/f", "code": '"/f": {\n    "function_name": "f",\n}'}],
    }


# ---- the commands that the demo prints -------------------------------------


def test_printed_commands_have_the_printed_output(shop: Demo) -> None:
    if not shutil.which("curl"):
        pytest.skip(
            "NOTE: curl is not installed, the printed commands are not run; apt-get install curl"
        )
    printed = shop.output().partition("or try\n")[2].partition("Press Ctrl-C")[0]
    blocks = [block.splitlines() for block in printed.strip("\n").split("\n\n")]
    assert len(blocks) == 15
    for about, command, *expected in blocks:
        assert re.match("  # [a-z]", about)
        run = subprocess.run(
            ["sh", "-c", command],
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
        )
        output = [line.removeprefix("      ") for line in expected]
        assert run.stdout.splitlines() == output, command + run.stderr


# ---- the routes ------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "event", "items"),
    [
        pytest.param({"params": {"q": "tea"}}, {"q": "tea"}, ["teapot", "tea"], id="query"),
        pytest.param({"data": {"q": "tea"}}, {"q": "tea"}, ["teapot", "tea"], id="form"),
        pytest.param(
            {"json": {"max_price": 9, "tag": ["paper", "gift"]}},
            {"max_price": 9, "tag": ["paper", "gift"]},
            ["notebook"],
            id="JSON",
        ),
        pytest.param(
            {"params": {"q": "mug", "tag": "food"}, "json": {"q": ""}},
            {"q": "", "tag": "food"},
            ["tea"],
            id="JSON over query",
        ),
    ],
)
def test_catalogue_is_searched(shop: Demo, request_: dict, event: dict, items: list[str]) -> None:
    response = shop.post("/lambda/catalogue", **request_)
    assert response.status_code == 200
    assert response.json()["event"] == event
    assert [item["item"] for item in response.json()["items"]] == items


def test_path_below_a_route_belongs_to_the_route(shop: Demo) -> None:
    assert shop.get("/lambda/catalogue/anything?q=mug").json()["found"] == 1


def test_function_sets_status_headers_and_cookies(shop: Demo) -> None:
    response = shop.post("/lambda/orders", json={"item": "tea", "quantity": 3})
    number = response.json()["order"]
    assert (response.status_code, response.reason) == (201, "Created")
    assert response.headers["Location"] == f"/lambda/orders/{number}"
    assert response.headers["Link"] == '</about>; rel="help", </contact>; rel="author"'
    assert response.raw.headers.getlist("Set-Cookie") == [
        f"last_order={number}; Path=/; SameSite=Lax",
        "last_item=tea; Path=/; SameSite=Lax; HttpOnly",
    ]
    event = response.json()["event"]
    assert event["request_method"] == "POST"
    assert event["request_uri"] == "/lambda/orders"
    assert event["request_body_args"] == {"item": "tea", "quantity": 3}
    assert event["request_headers"]["content-type"] == "application/json"
    shown = shop.get(response.headers["Location"])
    assert (shown.status_code, shown.json()["quantity"]) == (200, 3)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"item": "sofa"}, "item must be one of mug, teapot, tea, notebook, pencil"),
        ({"item": "mug", "quantity": 0}, "quantity must be a number from 1 to 99"),
        ({"item": "mug", "quantity": "many"}, "quantity must be a number from 1 to 99"),
        (["mug"], "An order must be an object"),
    ],
)
def test_invalid_order_is_rejected(shop: Demo, body: object, message: str) -> None:
    response = shop.post("/lambda/orders", json=body)
    assert (response.status_code, response.json()["message"]) == (422, message)
    assert "Set-Cookie" not in response.headers


def test_unknown_order_is_not_found(shop: Demo) -> None:
    assert shop.get("/lambda/orders/mug-1-00000000").status_code == 404


def test_method_that_is_not_allowed(shop: Demo) -> None:
    response = shop.request("DELETE", "/lambda/orders")
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


def test_label_is_a_png(shop: Demo) -> None:
    response = shop.get("/lambda/label", params={"text": "Häferl", "price": "7.90"})
    assert (response.status_code, response.headers["Content-Type"]) == (200, "image/png")
    assert response.content.startswith(b"\x89PNG\r\n\x1a\n")
    assert response.content.endswith(b"IEND\xaeB`\x82")
    log = base64.b64decode(response.headers["X-Amz-Log-Result"]).decode()
    line = next(line for line in log.splitlines() if line.startswith("event "))
    assert json.loads(line.removeprefix("event ")) == {"text": "Häferl", "price": "7.90"}


def test_uploaded_file_arrives_byte_for_byte(shop: Demo) -> None:
    response = shop.post(
        "/lambda/upload",
        data={"title": "Häferl"},
        files={"photo": ("mug.bin", NOT_UTF8, "application/octet-stream")},
    ).json()
    assert response["fields"] == {"title": ["Häferl"]}
    assert response["files"] == [
        {
            "field": "photo",
            "filename": "mug.bin",
            "content_type": "application/octet-stream",
            "size": len(NOT_UTF8),
            "sha256": hashlib.sha256(NOT_UTF8).hexdigest(),
        }
    ]
    assert base64.b64decode(response["event"]["photo"]["body"]) == NOT_UTF8


def test_complete_app_in_a_function(shop: Demo) -> None:
    page = shop.get("/lambda/reviews")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "<li>None yet</li>" in page.text
    sent = shop.post("/lambda/reviews/", data={"review": "Größe <b>passt</b>"})
    assert (sent.status_code, sent.headers["Location"]) == (303, "/lambda/reviews")
    page = shop.get("/lambda/reviews", cookies=sent.cookies)
    assert "<li>Größe &lt;b&gt;passt&lt;/b&gt;</li>" in page.text
    assert shop.post("/lambda/reviews").status_code == 422
    star = shop.get("/lambda/reviews/star.gif")
    assert (star.headers["Content-Type"], star.content[:6]) == ("image/gif", b"GIF89a")
    assert shop.get("/lambda/reviews/nothing").status_code == 404


def test_failed_function_has_no_stack_trace_in_the_response(shop: Demo) -> None:
    response = shop.get("/lambda/broken")
    assert response.status_code == 500
    assert response.headers["X-Amz-Function-Error"] == "Unhandled"
    assert response.json()["errorMessage"] == "'mug'"
    assert "stackTrace" not in response.json()
    assert "Traceback" not in response.text
    assert "X-Amz-Log-Result" not in response.headers


def test_asynchronous_invocation_is_accepted_without_a_result(shop: Demo) -> None:
    response = shop.post("/lambda/newsletter", data={"email": "ada@shop.test"})
    assert (response.status_code, response.content) == (202, b"")
    assert response.headers["x-amzn-requestid"]


def test_slow_function_exceeds_the_timeout(shop: Demo) -> None:
    started = time.monotonic()
    response = shop.get("/lambda/slow?seconds=4")
    took = time.monotonic() - started
    assert (response.status_code, set(response.json())) == (504, {"message", "request_id"})
    assert 1.4 < took < 3.5


def test_function_within_the_timeout(shop: Demo) -> None:
    assert shop.get("/lambda/slow?seconds=0").json()["slept"] == 0


def test_forbidden_function_is_a_502_without_its_arn(shop: Demo) -> None:
    response = shop.get("/lambda/forbidden")
    assert (response.status_code, set(response.json())) == (502, {"message", "request_id"})
    assert "arn:" not in response.text
    assert "payroll" not in response.text
    assert "Lambda replied 403 AccessDeniedException" in shop.output()
    assert response.json()["request_id"] in shop.output()


def test_role_may_invoke_the_forbidden_function(shop: Demo) -> None:
    response = shop.get("/lambda/payroll?month=11")
    assert (response.status_code, response.json()["event"]) == (200, {"month": "11"})


def test_emulator_checks_signatures(shop: Demo) -> None:
    path = "/2015-03-31/functions/wsgi-lambda-demo-echo/invocations"
    with requests.Session() as session:
        session.trust_env = False
        response = session.post(shop.guard_url + path, data=b"{}", timeout=10)
    assert response.status_code == 403


# ---- a body without a length -----------------------------------------------


def test_chunked_body_is_complete(shop: Demo) -> None:
    """gunicorn ends the stream itself, and sets wsgi.input_terminated."""
    chunks = (part for part in (b"a=1&", b"b=", b"2"))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    response = shop.post("/lambda/echo", data=chunks, headers=form)
    assert (response.status_code, response.json()) == (200, {"a": "1", "b": "2"})


# ---- what an operator sees ---------------------------------------------------


def test_operations_page_and_metrics_show_the_invocations(shop: Demo) -> None:
    assert shop.get("/lambda/catalogue").status_code == 200
    assert shop.get("/lambda/broken").status_code == 500
    page = shop.get("/operations").text
    rows = [
        re.findall("<td[^>]*>([^<]*)</td>", row) for row in re.findall("(?s)<tr>.*?</tr>", page)
    ]
    shown = [(row[1], row[3], row[4]) for row in rows if len(row) == 8]
    assert shown[:2] == [
        ("/lambda/broken", "function_error", "500"),
        ("/lambda/catalogue", "ok", "200"),
    ]
    response = shop.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain")
    sums: dict[tuple[str, str], float] = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            if sample.name == "wsgi_lambda_invocations_total":
                key = (sample.labels["route"], sample.labels["outcome"])
                sums[key] = sums.get(key, 0) + sample.value
    assert sums["/lambda/catalogue", "ok"] >= 1
    assert sums["/lambda/broken", "function_error"] >= 1
    shop.wait_for("/lambda/broken wsgi-lambda-demo-broken function_error")


def test_no_client_writes_lines_of_the_log(shop: Demo) -> None:
    assert shop.get("/lambda/echo/%0Aforged%1B%5B2J").status_code == 200
    shop.wait_for("GET /lambda/echo/%0Aforged%1B%5B2J HTTP/1.1 200, ")
