"""The parts of the bench that need no other program: ratios, reports, configuration."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.__main__ import _parse, main
from bench.calls import to_environ
from bench.environment import ACCESS_KEY, PROJECT, SECRET_KEY, StubAddress, cleaned
from bench.figures import FIGURES
from bench.floor import PATH, Floor
from bench.load import LoadFailed, read_output
from bench.payloads import json_body
from bench.plot import to_svg
from bench.report import growth_table, to_json, to_table
from bench.stub import configuration
from bench.targets import ROWS, Result, Row, amount, difference, judge, ratio
from bench.unobserved import CUTS, cut_out
from tests.servers.received_request import Invocation
from tests.servers.sigv4 import check_signature

ADDRESS = StubAddress(4431, 4432, 4433, 8080, ca="")
SVG = "{http://www.w3.org/2000/svg}"


def result(*values: float, **options: object) -> Result:
    row = Row("mine / theirs", "cpu", ratio("mine", "theirs"), **options)
    return Result(row, values)


@pytest.mark.parametrize(
    ("better", "median", "verdict"),
    [
        pytest.param("more", 1.7, "ok", id="above the target"),
        pytest.param("more", 1.6, "ok", id="at the target"),
        pytest.param("more", 1.5, "missed", id="below the target"),
        pytest.param("less", 1.5, "ok", id="cost below the target"),
        pytest.param("less", 1.7, "missed", id="cost above the target"),
    ],
)
def test_verdict_compares_the_median(better: str, median: float, verdict: str) -> None:
    assert result(0.1, median, 9.0, must=1.6, better=better).verdict == verdict


def test_row_without_target_has_no_verdict() -> None:
    assert result(1.0).verdict == ""


def test_values_compare_contenders_within_a_round() -> None:
    rounds = [{"mine": 1.0, "theirs": 2.0}, {"mine": 9.0, "theirs": 3.0}]
    rows = [
        Row("a", "cpu", ratio("mine", "theirs")),
        Row("b", "cpu", difference("mine", "theirs")),
        Row("c", "cpu", amount("mine")),
    ]
    values = [each.values for each in judge({"cpu": rounds}, rows)]
    assert values == [(0.5, 3.0), (-1.0, 6.0), (1.0, 9.0)]


def test_figure_that_was_skipped_has_no_row() -> None:
    assert judge({}) == []


def test_rows_belong_to_existing_figures() -> None:
    assert {row.figure for row in ROWS} <= set(FIGURES)
    assert len({row.text for row in ROWS}) == len(ROWS)


def test_aim_is_stricter_than_must() -> None:
    for row in ROWS:
        assert (row.must is None) == (row.aim is None)
        assert row.must is None or row.is_reached(row.aim, row.must), row.text


def test_table_has_targets_median_and_spread() -> None:
    rate = result(1.25, 1.5, 1.9, must=1.6, aim=2.1, better="more")
    cost = result(3.0, must=5.0, aim=0.0, unit="ns")
    assert to_table([rate, cost]).splitlines() == [
        "| figure        | must  | aim   | median | min – max   |        |",
        "|---------------|-------|-------|--------|-------------|--------|",
        "| mine / theirs | ≥ 1.6 | ≥ 2.1 | 1.50 × | 1.25 – 1.90 | missed |",
        "| mine / theirs | ≤ 5   | 0     | 3 ns   | 3 – 3       | ok     |",
    ]


def test_growth_table_has_a_line_for_each_measured_point() -> None:
    measured = {
        f"{point}, {name}, {what}": 250.0
        for point in ("1 clients", "10000 bytes")
        for name in ("middleware", "boto3")
        for what in ("requests/s", "p50", "p99")
    }
    _, _, *lines = growth_table([measured]).splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines] == ["1 clients", "10000 bytes"]


def test_json_contains_rows_and_measurements() -> None:
    measured = {"cpu": [{"mine": 1.0, "theirs": 2.0}]}
    row = Row("mine / theirs", "cpu", ratio("mine", "theirs"), 0.6, 0.4)
    written = json.loads(json.dumps(to_json(judge(measured, [row]), measured, {"rounds": 1})))
    assert written["measured"] == measured
    assert written["conditions"] == {"rounds": 1}
    assert [(row["median"], row["verdict"]) for row in written["rows"]] == [(0.5, "ok")]


def test_svg_has_a_bar_and_two_marks_for_each_ratio() -> None:
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


def test_svg_without_results_is_well_formed() -> None:
    assert ElementTree.fromstring(to_svg([])).tag == f"{SVG}svg"


def test_stub_uses_only_loopback_and_its_folder() -> None:
    text = configuration(Path("/somewhere"), ADDRESS)
    assert text.count("{") == text.count("}")
    assert re.findall(r"listen ([^ ;]+)", text) == [
        f"127.0.0.1:{port}" for port in (4431, 4432, 4433, 8080)
    ]
    paths = re.findall(r"(?:pid|_log|_path|root|certificate|_key) (/[^ ;]+)", text)
    assert len(paths) >= 10
    assert all(path.startswith("/somewhere") for path in paths)


def test_stub_has_a_keepalive_for_each_port() -> None:
    text = configuration(Path("/somewhere"), ADDRESS)
    keepalives = dict(
        re.findall(r"listen 127\.0\.0\.1:(\d+) ssl.*?keepalive_timeout (\w+)", text, re.S)
    )
    assert keepalives == {"4431": "1h", "4432": "0", "4433": "200ms"}


def test_floor_sends_a_valid_signature() -> None:
    payload = json_body(1000)
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = Floor(ADDRESS, 4431).headers(payload, date)
    request = Invocation(method="POST", target=PATH, headers=tuple(headers.items()), body=payload)
    credentials = {ACCESS_KEY: (SECRET_KEY, None)}
    check_signature(request, region="us-east-1", credentials=credentials)


def test_floor_changes_its_signing_key_every_day() -> None:
    floor = Floor(ADDRESS, 4431)
    first, later, again = (
        floor.headers(b"{}", f"{day}T000000Z")["Authorization"]
        for day in ("20300101", "20300102", "20300101")
    )
    assert first == again != later


@pytest.mark.parametrize("size", [1_000, 10_000, 6_000_000])
def test_body_is_json_of_exactly_its_size(size: int) -> None:
    body = json_body(size)
    assert len(body) == size
    assert isinstance(json.loads(body), dict)


def test_programs_get_the_stub_s_keys_and_no_aws_variables_of_the_caller(tmp_path: Path) -> None:
    inherited = {"AWS_PROFILE": "mine", "HTTPS_PROXY": "http://proxy", "LANG": "C.UTF-8"}
    environ = cleaned(tmp_path, inherited)
    assert environ["AWS_ACCESS_KEY_ID"] == ACCESS_KEY
    assert environ["LANG"] == "C.UTF-8"
    assert not {"AWS_PROFILE", "HTTPS_PROXY"} & set(environ)


def test_address_of_the_stub_survives_the_environment() -> None:
    assert StubAddress.from_environ(ADDRESS.to_environ()) == ADDRESS


@pytest.mark.parametrize("broken", ["failed", "broken"])
def test_load_with_errors_is_rejected(broken: str) -> None:
    results = {"requests": 9, "duration": 9, "p50": 1, "p99": 1, "failed": 0, "broken": 0}
    with pytest.raises(LoadFailed):
        read_output(f"Running\n{json.dumps({**results, broken: 1})}\n")


def test_load_is_in_requests_per_second_and_milliseconds() -> None:
    results = {"requests": 50, "duration": 500_000, "p50": 1500, "p99": 9000}
    load = read_output(f"Running\n{json.dumps({**results, 'failed': 0, 'broken': 0})}\n")
    assert (load.rate, load.p50, load.p99) == (100.0, 1.5, 9.0)


def test_load_without_results_shows_the_output() -> None:
    with pytest.raises(LoadFailed, match="unable to connect"):
        read_output("unable to connect to 127.0.0.1\n")


def test_quick_run_is_one_round() -> None:
    options = _parse(["--quick", "--rounds", "9"])
    assert (options.rounds, options.seconds < 1) == (1, True)


def test_missing_programs_are_named_with_their_packages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.stub.SEARCH_PATH", "")
    monkeypatch.setattr("bench.load.SEARCH_PATH", "")
    assert main(["--only", "throughput", "--quick"]) == 0
    output = capsys.readouterr().out
    assert "throughput: skipped, without nginx and wrk" in output
    assert "apt-get install nginx-light" in output
    assert "apt-get install wrk" in output


def test_environ_of_direct_calls_contains_the_body() -> None:
    environ = to_environ("POST", "/lambda1", b"{}")
    assert environ["CONTENT_LENGTH"] == "2"
    assert environ["wsgi.input"].read() == b"{}"


def test_documentation_names_every_figure() -> None:
    text = (PROJECT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert [name for name in FIGURES if f"`{name}`" not in text] == []


def test_code_for_observing_can_be_cut_out(tmp_path: Path) -> None:
    cut_out(tmp_path)
    for name, _, _ in CUTS:
        compile((tmp_path / "wsgi_lambda" / name).read_text(), name, "exec")


def test_code_for_observing_that_has_changed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.unobserved.CUTS", (("request.py", "old lines", ""),))
    with pytest.raises(ValueError, match=r"request.py does not contain these lines once:\nold"):
        cut_out(tmp_path)
