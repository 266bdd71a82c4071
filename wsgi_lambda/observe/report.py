"""Read the report that Lambda appends to the log of an invocation.

    REPORT RequestId: 3f1d…	Duration: 12.3 ms	Billed Duration: 13 ms	Memory Size: 128 MB	…

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
"""

from __future__ import annotations

import json
import re
from binascii import Error, a2b_base64
from typing import Any, NamedTuple

# The report and its line about X-Ray have fewer than 600 bytes, most have fewer than 384: these
# are decoded first, because to decode more takes longer than to read the report.
_CHARS = 1368  # of base64, for 1,026 bytes
_USUAL = 512

_TEXT = re.compile(
    rb"REPORT RequestId: \S+[ \t]+Duration: (\d{1,15}(?:\.\d+)?) ms"
    rb"[ \t]+Billed Duration: (\d{1,15}(?:\.\d+)?) ms"
    rb"[ \t]+Memory Size: (\d{1,15}) MB[ \t]+Max Memory Used: (\d{1,15}) MB(?!\S)"
    rb"(?:[ \t]+(Init|Restore) Duration: (\d{1,15}(?:\.\d+)?) ms)?(.*)"
)
_START = re.compile(rb"(?<!Billed )(Init|Restore) Duration:(?: (\d{1,15}(?:\.\d+)?) ms)?")
_STATUS = re.compile(rb"Status: (success|error|timeout)\b")
_TEXT_REPORT = b"REPORT RequestId: "
_JSON_REPORT = b'"platform.report"'
_MOST = 1e15  # any number; the function may have written what looks like a report
_STARTS = ("initDurationMs", "restoreDurationMs")
_STATUSES = frozenset(("success", "error", "timeout"))


class Report(NamedTuple):
    """What one invocation used; times are milliseconds, memory is MB (2**20 bytes)."""

    function_ms: float
    #: Includes the time of the init.
    billed_ms: float
    memory_mb: int
    memory_used_mb: int
    init_ms: float | None = None
    restore_ms: float | None = None
    #: ``"success"``, ``"error"``, ``"timeout"``, "" if the report has no status.
    status: str = ""


def read_report(log_result: str) -> Report | None:
    """Return the report at the end of a log, or None if it is missing or incomplete.

    ``log_result`` is base64, as in `X-Amz-Log-Result`. The last line that looks
    like a report counts: the function may have printed others before it.
    """
    length = len(log_result)
    try:
        end = a2b_base64(log_result[-_USUAL:], strict_mode=True)
        found = _last_report(end, is_part=length > _USUAL)
        if not found and length > _USUAL:
            end = a2b_base64(log_result[-_CHARS:-_USUAL], strict_mode=True) + end
            found = _last_report(end, is_part=length > _CHARS)
    except (Error, ValueError):
        return None
    if not found:
        return None
    return _from_text(found) if found.startswith(_TEXT_REPORT) else _from_json(found)


def _last_report(log: bytes, *, is_part: bool) -> bytes:
    """Return ``log`` from the beginning of its last line that looks like a report, or b""."""
    if is_part:
        # The first line of a part has lost its beginning.
        log = log.partition(b"\n")[2]
    at = log.rfind(b"\n" + _TEXT_REPORT) + 1
    json_at = log.rfind(_JSON_REPORT)
    if json_at > at:
        return log[log.rfind(b"\n", 0, json_at) + 1 :]
    return log[at:] if at or log.startswith(_TEXT_REPORT) else b""


def _from_text(text: bytes) -> Report | None:
    found = _TEXT.match(text)
    if found is None:
        return None
    duration, billed, size, used, start, value, more = found.groups()
    status = ""
    if b":" in more:
        given = _STATUS.search(more)
        status = given[1].decode() if given else ""
        if start is None and b"Duration" in more:
            elsewhere = _START.search(more)
            if elsewhere is not None:
                start, value = elsewhere.groups()
                if value is None:
                    return None
    init_ms = float(value) if start == b"Init" else None
    restore_ms = float(value) if start == b"Restore" else None
    return Report(float(duration), float(billed), int(size), int(used), init_ms, restore_ms, status)


def _from_json(log: bytes) -> Report | None:
    try:
        event = json.loads(log.partition(b"\n")[0].decode())
        if event["type"] != "platform.report":
            return None
        record = event["record"]
        metrics = record["metrics"]
        starts = [_number(metrics[name]) if name in metrics else None for name in _STARTS]
        status = record.get("status")
        return Report(
            _number(metrics["durationMs"]),
            _number(metrics["billedDurationMs"]),
            int(_number(metrics["memorySizeMB"])),
            int(_number(metrics["maxMemoryUsedMB"])),
            init_ms=starts[0],
            restore_ms=starts[1],
            status=status if status in _STATUSES else "",
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value < _MOST:
        raise ValueError("not a number")
    return float(value)
