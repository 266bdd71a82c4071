"""Read the report that Lambda appends to the log of an invocation.

    REPORT RequestId: 3f1d…	Duration: 12.3 ms	Billed Duration: 13 ms	Memory Size: 128 MB	…

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
"""

from __future__ import annotations

import json
import re
from binascii import a2b_base64
from typing import NamedTuple

# The report and its line about X-Ray have fewer than 600 bytes, most have fewer than 432: these
# are decoded first, because to decode more takes longer than to read the report.
_CHARS = 1368  # of base64, for 1,026 bytes
_USUAL = 576

_TEXT = re.compile(
    rb"REPORT RequestId: \S+[ \t]+Duration: (\d{1,15}(?:\.\d+)?) ms"
    rb"[ \t]+Billed Duration: (\d{1,15}(?:\.\d+)?) ms"
    rb"[ \t]+Memory Size: (\d{1,15}) MB[ \t]+Max Memory Used: (\d{1,15}) MB(?!\S)"
    rb"(?:[ \t]+(Init|Restore) Duration: (\d{1,15}(?:\.\d+)?) ms)?(.*)"
)
_START = re.compile(rb"(?<!Billed )(Init|Restore) Duration:(?: (\d{1,15}(?:\.\d+)?) ms)?")
_STATUS = re.compile(rb"Status: (success|error|timeout)\b")
# A line as Lambda writes it, read in half the time of a JSON parser, which reads all others.
_JSON = re.compile(
    r"""{"time":"[\w:.+-]*","type":"platform\.report","record":{"requestId":"[\w-]*",
    (?:"status":"(success|error|timeout)",)?
    "metrics":{"durationMs":(N),"billedDurationMs":(N),"memorySizeMB":(N),"maxMemoryUsedMB":(N)
    (?:,"initDurationMs":(N))?(?:,"restoreDurationMs":(N))?(?:,"billedRestoreDurationMs":N)?}
    (?:,"tracing":{"spanId":"\w*","type":"[\w-]*","value":"[\w=;:-]*"})?
    (?:,"status":"(success|error|timeout)")?(?:,"errorType":"[\w.]*")?}}\r?(?:\n|\Z)""".replace(
        "N", r"(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?"
    ).encode(),
    re.VERBOSE,
)
_parse = json.JSONDecoder().raw_decode
_TEXT_REPORT = b"REPORT RequestId: "
_JSON_REPORT = b'"platform.report"'
_MOST = 1e15  # any number; the function may have written what looks like a report
_NUMBERS = frozenset((int, float))
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
        if found is None and length > _USUAL:
            end = a2b_base64(log_result[-_CHARS:-_USUAL], strict_mode=True) + end
            found = _last_report(end, is_part=length > _CHARS)
    except ValueError:
        return None
    return found


def _last_report(log: bytes, *, is_part: bool) -> Report | None:
    """Return the last report of ``log``, None without one; raise a ValueError if it is incomplete.

    A line that mentions "platform.report" but is not one is passed over.
    """
    if is_part:
        # The first line of a part has lost its beginning.
        log = log.partition(b"\n")[2]
    at = log.rfind(b"\n" + _TEXT_REPORT) + 1
    json_at = log.rfind(_JSON_REPORT)
    while json_at > at:
        start = log.rfind(b"\n", 0, json_at) + 1
        found = _from_json(log, start)
        if found is not None:
            return found
        json_at = log.rfind(_JSON_REPORT, 0, start)
    return _from_text(log, at) if log.startswith(_TEXT_REPORT, at) else None


def _from_text(log: bytes, at: int) -> Report:
    found = _TEXT.match(log, at)
    if found is None:
        raise ValueError("incomplete")
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
                    raise ValueError("incomplete")
    init_ms = float(value) if start == b"Init" else None
    restore_ms = float(value) if start == b"Restore" else None
    return Report(float(duration), float(billed), int(size), int(used), init_ms, restore_ms, status)


def _from_json(log: bytes, at: int) -> Report | None:
    """Return the report in the line that begins ``at``, None if the line is not one."""
    found = _JSON.match(log, at)
    if found is None:
        return _from_any_json(log[at:].partition(b"\n")[0])
    before, duration, billed, size, used, init, restore, after = found.groups()
    status = after or before
    return Report(
        float(duration),
        float(billed),
        int(float(size)),
        int(float(used)),
        None if init is None else float(init),
        None if restore is None else float(restore),
        status.decode() if status else "",
    )


def _from_any_json(line: bytes) -> Report | None:
    """Read a line with a JSON parser: other names, another order or white space."""
    try:
        text = line.decode().strip(" \t\r")
        event, end = _parse(text)
    except (ValueError, RecursionError):
        return None
    if end < len(text) or type(event) is not dict or event.get("type") != "platform.report":
        return None
    try:
        record = event["record"]
        metrics = record["metrics"]
        function_ms, billed_ms = metrics["durationMs"], metrics["billedDurationMs"]
        memory, used = metrics["memorySizeMB"], metrics["maxMemoryUsedMB"]
        init_ms, restore_ms = metrics.get("initDurationMs"), metrics.get("restoreDurationMs")
        status = record.get("status")
        for value in (function_ms, billed_ms, memory, used, init_ms, restore_ms):
            if value is not None and (type(value) not in _NUMBERS or not 0 <= value < _MOST):
                raise ValueError("not a number")
        return Report(
            float(function_ms),
            float(billed_ms),
            int(memory),
            int(used),
            None if init_ms is None else float(init_ms),
            None if restore_ms is None else float(restore_ms),
            status if status in _STATUSES else "",
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("incomplete") from error
