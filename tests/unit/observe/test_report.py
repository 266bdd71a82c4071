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
JSON = PLAIN._replace(status="success")
METRICS = {"durationMs": 12.34, "billedDurationMs": 13, "memorySizeMB": 128, "maxMemoryUsedMB": 40}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode(errors="surrogateescape")).decode()


TRACING = {
    "spanId": "24cd7d670fa455f0",
    "type": "X-Amzn-Trace-Id",
    "value": "Root=1-6352a70e-1e2c502e358361800241fd45;Parent=35465b3a9e2f7c6a;Sampled=1",
}


def in_json(status: object = "success", tracing: object = None, **metrics: Any) -> str:
    traced = {} if tracing is None else {"tracing": tracing}
    record = {"requestId": "3f1d", "metrics": {**METRICS, **metrics}, **traced, "status": status}
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
    "json": (f"{{}}\n{in_json()}\n", JSON),
    "json-floats": (
        in_json(memorySizeMB=128.0, maxMemoryUsedMB=40.0, billedDurationMs=13.0),
        JSON,
    ),
    "json-init": (in_json(initDurationMs=9), Report(12.34, 13.0, 128, 40, 9.0, status="success")),
    "json-restore": (
        in_json("timeout", restoreDurationMs=9.5),
        Report(12.34, 13.0, 128, 40, None, 9.5, "timeout"),
    ),
    "json-with-another-status": (in_json("failure"), PLAIN),
    "json-of-800-bytes": (
        in_json(more="x" * 500),
        JSON,
    ),
    "json-within-a-report": (f'{LINE}"platform.report"\n', PLAIN),
    "json-before-a-line-that-mentions-it": (
        f'{in_json()}\nthe event "platform.report" was seen\n',
        JSON,
    ),
    "json-before-json-that-mentions-it": (
        f'{in_json()}\n{{"m":"platform.report","type":"platform.report "}}\n["platform.report"]\n',
        JSON,
    ),
    "json-before-bytes-that-mention-it": (
        f'{in_json()}\n{{"a":"platform.report",\udcff\n',
        JSON,
    ),
    "json-before-two-objects": (
        f"{in_json()}\n{in_json('error')}{{}}\n",
        JSON,
    ),
    "json-printed-before": (f"{in_json('error')}\n{in_json()}\n", JSON),
    "text-before-a-line-that-mentions-the-other": (f'{LINE}\n{{"x":"platform.report"}}\n', PLAIN),
    "json-traced": (in_json(tracing=TRACING), JSON),
    "json-with-the-status-first": (
        '{"time":"2024-02-09T08:42:44.080Z","type":"platform.report","record":{"requestId":"d661",'
        '"status":"success","metrics":{"durationMs":147.156,"billedDurationMs":201,'
        '"memorySizeMB":512,"maxMemoryUsedMB":91,"restoreDurationMs":500.795,'
        '"billedRestoreDurationMs":53}}}\n',
        Report(147.156, 201.0, 512, 91, None, 500.795, "success"),
    ),
    "json-without-a-status": (in_json().replace(',"status":"success"', ""), PLAIN),
    "json-with-two": (in_json().replace('"metrics', '"status":"error","metrics'), JSON),
    "json-with-a-type-of-error": (
        in_json("error").replace('"error"', '"error","errorType":"Runtime.ExitError"'),
        Report(12.34, 13.0, 128, 40, status="error"),
    ),
    "json-with-spaces": (f" {json.dumps(json.loads(in_json()))}\t\r\n", JSON),
    "json-sorted": (json.dumps(json.loads(in_json()), sort_keys=True), JSON),
    "json-null": (in_json(initDurationMs=None, restoreDurationMs=None), JSON),
    "json-zero": (in_json(initDurationMs=0), Report(12.34, 13.0, 128, 40, 0.0, status="success")),
    "json-exponent": (in_json(durationMs=1e-7), Report(1e-7, 13.0, 128, 40, status="success")),
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
    "invalid-base64-in-the-first-part": f"!!!!{encoded(LINE + chr(10) + 'x' * 440)}",
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
    "json-false": encoded(in_json(initDurationMs=False)),
    "json-without-a-restore": encoded(in_json(restoreDurationMs="")),
    "json-null-duration": encoded(in_json(durationMs=None)),
    "json-status-list": encoded(in_json(status=["success"])),
    "json-incomplete-last": encoded(f"{in_json()}\n{in_json(durationMs=None)}\n"),
    "text-incomplete-last": encoded(f"{in_json()}\n{LINE[:-6]}\n"),
    "json-with-a-leading-zero": encoded(in_json(durationMs=7).replace(":7,", ":07,")),
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


# Lines as Lambda writes them are read without a JSON parser.
@pytest.mark.parametrize(
    "line",
    [
        in_json(),
        in_json("timeout", initDurationMs=9.25),
        in_json(restoreDurationMs=500.795, billedRestoreDurationMs=53, tracing=TRACING),
        in_json(initDurationMs=0, restoreDurationMs=1, durationMs=0.0),
    ],
)
def test_both_ways_to_read_a_line_agree(line: str) -> None:
    parsed = json.dumps({**json.loads(line), "more": ""}, separators=(",", ":"))
    assert read_report(encoded(line)) == read_report(encoded(parsed)) is not None
