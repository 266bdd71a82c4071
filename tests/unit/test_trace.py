"""The trace headers that are accepted from a client."""

import re
import time

import pytest

from wsgi_lambda.trace import new_trace, trace_of

ROOT = "Root=1-5759e988-bd862e3fe1be46a994272793"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FROM_W3C = f"Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent={PARENT}"

AMAZON = {
    "root-alone": (ROOT, ROOT),
    "all-three": (
        f"{ROOT};Parent=53995c3f42cd8ad8;Sampled=1",
        f"{ROOT};Parent=53995c3f42cd8ad8;Sampled=1",
    ),
    "any-order-with-blanks": (f"Sampled=0; {ROOT} ;Self=1-2", f"{ROOT};Sampled=0"),
    "first-of-two-roots": (f"{ROOT};Root=1-00000000-000000000000000000000000", ROOT),
    "first-of-two-parents": (
        f"{ROOT};Parent=53995c3f42cd8ad8;Parent=63995c3f42cd8ad8",
        f"{ROOT};Parent=53995c3f42cd8ad8",
    ),
    "bad-parent": (f"{ROOT};Parent=xyz;Sampled=1", f"{ROOT};Sampled=1"),
    "sampling-not-decided": (f"{ROOT};Sampled=?", ROOT),
    "capitals": (ROOT.upper(), ""),
    "root-too-short": (ROOT[:-1], ""),
    "root-too-long": (f"{ROOT}0", ""),
    "line-end": (f"{ROOT}\nX-Amz-Evil: 1", ""),
    "no-root": ("Parent=53995c3f42cd8ad8;Sampled=1", ""),
    "empty": ("", ""),
}
W3C = {
    "sampled": (f"00-{TRACE}-{PARENT}-01", f"{FROM_W3C};Sampled=1"),
    "not-sampled": (f"00-{TRACE}-{PARENT}-02", f"{FROM_W3C};Sampled=0"),
    "later-version": (f"01-{TRACE}-{PARENT}-01-more", f"{FROM_W3C};Sampled=1"),
    "more-in-version-0": (f"00-{TRACE}-{PARENT}-01-more", ""),
    "version-ff": (f"ff-{TRACE}-{PARENT}-01", ""),
    "trace-of-zeros": (f"00-{'0' * 32}-{PARENT}-01", ""),
    "parent-of-zeros": (f"00-{TRACE}-{'0' * 16}-01", ""),
    "capitals": (f"00-{TRACE.upper()}-{PARENT}-01", ""),
}


@pytest.mark.parametrize(("value", "trace"), AMAZON.values(), ids=AMAZON)
def test_x_amzn_trace_id(value, trace):
    assert trace_of(value, "") == trace


@pytest.mark.parametrize(("value", "trace"), W3C.values(), ids=W3C)
def test_traceparent(value, trace):
    assert trace_of("", value) == trace


def test_valid_x_amzn_trace_id_takes_precedence():
    traceparent = f"00-{TRACE}-{PARENT}-01"
    assert trace_of(ROOT, traceparent) == ROOT
    assert trace_of("nonsense", traceparent).startswith(FROM_W3C)


def test_no_header_means_no_trace():
    assert trace_of("", "") == ""


def test_new_trace_has_the_time_and_random_bits():
    first, second = new_trace(), new_trace()
    found = re.fullmatch(r"Root=1-([0-9a-f]{8})-[0-9a-f]{24}", first)
    assert abs(int(found[1], 16) - time.time()) < 60
    assert trace_of(first, "") == first != second
