"""The cost of foreign input is linear: patterns, body parsers, and the replies of Lambda."""

from __future__ import annotations

import importlib
import inspect
import io
import pkgutil
import re
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

import wsgi_lambda
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


def seconds(call: Callable[[], object]) -> float:
    started = time.thread_time()
    call()
    return time.thread_time() - started


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


def event_cost(body: bytes, content_type: str, **options: Any) -> tuple[float, int]:
    """Return the CPU seconds and the peak bytes of making an event, or of rejecting it."""
    environ = {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
        "SERVER_NAME": "a.test",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": io.BytesIO(body),
    }
    builder = EventBuilder(read_route(**options))

    def build() -> None:
        with suppress(LambdaError):
            builder.build(Request(environ))

    tracemalloc.start()
    build()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    environ["wsgi.input"] = io.BytesIO(body)
    return seconds(build), peak


FORM, JSON = "application/x-www-form-urlencoded", "application/json"
MULTIPART = "multipart/form-data; boundary="
MIB = 1024 * 1024
HEAD = b'--b\r\nContent-Disposition: form-data; name="a"\r\n'

#: The most expensive bodies of 2 MiB that we know; the limit of the event is 1 MiB.
BODIES = {
    "form-of-percent-signs": (b"a=" + b"%" * 2 * MIB, FORM),
    "form-of-invalid-escapes": (b"a=" + b"%G" * MIB, FORM),
    "form-of-escapes": (b"a=" + b"%41" * (2 * MIB // 3), FORM),
    "form-of-ampersands": (b"&" * 2 * MIB, FORM),
    "form-of-invalid-utf-8": (b"a=" + b"%ff" * (2 * MIB // 3), FORM),
    "json-of-empty-objects": (b"[" + b"{}," * (MIB // 3 - 2) + b"{}]", JSON),
    "json-of-backslashes": (b'["' + b"\\\\" * MIB + b'"]', JSON),
    "json-of-blanks": (b"[" + b" " * 2 * MIB + b"]", JSON),
    "json-that-is-nested": (b"[" * 2 * MIB, JSON),
    "multipart-of-dashes": (b"-" * 2 * MIB, MULTIPART + "-" * 70),
    "multipart-with-a-long-boundary": (b"-" * 2 * MIB, MULTIPART + "-" * 8000),
    "multipart-of-line-ends": (HEAD + b"\r\n" + b"\r\n--" * (MIB // 2), MULTIPART + "b"),
    "multipart-of-headers": (HEAD + b"a:\r\n" * (MIB // 2), MULTIPART + "b"),
    "multipart-of-semicolons": (HEAD + b"a:" + b";" * 2 * MIB, MULTIPART + "b"),
    "text-of-nothing": (b"\0" * 2 * MIB, "text/plain"),
}


@pytest.mark.promise("bounded")
@pytest.mark.parametrize(("body", "content_type"), BODIES.values(), ids=BODIES)
@pytest.mark.parametrize(
    "options",
    [{}, {"forward_request_body": True}, {"awsgateway_compatible": True}],
    ids=["arguments", "forwarded", "apigateway"],
)
def test_event_costs_a_few_bytes_and_little_time_for_each_byte(
    body: bytes, content_type: str, options: dict[str, Any]
) -> None:
    taken, peak = event_cost(body, content_type, max_payload_size=MIB, **options)
    # 200 MB and 1 s for 6 MiB (SPEC: promise 11), with room for a slow machine.
    assert peak < 34 * MIB
    assert taken < 1.0


REPLIES = {
    "two-million-headers": b'{"statusCode": 200, "headers": {%s"x": "1"}}'
    % b"".join(b'"h%d": "", ' % number for number in range(200_000)),
    "string-without-an-end": b'{"a": "' + b'\\"' * MIB,
    "empty-arrays": b"[" + b"[]," * (MIB // 3) + b"[]]",
    "brackets": b"[" * 2 * MIB,
}


@pytest.mark.promise("bounded")
@pytest.mark.parametrize("body", REPLIES.values(), ids=REPLIES)
@pytest.mark.parametrize(
    "options",
    [{}, {"empty_arrays_mode": "legacy"}, {"is_proxy_integration": True}],
    ids=["plain", "legacy", "proxy"],
)
@pytest.mark.parametrize("failed", [False, True])
def test_reply_costs_little_time(body: bytes, options: dict[str, Any], failed: bool) -> None:
    headers = [("Content-Type", "application/json")]
    headers += [("X-Amz-Function-Error", "Unhandled")] if failed else []
    reply = Reply(200, tuple(headers), body)

    def respond() -> None:
        with suppress(LambdaError):
            from_reply(reply, read_route(**options))

    assert seconds(respond) < 2.0
