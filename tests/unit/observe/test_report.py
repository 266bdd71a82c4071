"""The report at the end of a function's log."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from wsgi_lambda.observe.report import Report, read_report

ID = "REPORT RequestId: 3f1d5c4b-0e6c-1f4a-539f-5e0d8f0a1d7c"
USED = "Duration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB"
LINE = f"{ID}\t{USED}\t"
PLAIN = Report(12.34, 13.0, 128, 40)
METRICS = {"durationMs": 12.34, "billedDurationMs": 13, "memorySizeMB": 128, "maxMemoryUsedMB": 40}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def in_json(status: str = "success", **metrics: Any) -> str:
    record = {"requestId": "3f1d", "metrics": {**METRICS, **metrics}, "status": status}
    event = {"time": "2026-01-01T00:00:00.000Z", "type": "platform.report", "record": record}
    return json.dumps(event, separators=(",", ":"))


REPORTS = {
    "tabs": (f"START\n{LINE}\n", PLAIN),
    "spaces": (f"{ID} {USED} ".replace("\t", " "), PLAIN),
    "space-before-a-tab": (LINE.replace("\t", " \t"), PLAIN),
    "alone": (LINE, PLAIN),
    "line-ends-of-windows": (f"START\r\n{LINE}\r\nXRAY\r\n", PLAIN),
    "no-tab-before-the-line-end": (f"{LINE[:-1]}\nXRAY TraceId: 1-5e\n", PLAIN),
    "billed-fraction": (LINE.replace("13 ms", "13.5 ms"), Report(12.34, 13.5, 128, 40)),
    "init-reported-in-a-line-of-its-own": (
        f"{LINE[:-1]}\nINIT_REPORT Init Duration: 3000.05 ms\tStatus: timeout\n",
        PLAIN,
    ),
    "whole-milliseconds": (LINE.replace("12.34", "12"), Report(12.0, 13.0, 128, 40)),
    "init": (f"{LINE}Init Duration: 100.10 ms\t\n", Report(12.34, 13.0, 128, 40, 100.1)),
    "restore": (
        f"{LINE}Restore Duration: 402.15 ms\tBilled Restore Duration: 4 ms\t\n",
        Report(12.34, 13.0, 128, 40, None, 402.15),
    ),
    "timeout": (f"{LINE}Status: timeout\n", Report(12.34, 13.0, 128, 40, status="timeout")),
    "error": (
        f"{LINE}Status: error\tError Type: Runtime.ExitError\n",
        Report(12.34, 13.0, 128, 40, status="error"),
    ),
    "x-ray": (f"{LINE}\nXRAY TraceId: 1-5e\tSegmentId: 2\tSampled: true\t\n", PLAIN),
    "init-after-the-status": (
        f"{LINE}Status: error\tInit Duration: 100.10 ms\n",
        Report(12.34, 13.0, 128, 40, 100.1, None, "error"),
    ),
    "billed-restore-alone": (f"{LINE}Billed Restore Duration: 4 ms\t\n", PLAIN),
    "unknown-fields": (f"{LINE}Cost: 3\tIdle Duration: 4 ms\n", PLAIN),
    "a-report-printed-before": (f"{LINE.replace('12.34', '9')}\n{LINE}\n", PLAIN),
    "a-report-printed-within-a-line": (f"{LINE}\nmy {LINE.replace('12.34', '9')}\n", PLAIN),
    "json": (f"{{}}\n{in_json()}\n", Report(12.34, 13.0, 128, 40, status="success")),
    "json-floats": (
        in_json(memorySizeMB=128.0, maxMemoryUsedMB=40.0, billedDurationMs=13.0),
        Report(12.34, 13.0, 128, 40, status="success"),
    ),
    "json-init": (in_json(initDurationMs=9), Report(12.34, 13.0, 128, 40, 9.0, status="success")),
    "json-restore": (
        in_json("timeout", restoreDurationMs=9.5),
        Report(12.34, 13.0, 128, 40, None, 9.5, "timeout"),
    ),
    "json-with-another-status": (in_json("failure"), PLAIN),
    "json-of-800-bytes": (
        in_json(more="x" * 500),
        Report(12.34, 13.0, 128, 40, status="success"),
    ),
    "json-within-a-report": (f'{LINE}"platform.report"\n', PLAIN),
    "text-after-json": (f"{in_json()}\n{LINE}\n", PLAIN),
    "behind-more-than-is-read": (f"{'x' * 3000}\n{LINE}\n", PLAIN),
}


@pytest.mark.parametrize(("log", "report"), REPORTS.values(), ids=REPORTS)
def test_report(log: str, report: Report) -> None:
    assert read_report(encoded(log)) == report


NONE = {
    "empty": "",
    "no-report": encoded("START\nEND\n"),
    "invalid-base64": "UkVQT1JU!",
    "not-a-multiple-of-four": encoded(LINE)[:-3],
    "not-ascii": "é" * 8,
    "truncated": encoded(LINE[:-6]),
    "truncated-unit": encoded(LINE[:-2]),
    "no-number": encoded(LINE.replace("12.34", "")),
    "two-points": encoded(LINE.replace("12.34", "1.2.3")),
    "huge-time": encoded(LINE.replace("Billed Duration: 13", f"Billed Duration: {'9' * 400}")),
    "huge-memory": encoded(LINE.replace("128", "9" * 400)),
    "no-number-of-the-init": encoded(f"{LINE}Init Duration: "),
    "no-number-of-the-restore": encoded(f"{LINE}Restore Duration: 4"),
    "json-negative": encoded(in_json(billedDurationMs=-1)),
    "within-a-line": encoded(f"my {LINE}"),
    "beginning-was-cut-off": encoded(f"{'x' * 900}{LINE}" * 2),
    "first-part-begins-within-a-line": encoded(f"{'y' * 3000}{LINE}".ljust(3000 + 384, "x")),
    "both-parts-begin-within-a-line": encoded(f"{'y' * 3000}{LINE}".ljust(3000 + 1026, "x")),
    "json-without-metrics": encoded(in_json().replace("metrics", "m")),
    "json-without-a-number": encoded(in_json().replace("durationMs", "d")),
    "json-text": encoded(in_json(durationMs="12")),
    "json-bool": encoded(in_json(durationMs=True)),
    "json-nan": encoded(in_json(durationMs=float("nan"))),
    "json-huge": encoded(in_json(durationMs=10**400)),
    "json-infinite": encoded(in_json(durationMs=float("inf"))),
    "json-of-another-type": encoded(in_json().replace("3f1d", "3f1d").replace('"type":"', '"t":"')),
    "json-other-type": encoded('{"type":"x","about":"platform.report"}'),
    "json-list": encoded('{"type":"platform.report","record":[]}'),
    "json-truncated": encoded(in_json()[:-2]),
    "json-within-a-line": encoded(f"my {in_json()}"),
    "json-deep": encoded('{"a":' * 100 + '"platform.report"' + "}" * 100),
}


@pytest.mark.parametrize("log_result", NONE.values(), ids=NONE)
def test_no_report(log_result: str) -> None:
    assert read_report(log_result) is None


# The log is decoded in two parts.
@pytest.mark.parametrize("line", [LINE, in_json()], ids=["text", "json"])
def test_report_is_found_wherever_it_begins(line: str) -> None:
    for length in range(1026 - len(line) - 2):
        log = f"{'y' * 3000}\n{line}\n{'x' * length}"
        found = read_report(encoded(log))
        assert found is not None, length
        assert found._replace(status="") == PLAIN
    assert read_report(encoded(f"{'y' * 3000}\n{line}\n{'x' * 1026}")) is None
