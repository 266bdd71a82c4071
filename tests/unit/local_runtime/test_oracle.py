"""The same handler, byte for byte: awslambdaric, and our own runtime."""

from __future__ import annotations

import json
import re
import sys
import time
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.tools.aws_runtime import ARN, REQUEST_ID, Posted, run_with_awslambdaric
from tests.unit.local_runtime.modules import forget, write_module
from wsgi_lambda.local_runtime.context import LambdaContext
from wsgi_lambda.local_runtime.faults import Outcome
from wsgi_lambda.local_runtime.loading import load_from_module
from wsgi_lambda.local_runtime.run import Environment

REPEATED = rb"repeated \d+ more times"
LOG_STREAM = rb"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}"

IMPORTS = """
import collections, dataclasses, datetime, decimal, enum, sys, uuid
from decimal import Decimal

Point = collections.namedtuple("Point", "x y")
Color = enum.Enum("Color", "RED")
Level = enum.IntEnum("Level", "LOW")

class Word(str, enum.Enum):
    A = "a"

@dataclasses.dataclass
class Order:
    item: str = "mug"

class Unprintable(Exception):
    def __str__(self):
        return 1 / 0

circle = []
circle.append(circle)

def again(depth):
    return again(depth + 1)

def fail():
    raise LookupError("inner")
"""


def ours(handler: str, payload: bytes, client_context: str | None = None) -> Outcome:
    name, _, function = handler.rpartition(".")
    environment = Environment(partial(load_from_module, name, function))
    make_context = partial(
        LambdaContext,
        request_id=REQUEST_ID,
        function_name="orders",
        function_version="$LATEST",
        invoked_function_arn=ARN,
        deadline=time.monotonic() + 3,
        client_context=json.loads(client_context) if client_context else None,
    )
    return environment.prepare(REQUEST_ID) or environment.run(payload, make_context, REQUEST_ID)


def theirs(handler: str, payload: bytes, client_context: str | None = None) -> Posted:
    before = set(sys.modules)
    # AWS's runtime has the folder of the code on its path.
    with patch.object(sys, "path", [str(Path.cwd()), *sys.path]):
        try:
            return run_with_awslambdaric(handler, payload, client_context=client_context)
        finally:
            forget(Path.cwd(), before)


#: What a handler returns, as Python.
RESULTS = {
    "text": "'ü \\u2028 \\U0001f600 </script>'",
    "integers": "[0, -1, 10**30]",
    "floats": "[1.5, 1e400, -1e400, 1e-7, float('nan')]",
    "decimals": "[Decimal('1.10'), Decimal('1E+3'), Decimal('-0'), Decimal('1') / 3]",
    "decimal that is no number": "[Decimal('NaN'), Decimal('-NaN'), Decimal('Infinity')]",
    "signalling decimal": "Decimal('sNaN')",
    "named tuple": "Point(1, Point(2, 3))",
    "tuple": "(1, ('a',))",
    "integer enum": "Level.LOW",
    "text enum": "[Word.A]",
    "keys": "{1: 1, 1.5: 1, True: 1, None: 1, 'a': 1, b'b': 1}",
    "decimal key": "{Decimal('1.0'): 1}",
    "enum key": "{Level.LOW: 1}",
    "none": "None",
    "booleans": "[True, False]",
    "bytes": "b'\\x00\\xff{'",
    "empty bytes": "b''",
    "bytes inside": "{'a': b'abc \\xc3\\xbc'}",
    "bytes inside that are not utf-8": "{'a': b'\\xff'}",
    "bytearray": "bytearray(b'a')",
    "memoryview": "{'a': memoryview(b'a')}",
    "datetime": "datetime.datetime(2026, 11, 26)",
    "date inside": "{'a': [datetime.date(2026, 11, 26)]}",
    "set": "{1}",
    "frozenset": "frozenset()",
    "uuid": "uuid.UUID(int=7)",
    "enum": "Color.RED",
    "dataclass": "Order()",
    "range": "range(3)",
    "generator": "(x for x in [1])",
    "function": "handler",
    "object": "object",
    "exception": "ValueError('a')",
    "tuple as key": "{(1, 2): 1}",
    "circle": "circle",
    "ordered": "collections.OrderedDict(b=1, a=2)",
    "default dict": "collections.defaultdict(list, a=[1])",
    "counter": "collections.Counter('aab')",
    "user dict": "collections.UserDict(a=1)",
    "deque": "collections.deque([1])",
}


@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
def test_result_is_encoded_alike(folder: Path, result: str) -> None:
    write_module(folder, "app", f"{IMPORTS}\ndef handler(event, context):\n    return {result}\n")
    posted, outcome = theirs("app.handler", b"{}"), ours("app.handler", b"{}")
    assert (outcome.body, outcome.log.removesuffix("\n")) == (posted.body, posted.log)


