"""Parse the trace headers of a request, and write them in AWS's format.

AWS never gets a client's header unchanged: only valid fields are written again.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping

HEADER = "x-amzn-trace-id"

# https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
_FIELDS = {
    "Root": "1-[0-9a-f]{8}-[0-9a-f]{24}",
    "Parent": "[0-9a-f]{16}",
    "Sampled": "[01]",
}
# As AWS's services and `otel` write them: nothing is left out or moved.
_CANONICAL = re.compile("Root={Root}(?:;Parent={Parent})?(?:;Sampled={Sampled})?".format(**_FIELDS))
# https://www.w3.org/TR/trace-context/#traceparent-header
# Later versions may append fields; the version "ff" is invalid.
_TRACEPARENT = re.compile(
    r"(?P<version>(?!ff)[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})"
    r"-(?P<parent>(?!0{16})[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)


def trace_of(amazon: str, w3c: str) -> str:
    """Return the trace of a request as `Root=…;Parent=…;Sampled=…`, or "" if it has none.

    A valid `X-Amzn-Trace-Id` (``amazon``) takes precedence over a `traceparent`
    (``w3c``). Invalid and unknown fields are left out.
    Example: ``"Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"``.
    """
    return (amazon and _from_amazon(amazon)) or (w3c and _from_w3c(w3c))


def trace_in(headers: Mapping[str, str]) -> str:
    """Return the trace of ``headers`` (by lower-case name) as `trace_of` does."""
    return trace_of(headers.get(HEADER, ""), headers.get("traceparent", ""))


def new_trace() -> str:
    """Return a new trace, `Root=1-…`: the time in seconds and 96 random bits, both in hex."""
    # An id needs to be unique, not secret; the system's random bytes cost a system call.
    return f"Root=1-{int(time.time()):08x}-{random.getrandbits(96):024x}"


def _from_amazon(value: str) -> str:
    if _CANONICAL.fullmatch(value):
        return value
    given = dict(_pair(part) for part in reversed(value.split(";")))
    fields = [
        f"{name}={given[name]}"
        for name, pattern in _FIELDS.items()
        if re.fullmatch(pattern, given.get(name, ""))
    ]
    return ";".join(fields) if fields and fields[0].startswith("Root=") else ""


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.strip().partition("=")
    return name, value


def _from_w3c(value: str) -> str:
    found = _TRACEPARENT.fullmatch(value.strip())
    if found is None or (found["version"] == "00" and found["more"]):
        return ""
    trace, sampled = found["trace"], int(found["flags"], 16) & 1
    return f"Root=1-{trace[:8]}-{trace[8:]};Parent={found['parent']};Sampled={sampled}"
