"""Any configuration gives routes or a ConfigError; routing and signing equal a reference."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests import Request
from requests_aws4auth import AWS4Auth

from wsgi_lambda.config import read_routes
from wsgi_lambda.config.files import load_document
from wsgi_lambda.config.sources import load_configuration
from wsgi_lambda.credentials import Credentials
from wsgi_lambda.errors import ConfigError
from wsgi_lambda.invoke.sign import Signer
from wsgi_lambda.options import OPTIONS
from wsgi_lambda.routing import RouteTable

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(sorted(OPTIONS)), inner)
    ),
    max_leaves=10,
)
GOOD = {
    "function_name": "f",
    "methods": ["GET"],
    "timeout": 1000,
    "aws_region": "us-east-1",
    "aws_key": "AKID",
    "aws_secret": "secret",
    "qualifier": "7",
    "unhandled_status": 500,
}
ROUTES = st.dictionaries(
    st.sampled_from(sorted(OPTIONS)) | st.text(), ANYTHING | st.sampled_from(list(GOOD.values()))
) | st.fixed_dictionaries({}, optional={name: st.just(GOOD[name]) for name in GOOD})

SUFFIXES = st.sampled_from([".json", ".toml", ".yaml", ".yml"])


@given(
    defaults=ROUTES,
    routes=st.dictionaries(st.text() | st.just("/a"), ROUTES | st.lists(ROUTES)) | ANYTHING,
)
@pytest.mark.promise("valid")
def test_any_configuration_gives_routes_or_one_error(defaults: dict[str, Any], routes: Any) -> None:
    with suppress(ConfigError):
        found = read_routes({**defaults, "routes": routes}, {})
        assert all(route.target.function_name for route in found)


@given(config=ANYTHING)
@pytest.mark.promise("valid")
def test_anything_at_all_gives_routes_or_one_error(config: Any) -> None:
    with suppress(ConfigError):
        read_routes(config, {})


@given(
    name=st.from_regex(r"no_such_\w*(\.\w+)*(:(\w+\.)*\w*(\(.*\))?)?", fullmatch=True)
    | st.text().map("no_such_{}.json".format)
)
@pytest.mark.promise("valid")
def test_name_of_nothing_is_one_problem(name: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_configuration(name)
    assert [problem.code for problem in raised.value.problems] == ["cannot_load"]


@given(text=st.text() | st.text('{}[]":,= \n#&*-!0123456789.eabtrue'), suffix=SUFFIXES)
@pytest.mark.promise("valid")
def test_any_file_is_loaded_or_a_config_error(text: str, suffix: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder, f"f{suffix}")
        file.write_bytes(text.encode(errors="surrogatepass"))
        with suppress(ConfigError):
            load_document(str(file))


SEGMENTS = st.lists(st.sampled_from(["a", "b", "ab", "é", "", "."]), max_size=4)


@given(
    paths=st.lists(SEGMENTS, min_size=1, max_size=6, unique_by=lambda s: "/".join(s).rstrip("/")),
    asked=SEGMENTS,
)
@pytest.mark.promise("same path")
def test_routing_equals_the_longest_prefix_of_segments(
    paths: list[list[str]], asked: list[str]
) -> None:
    configured = {"/" + "/".join(path).lstrip("/"): {"function_name": "f"} for path in paths}
    normal = {path.rstrip("/") or "/" for path in configured}
    if len(normal) < len(configured):
        return  # the same path twice is a ConfigError
    routes = read_routes({"aws_region": "us-east-1", "routes": configured}, {})
    table = RouteTable(SimpleNamespace(route=route) for route in routes)
    path = "/" + "/".join(asked)
    decided = "/" + path.lstrip("/")  # as Flask does
    fitting = [p for p in normal if p == "/" or (decided + "/").startswith(p + "/")]
    found = table.find({"PATH_INFO": path.encode().decode("latin-1"), "REQUEST_METHOD": "GET"})
    assert (str(found.route.path) if found else None) == max(fitting, key=len, default=None)


VISIBLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)


@given(
    key=VISIBLE,
    secret=VISIBLE,
    token=st.none() | VISIBLE,
    body=st.binary(),
    name=st.text("abc-_", min_size=1, max_size=8),
    qualifier=st.sampled_from(["", "?Qualifier=%24LATEST", "?Qualifier=live"]),
    port=st.sampled_from(["", ":8443"]),
    now=st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)),
)
@pytest.mark.promise("signed")
def test_signature_equals_that_of_aws4auth(
    key: str,
    secret: str,
    token: str | None,
    body: bytes,
    name: str,
    qualifier: str,
    port: str,
    now: datetime,
) -> None:
    def prepared() -> Any:
        host = f"lambda.test{port}"
        url = f"https://{host}/2015-03-31/functions/{name}/invocations{qualifier}"
        headers = {"Host": host, "Content-Type": "application/json"}
        return Request("POST", url, headers=headers, data=body).prepare()

    ours = prepared()
    signer = Signer(ours, "us-east-1", clock=now.timestamp)
    ours.headers.update(signer.sign(body, Credentials(key, secret, token)))
    theirs = prepared()
    theirs.headers["X-Amz-Date"] = now.strftime("%Y%m%dT%H%M%SZ")
    AWS4Auth(key, secret, "us-east-1", "lambda", session_token=token)(theirs)
    assert dict(ours.headers.lower_items()) == dict(theirs.headers.lower_items())
