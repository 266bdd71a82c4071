"""Any request becomes an event that contains its body, arguments and path unchanged."""

from __future__ import annotations

import base64
import io
import ipaddress
import json
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from wsgi_lambda.config import read_routes
from wsgi_lambda.event import EventBuilder
from wsgi_lambda.request import Request

GATEWAYS = st.sampled_from(["1.0", "2.0"])
TYPES = st.sampled_from(
    ["", "text/plain", "application/json", "image/png", "application/x-www-form-urlencoded"]
)
# Text in a form; lone surrogates cannot be encoded.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def event_of(options: dict[str, Any], body: bytes = b"", **environ: str) -> Any:
    """Return the parsed event for a request."""
    config = {"function_name": "f", **options}
    (route,) = read_routes({"aws_region": "us-east-1", "routes": {"/": config}}, {})
    request = {
        "REQUEST_METHOD": "POST",
        "SERVER_NAME": "shop.test",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        **environ,
    }
    return json.loads(EventBuilder(route).build(Request(request)))


@given(body=st.binary(), kind=TYPES, version=GATEWAYS, encode=st.booleans())
@pytest.mark.promise("valid", "whole")
def test_body_of_a_gateway_event_is_whole(
    body: bytes, kind: str, version: str, encode: bool
) -> None:
    options = {
        "awsgateway_compatible": True,
        "awsgateway_compatible_payload_version": version,
        "base64_encode_body": encode,
    }
    event = event_of(options, body, CONTENT_TYPE=kind)
    text = event.get("body") or ""
    assert (base64.b64decode(text) if event["isBase64Encoded"] else text.encode()) == body


@given(body=st.binary(), kind=TYPES, encode=st.booleans())
@pytest.mark.promise("valid", "whole")
def test_forwarded_body_is_whole(body: bytes, kind: str, encode: bool) -> None:
    options = {"forward_request_body": True, "base64_encode_body": encode}
    event = event_of(options, body, CONTENT_TYPE=kind)
    text = event["request_body"]
    is_encoded = event.get("request_body_base64", False)
    assert (base64.b64decode(text) if is_encoded else text.encode()) == body


@given(fields=st.dictionaries(TEXTS, TEXTS))
@pytest.mark.promise("valid", "whole")
def test_fields_of_a_form_are_the_event(fields: dict[str, str]) -> None:
    body = urlencode(fields).encode()
    kind = "application/x-www-form-urlencoded"
    assert event_of({}, body, CONTENT_TYPE=kind) == fields


@given(fields=st.dictionaries(TEXTS.filter(bool), st.lists(TEXTS, min_size=2)))
@pytest.mark.promise("valid")
def test_repeated_arguments_are_arrays(fields: dict[str, list[str]]) -> None:
    query = urlencode(fields, doseq=True)
    assert event_of({}, QUERY_STRING=query) == fields


@given(content=st.binary(), name=st.text("abcé/ .", min_size=1))
@pytest.mark.promise("valid", "whole")
def test_multipart_file_is_whole(content: bytes, name: str) -> None:
    boundary, body = encode_multipart({"file": FileStorage(io.BytesIO(content), name)})
    kind = f'multipart/form-data; boundary="{boundary}"'
    part = event_of({}, body, CONTENT_TYPE=kind)["file"]
    assert (base64.b64decode(part["body"]), part["filename"]) == (content, name)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)


@given(value=st.lists(JSON) | st.dictionaries(TEXTS, JSON))
@pytest.mark.promise("valid", "whole")
def test_json_is_the_event(value: Any) -> None:
    event = event_of({}, json.dumps(value).encode(), CONTENT_TYPE="application/json")
    # Compared as text, because 1 == True == 1.0 in Python.
    assert json.dumps(event) == json.dumps(value)


PATHS = st.binary(max_size=30).filter(lambda path: b"\0" not in path)


@given(path=PATHS, mount=st.sampled_from([b"", b"/m", "/é".encode()]), version=GATEWAYS)
@pytest.mark.promise("same path")
def test_path_of_a_gateway_event_decodes_to_the_path_of_the_request(
    path: bytes, mount: bytes, version: str
) -> None:
    options = {"awsgateway_compatible": True, "awsgateway_compatible_payload_version": version}
    path = b"/" + path
    raw = quote_from_bytes(mount + path, safe="/")
    environ = {"PATH_INFO": path.decode("latin-1"), "SCRIPT_NAME": mount.decode("latin-1")}
    for more in ({}, {"RAW_URI": f"{raw}?x"}, {"REQUEST_URI": f"http://shop.test{raw}"}):
        event = event_of(options, **environ, **more)
        sent = event.get("rawPath") or event["path"]
        assert unquote_to_bytes(sent) == mount + path
        assert sent.isascii()
        assert sent.isprintable()


@given(
    headers=st.dictionaries(st.text("ABC_", min_size=1), st.text(st.characters(max_codepoint=255)))
)
@pytest.mark.promise("valid")
def test_any_headers_become_an_event(headers: dict[str, str]) -> None:
    environ = {f"HTTP_{name}": value for name, value in headers.items()}
    for version in ("1.0", "2.0"):
        options = {"awsgateway_compatible": True, "awsgateway_compatible_payload_version": version}
        assert event_of(options, **environ)["headers"]


@given(
    address=st.ip_addresses().map(str)
    | st.text("0123456789abcdef:.", max_size=40)
    | st.lists(st.sampled_from(["0", "01", "255", "256", "", "1a", "\u0663"])).map(".".join)
    | st.text(),
    form=st.sampled_from(["{}", " {} ", "[{}]", "[{}]:80", "{}%eth0"]),
)
@pytest.mark.promise("valid")
def test_source_address_is_an_address(address: str, form: str) -> None:
    options = {"awsgateway_compatible": True, "awsgateway_compatible_payload_version": "2.0"}
    event = event_of(options, REMOTE_ADDR=form.format(address))
    sent = event["requestContext"]["http"]["sourceIp"]
    ipaddress.ip_address(sent)
    assert sent == (address if _is_address(address) else sent)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
