"""The cost of foreign input is linear: patterns, body parsers, and the replies of Lambda."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

import wsgi_lambda
from tests.tools.cost import longest_hold, peak, post, seconds, undisturbed
from tests.unit.configurations import read_route
from wsgi_lambda.errors import LambdaError
from wsgi_lambda.event import EventBuilder
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.request import Request
from wsgi_lambda.response import from_reply

# Rooms whose input is the configuration, which is trusted.
TRUSTED = (
    "wsgi_lambda.options",
    "wsgi_lambda.config",
    "wsgi_lambda.cli",
    "wsgi_lambda.kong_import",
)


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Yield every compiled pattern of the modules that see foreign input."""
    for module in pkgutil.walk_packages(wsgi_lambda.__path__, "wsgi_lambda."):
        if module.name.startswith(TRUSTED) or module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            # isinstance() would make Django's settings load themselves.
            if type(value) is re.Pattern:
                yield f"{module.name}.{name}", value


PATTERNS = dict(patterns())
#: Characters that the patterns use, alone and in pairs; an ending makes a match fail.
UNITS = ["a", "1", " ", "\t", ":", "-", "/", "+", ".", ",", '"', "\\", "[", "[ ", '\\"', "%", "%4",
         "a:", ": ", "a/", "+a", "a://", "\r", "\n", "=", "~", "\x85"]  # fmt: skip
PREFIXES = ["", "X: ", "HTTP/1.1 200 ", '"', "x-amz-security-token:", "a"]


def uses_of(name: str) -> list[Callable[[Any], object]]:
    """Return the methods of a pattern that the package calls."""
    module, _, short = name.rpartition(".")
    text = inspect.getsource(importlib.import_module(module))
    pattern = PATTERNS[name]
    searches = re.search(rf"\b{short}\.(search|sub|findall|finditer|split)\b", text)
    return [pattern.search] if searches else [pattern.fullmatch, pattern.match]


