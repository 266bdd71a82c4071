"""The bench's pure parts: what it makes of what it measured, and what it starts."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.__main__ import _read, main
from bench.calls import to_environ
from bench.environment import ACCESS_KEY, PROJECT, SECRET_KEY, Far, cleaned
from bench.figures import FIGURES
from bench.floor import PATH, Floor
from bench.load import LoadFailed, read_output
from bench.payloads import json_body
from bench.plot import to_svg
from bench.report import growth_table, to_json, to_table
from bench.stub import configuration
from bench.targets import ROWS, Result, Row, amount, difference, judge, ratio
from tests.servers.received_request import Invocation
from tests.servers.sigv4 import check_signature

FAR = Far(4431, 4432, 4433, 8080, ca="")
SVG = "{http://www.w3.org/2000/svg}"


def result(*values: float, **options: object) -> Result:
    row = Row("mine / theirs", "cpu", ratio("mine", "theirs"), **options)
    return Result(row, values)


@pytest.mark.parametrize(
    ("better", "median", "verdict"),
    [
        pytest.param("more", 1.7, "ok", id="more than it must"),
        pytest.param("more", 1.6, "ok", id="just what it must"),
        pytest.param("more", 1.5, "missed", id="less than it must"),
        pytest.param("less", 1.5, "ok", id="a cost below its limit"),
        pytest.param("less", 1.7, "missed", id="a cost above its limit"),
    ],
)
def test_verdict_is_that_of_the_median(better: str, median: float, verdict: str) -> None:
    assert result(0.1, median, 9.0, must=1.6, better=better).verdict == verdict


def test_row_without_target_is_not_judged() -> None:
    assert result(1.0).verdict == ""


def test_values_compare_contenders_of_one_round() -> None:
    rounds = [{"mine": 1.0, "theirs": 2.0}, {"mine": 9.0, "theirs": 3.0}]
    rows = [
        Row("a", "cpu", ratio("mine", "theirs")),
        Row("b", "cpu", difference("mine", "theirs")),
        Row("c", "cpu", amount("mine")),
    ]
    values = [found.values for found in judge({"cpu": rounds}, rows)]
    assert values == [(0.5, 3.0), (-1.0, 6.0), (1.0, 9.0)]


def test_figure_that_was_skipped_has_no_row() -> None:
    assert judge({}) == []


def test_rows_are_of_figures_that_there_are() -> None:
    assert {row.figure for row in ROWS} <= set(FIGURES)
    assert len({row.text for row in ROWS}) == len(ROWS)


def test_aim_is_beyond_what_must_be() -> None:
    for row in ROWS:
        assert (row.must is None) == (row.aim is None)
        assert row.must is None or row.is_reached(row.aim, row.must), row.text


def test_table_has_targets_median_and_spread() -> None:
    found = result(1.25, 1.5, 1.9, must=1.6, aim=2.1, better="more")
    cost = result(3.0, must=5.0, aim=0.0, unit="ns")
    assert to_table([found, cost]).splitlines() == [
        "| figure        | must  | aim   | median | min – max   |        |",
        "|---------------|-------|-------|--------|-------------|--------|",
        "| mine / theirs | ≥ 1.6 | ≥ 2.1 | 1.50 × | 1.25 – 1.90 | missed |",
        "| mine / theirs | ≤ 5   | 0     | 3 ns   | 3 – 3       | ok     |",
    ]


def test_growth_has_a_line_for_each_point_that_was_measured() -> None:
    measured = {
        f"{point}, {name}, {what}": 250.0
        for point in ("1 clients", "10000 bytes")
        for name in ("middleware", "boto3")
        for what in ("requests/s", "p50", "p99")
    }
    _, _, *lines = growth_table([measured]).splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines] == ["1 clients", "10000 bytes"]


def test_json_has_the_rows_and_what_they_were_made_of() -> None:
    measured = {"cpu": [{"mine": 1.0, "theirs": 2.0}]}
    row = Row("mine / theirs", "cpu", ratio("mine", "theirs"), 0.6, 0.4)
    written = json.loads(json.dumps(to_json(judge(measured, [row]), measured, {"rounds": 1})))
    assert written["measured"] == measured
    assert written["conditions"] == {"rounds": 1}
    assert [(row["median"], row["verdict"]) for row in written["rows"]] == [(0.5, "ok")]


def test_svg_is_well_formed_and_has_a_bar_and_two_marks_for_each_ratio() -> None:
    ratios = [
        result(1.5, 1.7, must=1.6, aim=2.1, better="more"),
        result(2.5, must=2.0, aim=1.5),
    ]
    others = [result(320.0, must=500.0, aim=150.0, unit="ns"), result(1.1)]
    svg = ElementTree.fromstring(to_svg(ratios + others))
    assert svg.tag == f"{SVG}svg"
    assert [bar.get("fill") for bar in svg.iter(f"{SVG}rect")][1:] == ["#2f7d4f", "#b4472e"]
    marks = [line for line in svg.iter(f"{SVG}line") if line.get("stroke") == "#000000"]
    assert len(marks) == 4
    assert float(svg.get("height")) > max(float(bar.get("y", 0)) for bar in svg.iter(f"{SVG}rect"))


def test_svg_stays_within_its_width() -> None:
    svg = ElementTree.fromstring(to_svg([result(0.2, 40.0, 50.0, must=2.0, aim=1.5)]))
    ends = [float(line.get("x2")) for line in svg.iter(f"{SVG}line")]
    assert max(ends) <= float(svg.get("width"))


def test_svg_of_nothing_is_well_formed() -> None:
    assert ElementTree.fromstring(to_svg([])).tag == f"{SVG}svg"


def test_stub_listens_on_loopback_and_writes_into_its_folder_alone() -> None:
    text = configuration(Path("/somewhere"), FAR)
    assert text.count("{") == text.count("}")
    assert re.findall(r"listen ([^ ;]+)", text) == [
        f"127.0.0.1:{port}" for port in (4431, 4432, 4433, 8080)
    ]
    paths = re.findall(r"(?:pid|_log|_path|root|certificate|_key) (/[^ ;]+)", text)
    assert len(paths) >= 10
    assert all(path.startswith("/somewhere") for path in paths)


def test_stub_keeps_closes_or_hangs_up_by_port() -> None:
    text = configuration(Path("/somewhere"), FAR)
    found = dict(re.findall(r"listen 127\.0\.0\.1:(\d+) ssl.*?keepalive_timeout (\w+)", text, re.S))
    assert found == {"4431": "1h", "4432": "0", "4433": "200ms"}


def test_hand_written_signature_is_one_that_aws_would_take() -> None:
    payload = json_body(1000)
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = Floor(FAR, 4431).headers(payload, date)
    request = Invocation(method="POST", target=PATH, headers=tuple(headers.items()), body=payload)
    credentials = {ACCESS_KEY: (SECRET_KEY, None)}
    check_signature(request, region="us-east-1", credentials=credentials)


def test_signing_key_is_of_the_day() -> None:
    floor = Floor(FAR, 4431)
    first, later, again = (
        floor.headers(b"{}", f"{day}T000000Z")["Authorization"]
        for day in ("20300101", "20300102", "20300101")
    )
    assert first == again != later


@pytest.mark.parametrize("size", [1_000, 10_000, 6_000_000])
def test_body_is_json_of_the_wanted_size(size: int) -> None:
    body = json_body(size)
    assert len(body) == size
    assert isinstance(json.loads(body), dict)


def test_programs_get_the_stub_s_keys_and_nothing_of_the_caller_s(tmp_path: Path) -> None:
    inherited = {"AWS_PROFILE": "mine", "HTTPS_PROXY": "http://proxy", "LANG": "C.UTF-8"}
    environ = cleaned(tmp_path, inherited)
    assert environ["AWS_ACCESS_KEY_ID"] == ACCESS_KEY
    assert environ["LANG"] == "C.UTF-8"
    assert not {"AWS_PROFILE", "HTTPS_PROXY"} & set(environ)


def test_address_of_the_stub_survives_the_environment() -> None:
    assert Far.from_environ(FAR.to_environ()) == FAR


@pytest.mark.parametrize("broken", ["failed", "broken"])
def test_load_whose_answers_are_errors_is_none(broken: str) -> None:
    told = {"requests": 9, "duration": 9, "p50": 1, "p99": 1, "failed": 0, "broken": 0}
    with pytest.raises(LoadFailed):
        read_output(f"Running\n{json.dumps({**told, broken: 1})}\n")


def test_load_is_told_in_requests_a_second_and_milliseconds() -> None:
    told = {"requests": 50, "duration": 500_000, "p50": 1500, "p99": 9000}
    load = read_output(f"Running\n{json.dumps({**told, 'failed': 0, 'broken': 0})}\n")
    assert (load.rate, load.p50, load.p99) == (100.0, 1.5, 9.0)


def test_load_without_a_last_line_tells_what_came_instead() -> None:
    with pytest.raises(LoadFailed, match="unable to connect"):
        read_output("unable to connect to 127.0.0.1\n")


def test_quick_run_is_one_round() -> None:
    options = _read(["--quick", "--rounds", "9"])
    assert (options.rounds, options.seconds < 1) == (1, True)


def test_missing_programs_are_named_with_what_installs_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.stub.SEARCH_PATH", "")
    monkeypatch.setattr("bench.load.SEARCH_PATH", "")
    assert main(["--only", "throughput", "--quick"]) == 0
    output = capsys.readouterr().out
    assert "throughput: skipped, without nginx and wrk" in output
    assert "apt-get install nginx-light" in output
    assert "apt-get install wrk" in output


def test_direct_calls_have_an_environ_that_the_middleware_reads() -> None:
    environ = to_environ("POST", "/lambda1", b"{}")
    assert environ["CONTENT_LENGTH"] == "2"
    assert environ["wsgi.input"].read() == b"{}"


def test_guide_to_the_bench_names_every_figure() -> None:
    text = (PROJECT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert [name for name in FIGURES if f"`{name}`" not in text] == []
