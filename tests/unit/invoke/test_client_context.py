"""The W3C trace in the client context."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from wsgi_lambda.invoke.client_context import with_w3c

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = {"traceparent": PARENT, "tracestate": "a=1", "baggage": "user=7"}


def encoded(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def decoded(text: str | None) -> Any:
    return None if text is None else json.loads(base64.b64decode(text))


CASES = {
    "all": (None, TRACE, {"w3c": TRACE}),
    "some": (None, {"traceparent": PARENT}, {"w3c": {"traceparent": PARENT}}),
    "x-ray-alone": (None, {"x-amzn-trace-id": "Root=1-2-3"}, None),
    "empty-value": (None, {"baggage": ""}, None),
    "with-the-option": ({"custom": {"a": 1}}, TRACE, {"custom": {"a": 1}, "w3c": TRACE}),
    "option-wins": ({"w3c": {"traceparent": "x"}}, TRACE, {"w3c": {"traceparent": "x"}}),
    "baggage-is-left-out-first": (
        None,
        {**TRACE, "baggage": "x" * 2600},
        {"w3c": {"traceparent": PARENT, "tracestate": "a=1"}},
    ),
    "then-tracestate": (
        None,
        {**TRACE, "tracestate": "x" * 2600},
        {"w3c": {"traceparent": PARENT}},
    ),
    "then-all": ({"a": "x" * 2600}, TRACE, {"a": "x" * 2600}),
}


@pytest.mark.parametrize(("own", "propagated", "expected"), CASES.values(), ids=CASES)
def test_client_context(own: Any, propagated: dict[str, str], expected: Any) -> None:
    result = with_w3c(None if own is None else encoded(own), propagated)
    assert decoded(result) == expected


@pytest.mark.parametrize("length", range(2400, 2700, 7))
def test_limit_of_aws_is_kept(length: int) -> None:
    result = with_w3c(None, {"traceparent": PARENT, "baggage": "x" * length})
    assert result is not None
    assert len(result) <= 3583