@pytest.mark.promise("bounded")
@pytest.mark.parametrize("name", PATTERNS)
def test_pattern_is_linear(name: str) -> None:
    """Sixteen times the input must not take much more than sixteen times the time."""
    pattern = PATTERNS[name]
    for prefix in PREFIXES:
        for unit in UNITS:
            for ending in ("", "\0", "x"):
                text: Any = prefix + unit * (60_000 // len(unit)) + ending
                text = text.encode("latin-1") if isinstance(pattern.pattern, bytes) else text
                for use in uses_of(name):
                    # Linear patterns take a few milliseconds, quadratic ones seconds.
                    assert seconds(lambda use=use, text=text: use(text)) < 0.5, (prefix, unit)


#: A sixth, so that the tests are fast: limits and bodies are a sixth of the default ones.
MIB = 1024 * 1024 // 6
FORM, JSON, TEXT = "application/x-www-form-urlencoded", "application/json", "text/plain"
MULTIPART = "multipart/form-data; boundary="
HEAD = b'--b\r\nContent-Disposition: form-data; name="a"\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n'

SEMICOLONS = HEAD[:-2] + b";" * 16000
LONG_NAME = HEAD[:-3] + b"n" * 6000 + b'"\r\n\r\n\r\n'
QUOTED_PAIRS = HEAD[:-3] + b'\\"' * 8000 + b'"\r\n\r\n\r\n'
END = b"\r\n--b--"
GROWING = b"[" * 300 + b"[1]," * 300 + b"1" + b"]" * 300 + b","


def many(part: bytes, size: int, before: bytes = b"[", after: bytes = b"]") -> bytes:
    """Return JSON of about ``size`` bytes: ``part`` repeated, without its last comma."""
    return before + (part * ((size - 10) // len(part)))[:-1] + after


def names(size: int) -> bytes:
    return b",".join(b'"%x":0' % number for number in range(size // 9))


#: The most expensive bodies of six MIB that we know, accepted and rejected.
BODIES: dict[str, tuple[Callable[[], bytes], str]] = {
    "form-of-percent-signs": (lambda: b"a=" + b"%" * 6 * MIB, FORM),
    "form-of-invalid-escapes": (lambda: b"a=" + b"%G" * 3 * MIB, FORM),
    "form-of-escapes": (lambda: b"a=" + b"%41" * 6 * MIB, FORM),
    "form-of-ampersands": (lambda: b"&" * 18 * MIB, FORM),
    "form-of-invalid-utf-8": (lambda: b"a=" + b"%ff" * 2 * MIB, FORM),
    "form-of-pluses": (lambda: b"a=" + b"+" * 6 * MIB, FORM),
    "json-of-empty-objects": (lambda: many(b"{},", 6 * MIB), JSON),
    "json-of-empty-arrays": (lambda: many(b"[],", 6 * MIB), JSON),
    "json-of-pairs": (lambda: many(b"[1,1],", 6 * MIB), JSON),
    "json-of-numbers": (lambda: many(b"1,", 6 * MIB), JSON),
    "json-of-floats": (lambda: many(b"1.7976931348623157e-308,", 6 * MIB), JSON),
    "json-of-large-numbers": (lambda: many(b"9" * 4300 + b",", 6 * MIB), JSON),
    "json-of-strings": (lambda: many(b'"abc",', 6 * MIB), JSON),
    "json-of-names": (lambda: b"{" + names(6 * MIB) + b"}", JSON),
    "json-of-one-name": (lambda: many(b'"":0,', 6 * MIB, b"{", b"}"), JSON),
    "json-of-backslashes": (lambda: b'["' + b"\\\\" * 3 * MIB + b'"]', JSON),
    "json-of-escapes": (lambda: b'["' + b"\\u0041" * 6 * MIB + b'"]', JSON),
    "json-of-lone-surrogates": (lambda: b'["' + b"\\ud800" * MIB + b'"]', JSON),
    "json-in-utf-16": (lambda: many(b"1,", 3 * MIB).decode().encode("utf-16"), JSON),
    "json-of-blanks": (lambda: b"[" + b" " * 35 * MIB + b"]", JSON),
    "json-that-is-nested": (lambda: b"[" * 6 * MIB, JSON),
    "json-of-nested-arrays": (lambda: many(b"[" * 400 + b"]" * 400 + b",", 6 * MIB), JSON),
    "json-of-growing-arrays": (lambda: many(GROWING, 6 * MIB), JSON),
    "multipart-of-dashes": (lambda: b"-" * 12 * MIB, MULTIPART + "-" * 70),
    "multipart-with-a-long-boundary": (lambda: b"-" * 12 * MIB, MULTIPART + "-" * 8000),
    "multipart-of-line-ends": (lambda: FILE + b"\r\n--" * MIB + b"\r\n--b--", MULTIPART + "b"),
    "multipart-of-headers": (lambda: (HEAD + b"a:\r\n" * 3900) * 300, MULTIPART + "b"),
    "multipart-of-semicolons": (lambda: (SEMICOLONS + b"\r\n" * 3) * 300, MULTIPART + "b"),
    "multipart-of-long-names": (lambda: LONG_NAME * 1000, MULTIPART + "b"),
    "multipart-of-quoted-pairs": (lambda: QUOTED_PAIRS * 200, MULTIPART + "b"),
    "json-of-named-floats": (lambda: b"{" + names(4 * MIB).replace(b":0", b":1e-9") + b"}", JSON),
    "json-of-raw-surrogates": (lambda: b'["' + b"\xed\xa0\x80" * 2 * MIB + b'"]', JSON),
    "multipart-of-a-file": (lambda: FILE + b"\xff" * 4 * MIB + b"\r\n--b--", MULTIPART + "b"),
    "multipart-of-text": (lambda: HEAD + b"\r\n" + b"\xff" * 6 * MIB + END, MULTIPART + "b"),
    "text-of-nothing": (lambda: b"\0" * 6 * MIB, TEXT),
    "text-of-quotes": (lambda: b'"' * 6 * MIB, TEXT),
    "bytes": (lambda: b"\xff" * 6 * MIB, "application/octet-stream"),
}  # fmt: skip
FORMATS: dict[str, dict[str, Any]] = {
    "forwarded": {"forward_request_body": True},
    "apigateway": {"awsgateway_compatible": True},
}


def event_maker(body: bytes, content_type: str, **options: Any) -> Callable[[], None]:
    """Return a call that makes the event of a request, or rejects it."""
    builder = EventBuilder(read_route(**options))

    def build() -> None:
        with suppress(LambdaError):
            builder.build(Request(post(body, content_type)))

    return build


def check_cost(call: Callable[[], object]) -> None:
    """At most 1 s of CPU, and 50 ms without another thread, with room.

    A core that two processes share takes half as long again, and so does coverage.
    """
    with undisturbed():
        assert any(seconds(call) < 1.5 for _ in range(3))
    for _ in range(4):
        if longest_hold(call) < 0.06:
            return
    raise AssertionError("other threads had to wait for too long")


@pytest.mark.promise("bounded")
@pytest.mark.parametrize("name", BODIES)
def test_event_has_a_bounded_cost(name: str) -> None:
    make, content_type = BODIES[name]
    call = event_maker(make(), content_type, max_payload_size=6 * MIB)
    check_cost(call)
    assert peak(call) < 35_000_000


@pytest.mark.promise("bounded")
@pytest.mark.parametrize("name", ["json-of-empty-arrays", "text-of-nothing", "bytes"])
@pytest.mark.parametrize("options", FORMATS.values(), ids=FORMATS)
def test_other_events_have_a_bounded_cost(name: str, options: dict[str, Any]) -> None:
    make, content_type = BODIES[name]
    check_cost(event_maker(make(), content_type, max_payload_size=6 * MIB, **options))


RESULT = b'{"statusCode": 200, "x": %s}'


def with_headers(headers: dict[str, Any]) -> bytes:
    return json.dumps({"statusCode": 200, "multiValueHeaders": headers}).encode()


REPLIES: dict[str, Callable[[], bytes]] = {
    "headers": lambda: b'{"statusCode": 200, "headers": {%s}}' % names(6 * MIB),
    "string-without-an-end": lambda: b'{"a": "' + b'\\"' * 3 * MIB,
    "escapes": lambda: b'{"statusCode": 200, "body": "' + b"\\n" * 3 * MIB + b'"}',
    "empty-arrays": lambda: RESULT % many(b"[],", 6 * MIB),
    "numbers": lambda: RESULT % many(b"1,", 6 * MIB),
    "strings": lambda: RESULT % many(b'"",', 6 * MIB),
    "floats": lambda: RESULT % many(b"1.7976931348623157e-308,", 6 * MIB),
    "brackets": lambda: b"[" * 6 * MIB,
    "brackets-and-blanks": lambda: b"[ " * 3 * MIB,
    "text": lambda: RESULT % (b'"' + "日".encode() * 2 * MIB + b'"'),
    "connection": lambda: with_headers({"Connection": names(6 * MIB).decode()}),
    "connections": lambda: with_headers({"Connection": [f"{n}," * 60 for n in range(990)]}),
    "long-name": lambda: with_headers({"x" * 600_000: [""] * 900}),
    "strings-and-arrays": lambda: b'"[]' * 2 * MIB,
    "names-and-arrays": lambda: b'"":[],' * MIB,
    "base64": lambda: b'{"statusCode":200,"isBase64Encoded":true,"body":"' + b"////" * MIB + b'"}',
}
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "legacy": {"empty_arrays_mode": "legacy"},
    "proxy": {"is_proxy_integration": True},
}


@pytest.mark.promise("bounded")
@pytest.mark.parametrize("name", REPLIES)
@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("failed", [False, True], ids=["result", "error"])
def test_response_has_a_bounded_cost(name: str, options: dict[str, Any], failed: bool) -> None:
    headers = [("Content-Type", "application/json")]
    headers += [("X-Amz-Function-Error", "Unhandled")] if failed else []
    body, route = REPLIES[name](), read_route(**options)

    def respond() -> None:
        with suppress(LambdaError):
            from_reply(Reply(200, tuple(headers), body), route)

    check_cost(respond)
    assert peak(respond) < 35_000_000


@pytest.mark.promise("bounded")
@pytest.mark.parametrize("name", REPLIES)
def test_error_of_lambda_has_a_bounded_cost(name: str) -> None:
    body = REPLIES[name]()
    check_cost(lambda: Reply(400, (), body))


@pytest.mark.promise("bounded")
@pytest.mark.parametrize("name", ["json-of-empty-arrays", "json-of-floats"])
def test_event_of_the_full_size(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "MIB", 1024 * 1024)
    make, content_type = BODIES[name]
    assert min(longest_hold(event_maker(make(), content_type)) for _ in range(3)) < 0.06


@pytest.mark.promise("bounded")
@pytest.mark.parametrize("name", ["numbers", "floats"])
def test_error_of_the_full_size(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "MIB", 1024 * 1024)
    reply = Reply(200, (("X-Amz-Function-Error", "Unhandled"),), REPLIES[name]())
    route = read_route()
    assert min(longest_hold(lambda: from_reply(reply, route)) for _ in range(3)) < 0.06