#: Events, as JSON.
EVENTS = {
    "numbers": b"[1, 1.10, 1e400, -0.0, 123456789012345678901234567890, 1E2]",
    "types": b'{"a": [null, true, {"b": "\\u00fc\\ud83d\\ude00"}]}',
    "text": '"ü"'.encode(),
    "duplicate keys": b'{"a": 1, "a": 2}',
    "nan": b"NaN",
    "not json": b"{",
    "empty": b"",
    "not utf-8": b'"\xff"',
    "too deep": b"[" * 100_000,
}


@pytest.mark.parametrize("payload", EVENTS.values(), ids=EVENTS)
def test_event_is_decoded_alike(folder: Path, payload: bytes) -> None:
    write_module(folder, "app", "def handler(event, context):\n    return repr(event)\n")
    posted, outcome = theirs("app.handler", payload), ours("app.handler", payload)
    assert (outcome.body, outcome.log.removesuffix("\n")) == (posted.body, posted.log)


#: The lines of a handler that fails.
FAILURES = {
    "raises": 'raise ValueError("boom")',
    "without text": "raise ValueError",
    "lines": 'raise ValueError("one\\ntwo\\n  three")',
    "text that is not ascii": 'raise ValueError("ü \\u2028")',
    "deeper": "fail()",
    "from a cause": "try:\n        fail()\n    except LookupError as error:\n"
    "        raise RuntimeError('outer') from error",
    "several lines": "return dict(\n        a=1,\n        b=event['b'],\n    )",
    "recursion": "again(0)",
    "group": "raise ExceptionGroup('many', [ValueError('a')])",
    "notes": "error = ValueError('a')\n    error.add_note('note')\n    raise error",
    "key error": "return event['missing']",
    "stop iteration": "next(iter(()))",
    "import": "import no_such_module",
    "syntax": "eval('1 +')",
    "assertion": "assert event, 'empty'",
    "library": "decimal.Decimal('x')",
    "several arguments": "raise ValueError('a', 1)",
    "class inside": "class Own(Exception): pass\n    raise Own('a')",
    "class without a name": "raise type('', (Exception,), {})('a')",
    "class without a name, no text": "raise type('', (Exception,), {})",
}


@pytest.mark.parametrize("lines", FAILURES.values(), ids=FAILURES)
def test_exception_is_reported_alike(folder: Path, lines: str) -> None:
    write_module(folder, "app", f"{IMPORTS}\ndef handler(event, context):\n    {lines}\n")
    posted, outcome = theirs("app.handler", b"{}"), ours("app.handler", b"{}")
    # The runtimes have different numbers of frames below a recursion.
    assert outcome.error_type
    assert re.sub(REPEATED, b"", outcome.body) == re.sub(REPEATED, b"", posted.body or b"")
    assert re.sub(REPEATED, b"", outcome.log.encode()) == re.sub(
        REPEATED, b"", f"{posted.log}\n".encode()
    )


#: Files by their names, the handler, and the type of the error.
LOADING = {
    "no module": ({}, "app.handler", "Runtime.ImportModuleError"),
    "no package": ({}, "src/app.handler", "Runtime.ImportModuleError"),
    "no module in a package": ({"src/b": ""}, "src.app.handler", "Runtime.ImportModuleError"),
    "import inside fails": (
        {"app": "import no_such_module"},
        "app.handler",
        "Runtime.ImportModuleError",
    ),
    "name inside is missing": (
        {"app": "from json import no_such_name"},
        "app.handler",
        "Runtime.ImportModuleError",
    ),
    "syntax": ({"app": "def handler(:\n"}, "app.handler", "Runtime.UserCodeSyntaxError"),
    "syntax inside": (
        {"app": "import helper", "helper": "x = (\n"},
        "app.handler",
        "Runtime.UserCodeSyntaxError",
    ),
    "indentation": ({"app": "  a\n b"}, "app.handler", "Runtime.UserCodeSyntaxError"),
    "no function": ({"app": ""}, "app.handler", "Runtime.HandlerNotFound"),
    "no function in a folder": ({"src/app": ""}, "src/app.handler", "Runtime.HandlerNotFound"),
    "built-in": ({}, "sys.exit", "Runtime.BuiltInModuleConflict"),
    "built-in time": ({}, "time.sleep", "Runtime.BuiltInModuleConflict"),
    "raises": ({"app": "raise ValueError('boom')"}, "app.handler", "ValueError"),
    "raises inside": ({"app": "import b", "b": "{}['key']"}, "app.handler", "KeyError"),
}


