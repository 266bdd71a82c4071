"""Run the bench and report its results: `python -m bench`; see docs/performance.md.

Exit status: 0 whatever the numbers are, 1 if something failed to run, 130 after
Ctrl-C. Every process it started is stopped, and its files are removed.
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
    options = _parse(arguments)
    try:
        measured, is_complete = _measure(options)
    except KeyboardInterrupt:
        print("\nStopped; all processes have ended", file=sys.stderr)
        return 130
    except (stub.StubFailed, ProgramEnded) as error:
        print(error, file=sys.stderr)
        return 1
    _show(options, measured)
    return 0 if is_complete else 1


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    # Only once: a second Ctrl-C must not interrupt the cleanup.
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Compare the middleware with boto3 and plain requests.",
    )
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="of each measurement; default: 3"
    )
    parser.add_argument(
        "--only", nargs="+", choices=FIGURES, metavar="FIGURE", help=_figure_names()
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="run every figure once and briefly, without verdicts",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results to FILE")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the ratios in FILE")
    parser.add_argument("--page", type=Path, metavar="FILE", help="replace the table in FILE")
    options = parser.parse_args(arguments)
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("--rounds must be at least 1, and --seconds more than 0")
    if options.quick:
        options.rounds, options.seconds = 1, QUICK_SECONDS
    return options


def _figure_names() -> str:
    return "one or more of: " + "; ".join(
        f"{name} ({figure.text})" for name, figure in FIGURES.items()
    )


def _measure(options: argparse.Namespace) -> tuple[dict[str, list[Measured]], bool]:
    """Return the measurements by figure, and whether no figure failed."""
    measured: dict[str, list[Measured]] = {}
    is_complete = True
    with _prepared(options) as run:
        for name in options.only or FIGURES:
            figure = FIGURES[name]
            if missing := [each for each in figure.needs if not _is_installed(each)]:
                hints = "; ".join(_INSTALL[each] for each in missing)
                _print(f"{name}: skipped, without {' and '.join(missing)}. To install: {hints}")
                continue
            try:
                measured[name] = _rounds(name, figure, run)
            except Exception as error:  # noqa: BLE001 - the other figures still run
                _print(f"\n{name}: FAILED, {type(error).__name__}: {error}")
                is_complete = False
    return measured, is_complete


@contextlib.contextmanager
def _prepared(options: argparse.Namespace) -> Iterator[Run]:
    """Create the folder of the run, and start the stub if nginx is installed."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wsgi-lambda-bench-")))
        environ = cleaned(folder)
        if _is_installed("nginx"):
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


def _is_installed(program: str) -> bool:
    if program == "nginx":
        return stub.nginx_program() is not None
    if program == "wrk":
        return wrk_program() is not None
    return importlib.util.find_spec(program) is not None


def _rounds(name: str, figure: Figure, run: Run) -> list[Measured]:
    started = time.monotonic()
    _print(f"{name}: {figure.text}", end=" ")
    measured = list(figure.measure(run))
    _print(f"({time.monotonic() - started:.0f} s)")
    return measured


def _show(options: argparse.Namespace, measured: dict[str, list[Measured]]) -> None:
    results = judge(measured)
    given = conditions(rounds=options.rounds, seconds=options.seconds, is_quick=options.quick)
    _print("\n" + ", ".join(f"{name} {value}" for name, value in given.items()))
    _print("\n" + to_table(results, is_judged=not options.quick))
    if "growth" in measured:
        _print("\n" + growth_table(measured["growth"]))
    written = to_json(results, measured, given)
    if options.json:
        _write(options.json, json.dumps(written, indent=1, ensure_ascii=False) + "\n")
    if options.page:
        _write(options.page, with_results(options.page.read_text(encoding="utf-8"), written))
    if options.svg:
        _write(options.svg, to_svg(results))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    _print(f"\nWritten: {os.path.relpath(path)}")


def _print(text: str, end: str = "\n") -> None:
    print(text, end=end, flush=True)


if __name__ == "__main__":
    for each in _SIGNALS:
        signal.signal(each, _interrupt)
    sys.exit(main())
