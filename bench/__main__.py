"""Measure, judge, show: `python -m bench`; see docs/performance.md.

Exit status: 0 whatever the numbers are, 1 where something failed to run, 130
after Ctrl-C. All that was started is stopped, and all files are removed.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

from bench import stub
from bench.environment import cleaned
from bench.figures import FIGURES, Figure
from bench.load import wrk_program
from bench.plot import to_svg
from bench.report import conditions, growth_table, to_json, to_table, with_results
from bench.run import Measured, Run
from bench.targets import judge
from sample_app.processes import ProgramEnded

QUICK_SECONDS = 0.05
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_INSTALL = {
    "nginx": "apt-get install nginx-light (or nginx)",
    "wrk": "apt-get install wrk",
    "boto3": "pip install -e '.[bench]'",
}


def main(arguments: list[str] | None = None) -> int:
    options = _read(arguments)
    try:
        measured, is_complete = _measure(options)
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running", file=sys.stderr)
        return 130
    except (stub.StubFailed, ProgramEnded) as error:
        print(error, file=sys.stderr)
        return 1
    _show(options, measured)
    return 0 if is_complete else 1


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    # Once: a second Ctrl-C must not interrupt the tidying up.
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _read(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Compare the middleware with boto3 and plain requests.",
    )
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="of each single measurement; default: 3"
    )
    parser.add_argument("--only", nargs="+", choices=FIGURES, metavar="FIGURE", help=_names())
    parser.add_argument(
        "--quick",
        action="store_true",
        help="every figure once and briefly, to see that it works; nothing is judged",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results there")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the ratios there")
    parser.add_argument("--page", type=Path, metavar="FILE", help="replace the table in there")
    options = parser.parse_args(arguments)
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("at least one round, of more than no time")
    if options.quick:
        options.rounds, options.seconds = 1, QUICK_SECONDS
    return options


def _names() -> str:
    return "of: " + "; ".join(f"{name} ({figure.text})" for name, figure in FIGURES.items())


def _measure(options: argparse.Namespace) -> tuple[dict[str, list[Measured]], bool]:
    """Return what was measured by figure, and whether all that could run did."""
    measured: dict[str, list[Measured]] = {}
    is_complete = True
    with _prepared(options) as run:
        for name in options.only or FIGURES:
            figure = FIGURES[name]
            if missing := [each for each in figure.needs if not _is_there(each)]:
                hints = "; ".join(_INSTALL[each] for each in missing)
                _say(f"{name}: skipped, without {' and '.join(missing)}. To have it: {hints}")
                continue
            try:
                measured[name] = _rounds(name, figure, run)
            except Exception as error:  # noqa: BLE001 - the others are worth having
                _say(f"\n{name}: FAILED, {type(error).__name__}: {error}")
                is_complete = False
    return measured, is_complete


@contextlib.contextmanager
def _prepared(options: argparse.Namespace) -> Iterator[Run]:
    """Make the folder of the run, and start the stub where there is nginx."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wsgi-lambda-bench-")))
        environ = cleaned(folder)
        if _is_there("nginx"):
            environ |= stack.enter_context(stub.serving(folder / "stub", environ)).to_environ()
        else:
            environ |= stub.NOWHERE.to_environ()
        yield Run(
            rounds=options.rounds,
            seconds=options.seconds,
            is_quick=options.quick,
            environ=environ,
            folder=folder,
        )


def _is_there(needed: str) -> bool:
    if needed == "nginx":
        return stub.nginx_program() is not None
    if needed == "wrk":
        return wrk_program() is not None
    return importlib.util.find_spec(needed) is not None


def _rounds(name: str, figure: Figure, run: Run) -> list[Measured]:
    started = time.monotonic()
    _say(f"{name}: {figure.text}", end=" ")
    found = list(figure.measure(run))
    _say(f"({time.monotonic() - started:.0f} s)")
    return found


def _show(options: argparse.Namespace, measured: dict[str, list[Measured]]) -> None:
    results = judge(measured)
    told = conditions(rounds=options.rounds, seconds=options.seconds, is_quick=options.quick)
    _say("\n" + ", ".join(f"{name} {value}" for name, value in told.items()))
    _say("\n" + to_table(results, is_judged=not options.quick))
    if "growth" in measured:
        _say("\n" + growth_table(measured["growth"]))
    written = to_json(results, measured, told)
    if options.json:
        _write(options.json, json.dumps(written, indent=1, ensure_ascii=False) + "\n")
    if options.page:
        _write(options.page, with_results(options.page.read_text(encoding="utf-8"), written))
    if options.svg:
        _write(options.svg, to_svg(results))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    _say(f"\nWritten: {os.path.relpath(path)}")


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, flush=True)


if __name__ == "__main__":
    for each in _SIGNALS:
        signal.signal(each, _interrupt)
    sys.exit(main())
