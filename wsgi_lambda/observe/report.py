"""Read the report that Lambda appends to the log of an invocation.

    REPORT RequestId: 3f1d…	Duration: 12.3 ms	Billed Duration: 13 ms	Memory Size: 128 MB	…

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
"""

from __future__ import annotations

import json
import math
import re
from binascii import Error, a2b_base64
from typing import Any, NamedTuple

# The report and its line about X-Ray have fewer than 600 bytes; decoding all 4 KiB of
# a log takes longer than reading the report.
_CHARS = 1368  # of base64, for 1,026 bytes

_TEXT = re.compile(
    rb"REPORT RequestId: \S+[ \t]+Duration: (\d+(?:\.\d+)?) ms[ \t]+Billed Duration: (\d+) ms"
    rb"[ \t]+Memory Size: (\d+) MB[ \t]+Max Memory Used: (\d+) MB(?![^ \t\r])(.*)"
)
_INIT = re.compile(rb"(?<!Billed )(Init|Restore) Duration: (\d+(?:\.\d+)?) ms")
_STATUS = re.compile(rb"Status: (success|error|timeout)\b")
_JSON_REPORT = b'"platform.report"'
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
    try:
        end = a2b_base64(log_result[-_CHARS:], strict_mode=True)
    except (Error, ValueError):
        return None
    # The first line of a part has lost its beginning.
    end = end if len(log_result) <= _CHARS else end.partition(b"\n")[2]
    text, json_at = _last_line(end, b"REPORT RequestId: "), end.rfind(_JSON_REPORT)
    if json_at > text:
        return _from_json(end[end.rfind(b"\n", 0, json_at) + 1 :].partition(b"\n")[0])
    return _from_text(end, text) if text >= 0 else None


def _last_line(text: bytes, start: bytes) -> int:
    """Return the place of the last line that begins with ``start``, or -1."""
    found = text.rfind(b"\n" + start)
    return found + 1 if found >= 0 or text.startswith(start) else -1


def _from_text(text: bytes, at: int) -> Report | None:
    found = _TEXT.match(text, at)
    if found is None:
        return None
    duration, billed, size, used, more = found.groups()
    init_ms = restore_ms = None
    status = ""
    if b":" in more:
        starts = {name: float(value) for name, value in _INIT.findall(more)}
        init_ms, restore_ms = starts.get(b"Init"), starts.get(b"Restore")
        given = _STATUS.search(more)
        status = given[1].decode() if given else ""
        if init_ms is None and b"Init Duration" in more:
            return None
    return Report(float(duration), float(billed), int(size), int(used), init_ms, restore_ms, status)


def _from_json(line: bytes) -> Report | None:
    try:
        event = json.loads(line)
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
    number = float(value)
    if isinstance(value, (bool, str)) or not math.isfinite(number):
        raise ValueError("not a number")
    return number