@pytest.mark.parametrize(("files", "handler", "kind"), LOADING.values(), ids=LOADING)
def test_loading_fails_alike(folder: Path, files: dict[str, str], handler: str, kind: str) -> None:
    for name, source in files.items():
        write_module(folder, name, source)
    posted, outcome = theirs(handler, b"{}"), ours(handler, b"{}")
    assert outcome.body == posted.body
    assert outcome.log == f"{posted.log}\n"
    assert outcome.error_type == kind


@pytest.mark.parametrize(
    "handler", ["app.handler", "src/app.handler", "src.app.handler", "my-app.handler"]
)
def test_notations_name_the_same_function(folder: Path, handler: str) -> None:
    for name in ("app", "my-app", "src/app"):
        write_module(
            folder, name, f"def handler(event, context):\n    return [{name!r}, __name__]\n"
        )
    posted, outcome = theirs(handler, b"{}"), ours(handler, b"{}")
    assert posted.body == outcome.body
    assert not outcome.error_type


#: What a handler returns of its context, and the client context that was sent.
CONTEXTS = {
    "all": ("repr(context)", None),
    "client context": ("repr(context)", '{"custom": {"a": 1}, "env": {"b": 2}}'),
    "client": ("repr(context)", '{"client": {"app_title": "shop", "other": 1}}'),
    "client that is null": ("repr(context.client_context)", '{"client": null}'),
    "other keys": ("repr(context.client_context)", '{"other": 1}'),
    "w3c": (
        "[context.w3c(), repr(context)]",
        '{"w3c": {"traceparent": "00-1", "baggage": 7, "other": "x"}, "custom": {}}',
    ),
    "w3c that is text": ("context.w3c()", '{"w3c": "x"}'),
    "no w3c": ("context.w3c()", None),
    "identity": ("[context.identity.cognito_identity_id, repr(context.identity)]", None),
    "attributes": ("sorted(n for n in dir(context) if not n.startswith('_'))", None),
    "time": ("0 < context.get_remaining_time_in_millis() <= 3000", None),
    "type of the time": ("type(context.get_remaining_time_in_millis()).__name__", None),
    "log": ("context.log('a')", None),
}


@pytest.mark.parametrize(("shown", "client_context"), CONTEXTS.values(), ids=CONTEXTS)
def test_context_is_alike(folder: Path, shown: str, client_context: str | None) -> None:
    write_module(folder, "app", f"def handler(event, context):\n    return {shown}\n")
    posted, outcome = (
        theirs("app.handler", b"{}", client_context),
        ours("app.handler", b"{}", client_context),
    )
    assert re.sub(LOG_STREAM, b"", outcome.body) == re.sub(LOG_STREAM, b"", posted.body or b"")


def test_malformed_client_context_is_a_function_error(folder: Path) -> None:
    write_module(folder, "app", "def handler(event, context): ...\n")
    posted, outcome = (
        theirs("app.handler", b"{}", '{"client": "shop"}'),
        ours("app.handler", b"{}", '{"client": "shop"}'),
    )
    found, expected = json.loads(outcome.body), json.loads(posted.body or b"")
    # Their frames are those of the runtime itself.
    assert found == {**expected, "stackTrace": []}


def test_handler_that_is_none_is_called_alike(folder: Path) -> None:
    write_module(folder, "app", "handler = None\n")
    posted, outcome = theirs("app.handler", b"{}"), ours("app.handler", b"{}")
    # Their frame is that of the runtime itself.
    assert json.loads(outcome.body) == {**json.loads(posted.body or b""), "stackTrace": []}


def test_module_that_raises_an_unprintable_error_ends_the_runtime_of_this_request(
    folder: Path,
) -> None:
    write_module(folder, "app", f"{IMPORTS}\nraise Unprintable\n")
    with pytest.raises(ZeroDivisionError):
        theirs("app.handler", b"{}")
    assert json.loads(ours("app.handler", b"{}").body)["errorMessage"] == (
        f"RequestId: {REQUEST_ID} Error: Runtime exited with error: exit status 1"
    )


@pytest.mark.parametrize("lines", ["raise Unprintable", "return '\\ud800'"])
def test_what_ends_their_runtime_ends_the_invocation(folder: Path, lines: str) -> None:
    write_module(folder, "app", f"{IMPORTS}\ndef handler(event, context):\n    {lines}\n")
    with pytest.raises((ZeroDivisionError, UnicodeEncodeError)) as caught:
        theirs("app.handler", b"{}")
    outcome = ours("app.handler", b"{}")
    reason = f"RequestId: {REQUEST_ID} Error: Runtime exited with error: exit status 1"
    assert json.loads(outcome.body) == {"errorType": "Runtime.ExitError", "errorMessage": reason}
    assert outcome.log.startswith(f"{caught.type.__name__}: ")
    assert outcome.log.endswith(f"{reason}\nRuntime.ExitError\n")
