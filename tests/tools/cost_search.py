"""Search for the most expensive requests and replies; write docs/measured/cost.json and cost.md.

`make cost` runs it. Hypothesis varies recipes of bodies a sixteenth as large as the
default limits allow, towards more CPU and more memory. Then the worst recipes of each
kind, and those of ALWAYS, are measured at their full size.
"""

from __future__ import annotations

import argparse
import json
import logging
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, given, settings, target
from hypothesis import strategies as st

from tests.servers.event_stream import chunk
from tests.tools.cost import longest_hold, peak, post, seconds
from tests.unit.configurations import read_route
from wsgi_lambda.errors import LambdaError
from wsgi_lambda.event import EventBuilder
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.request import Request
from wsgi_lambda.response import from_reply
from wsgi_lambda.wire.event_stream import FrameReader

RESULTS = Path(__file__).parents[2] / "docs" / "measured"
MIB = 1024 * 1024
LIMIT = 6 * MIB  # the default of max_payload_size and of max_response_size
SMALLER = 16  # times, during the search


class Recipe(NamedTuple):
    """A body: ``before``, then ``unit`` again and again, then ``after``; its size in limits."""

    before: bytes
    unit: bytes
    after: bytes
    size: float
    content_type: str = ""

    def body(self, limit: int) -> bytes:
        room = int(self.size * limit) - len(self.before) - len(self.after)
        repeated = self.unit * max(1, room // len(self.unit))
        # JSON allows no comma before the closing bracket.
        return self.before + repeated.removesuffix(b",") + self.after

    def in_words(self, limit: int) -> str:
        parts = [_shown(self.before), f"{_shown(self.unit)} repeated", _shown(self.after)]
        return f"{len(self.body(limit)) / MIB:.1f} MB: {', '.join(filter(None, parts))}"


def _shown(text: bytes) -> str:
    if len(text) > 40:
        return f"{_shown(text[:12])} and so on ({len(text):,} bytes)"
    return f"`{ascii(text.decode('latin-1'))[1:-1]}`" if text else ""


def units(*tokens: bytes) -> st.SearchStrategy[bytes]:
    """Return one to four of ``tokens``, joined."""
    return st.lists(st.sampled_from(tokens), min_size=1, max_size=4).map(b"".join)


SIZES = st.sampled_from([0.5, 0.99, 1.5, 2.0, 2.99, 3.5, 5.9])
FORM = st.builds(
    Recipe,
    st.sampled_from([b"", b"a="]),
    units(b"a=", b"&", b"%41", b"%", b"%ff", b"+", b"=", b";", b"%G", b"\xff"),
    st.just(b""),
    SIZES,
    st.just("application/x-www-form-urlencoded"),
)
ITEMS = units(
    *(
        b"{},",
        b"[],",
        b"1,",
        b"[1,1],",
        b'"abc",',
        b'"",',
        b'{"a":1},',
        b"1.7976931348623157e-308,",
    ),
    *(b"[[[[1]]]],", b"9" * 400 + b",", b"null,", b"  ", b'"\\u0041",', b'"\\ud800",'),
)
STRINGS = units(b"\\\\", b'\\"', b"\\u0041", b"\\ud800", b"\\n", "日".encode(), b"a", b"\xc3\xa9")


def nested(depth: int, is_closed: bool) -> tuple[bytes, bytes]:
    return b"[" * depth, b"]" * depth if is_closed else b""


ENDS = st.builds(nested, st.sampled_from([1, 2, 100, 900]), st.sampled_from([True, True, False]))
ARRAYS = st.builds(
    lambda ends, unit, size: Recipe(ends[0], unit, ends[1], size), ENDS, ITEMS, SIZES
)
TEXTS = st.builds(Recipe, st.just(b'["'), STRINGS, st.sampled_from([b'"]', b""]), SIZES)
JSON = (ARRAYS | TEXTS).map(lambda recipe: recipe._replace(content_type="application/json"))
PART = b'--%b\r\nContent-Disposition: form-data; name="a"%b\r\n'


def multipart(
    boundary: int, file: bytes, headers: bytes, content: bytes, whole: bool, size: float
) -> Recipe:
    """One part with much content, or many parts with some headers."""
    mark = b"-" * (boundary - 1) + b"b"
    part = PART % (mark, file) + headers
    end = b"\r\n--" + mark + b"--"
    kind = f"multipart/form-data; boundary={mark.decode()}"
    if whole:
        return Recipe(part + b"\r\n", content, end, size, kind)
    return Recipe(b"", part + b"\r\n" + content + b"\r\n", end[2:], size, kind)


MULTIPART = st.builds(
    multipart,
    st.sampled_from([1, 20, 70, 71]),
    st.sampled_from([b"", b'; filename="a"', b";" * 9000, b'; a="\\""' * 500]),
    st.sampled_from([b"", b"a:\r\n" * 3900, b"a: " + b" " * 9000 + b"\r\n"]),
    units(b"a", b"\xff", b"\r\n", b"\r\n--", b"-", b"\0", b"%", b'"', b"\r"),
    st.booleans(),
    st.sampled_from([0.5, 0.99, 2.0, 3.4, 3.7]),
)
BYTES = st.builds(
    Recipe,
    st.just(b""),
    units(b"\0", b'"', b"\xff", b"a", b"\\", "日".encode(), b"\xc3\xa9", b"\x7f"),
    st.just(b""),
    st.sampled_from([0.16, 0.3, 0.49, 0.74, 0.99, 1.5]),
    st.sampled_from(["text/plain", "application/octet-stream", "text/plain; charset=utf-16"]),
)
# A reply over the limit is not read.
REPLIES = (ARRAYS | TEXTS).map(lambda recipe: recipe._replace(size=min(recipe.size, 0.99)))


def in_a_result(recipe: Recipe) -> Recipe:
    before, after = b'{"statusCode": 200, "x": ' + recipe.before, recipe.after + b"}"
    return recipe._replace(before=before, after=after)


RESULTS_OF_PROXIES = REPLIES.map(in_a_result)
# Just below the limit of arrays and objects, which smaller bodies do not reach.
MANY = [
    Recipe(b"[", unit, b"]", size, "application/json")
    for unit, size in (
        (b"[1,1,1,1],", 0.93),
        (b'{"a":1},', 0.74),
        (b"[],", 0.28),
        (b"1.7976931348623157e-308,", 0.99),
        (b'"abc",', 0.99),
    )
]
FRAMES = st.builds(
    lambda size, payload, after: Recipe(b"", chunk(payload * size), after, 0.99),
    st.sampled_from([0, 1, 100, 10_000, 300_000]),
    st.sampled_from([b"\0", b"a"]),
    st.sampled_from([b"", b"\xff" * 16]),
)

#: What an evaluation did with a body: "accepted" or "rejected".
Call = Callable[[], str]


def event(**options: Any) -> Callable[[Recipe, int], Call]:
    def prepare(recipe: Recipe, limit: int) -> Call:
        builder = EventBuilder(read_route(max_payload_size=limit, **options))
        body = recipe.body(limit)

        def build() -> str:
            request = Request(post(body, recipe.content_type))
            return _outcome(lambda: builder.build(request))

        return build

    return prepare


def reply(*headers: tuple[str, str], **options: Any) -> Callable[[Recipe, int], Call]:
    def prepare(recipe: Recipe, limit: int) -> Call:
        route = read_route(**options)
        body = recipe.body(limit)
        lines = (("Content-Type", "application/json"), *headers)
        return lambda: _outcome(lambda: from_reply(Reply(200, lines, body), route))

    return prepare


def frames(recipe: Recipe, limit: int) -> Call:
    body = recipe.body(limit)

    def read() -> str:
        reader = FrameReader(limit)
        for start in range(0, len(body), 64 * 1024):
            reader.feed(body[start : start + 64 * 1024])
        return "accepted" if reader.error is None else "rejected"

    return read


def _outcome(call: Callable[[], object]) -> str:
    try:
        call()
    except LambdaError:
        return "rejected"
    return "accepted"


GATEWAY: dict[str, Any] = {
    "awsgateway_compatible": True,
    "awsgateway_compatible_payload_version": "2.0",
}
FAILED = ("X-Amz-Function-Error", "Unhandled")
BODIES = {"form": FORM, "JSON": JSON, "multipart": MULTIPART, "text and bytes": BYTES}
#: For each kind of input: the recipes, and what is done with a body.
KINDS: dict[str, tuple[st.SearchStrategy[Recipe], Callable[[Recipe, int], Call]]] = {
    **{f"{name}, default event": (recipes, event()) for name, recipes in BODIES.items()},
    **{f"{name}, API Gateway 2.0": (recipes, event(**GATEWAY)) for name, recipes in BODIES.items()},
    "plain reply, legacy arrays": (REPLIES, reply(empty_arrays_mode="legacy")),
    "proxy result": (RESULTS_OF_PROXIES, reply(is_proxy_integration=True)),
    "function error": (REPLIES, reply(FAILED)),
    "frames of a stream": (FRAMES, frames),
}

#: Recipes that are measured whatever the search finds.
ALWAYS = {
    "JSON, default event": MANY,
    "plain reply, legacy arrays": MANY[:1],
    "proxy result": [in_a_result(recipe) for recipe in MANY[:2]],
    "function error": MANY[:1],
}


def search(kind: str, budget: float) -> dict[str, set[Recipe]]:
    """Return the recipes with the most CPU and with the most memory, by outcome."""
    recipes, prepare = KINDS[kind]
    ends = time.monotonic() + budget
    best: dict[tuple[str, str], tuple[float, Recipe]] = {}

    @given(recipes)
    @settings(
        max_examples=400,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.target],
        suppress_health_check=list(HealthCheck),
    )
    def run(recipe: Recipe) -> None:
        if time.monotonic() >= ends:
            return
        call = prepare(recipe, LIMIT // SMALLER)
        outcome = call()
        found = {"CPU": seconds(call), "memory": float(peak(call))}
        for name, value in found.items():
            target(value, label=f"{name} {outcome}")
            if value > best.get((outcome, name), (0.0, None))[0]:
                best[outcome, name] = value, recipe

    run()
    found: dict[str, set[Recipe]] = {}
    for (outcome, _), (_, recipe) in best.items():
        found.setdefault(outcome, set()).add(recipe)
    return found


def measure(kind: str, recipe: Recipe) -> dict[str, Any]:
    """Return the cost of a recipe at its full size."""
    call = KINDS[kind][1](recipe, LIMIT)
    return {
        "kind": kind,
        "outcome": call(),
        "cpu_s": round(seconds(call), 3),
        # The lower of two: another program may have interrupted the other thread.
        "hold_ms": round(min(longest_hold(call) for _ in range(2)) * 1000, 1),
        "peak_mb": round(peak(call) / MIB, 1),
        "recipe": recipe.in_words(LIMIT),
    }


def worst(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row for each kind and outcome: the highest number of each column."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for each in sorted(found, key=lambda row: -row["cpu_s"]):
        row = rows.setdefault((each["kind"], each["outcome"]), {**each})
        if each["peak_mb"] > row["peak_mb"]:
            row["recipe"] += f"; most memory: {each['recipe']}"
        for name in ("hold_ms", "peak_mb"):
            row[name] = max(row[name], each[name])
    order = list(KINDS)
    return sorted(rows.values(), key=lambda row: (order.index(row["kind"]), row["outcome"]))


def table(results: dict[str, Any]) -> str:
    """Return the page with the results."""
    lines = [
        "# The most expensive requests and replies",
        "",
        f"Found by `make cost`, {results['date']}, Python {results['python']}, with the default",
        "limits. CPU is that of the thread; the longest hold is the CPU time for which no other",
        "thread could run; memory is the most that Python held in addition to the body itself.",
        "1 MB is 2**20 bytes. A search finds bad cases, not certainly the worst ones.",
        "",
        "| input | outcome | CPU | longest hold | memory | recipe of the body |",
        "|---|---|---|---|---|---|",
    ]
    for row in results["costs"]:
        numbers = f"{row['cpu_s']:.2f} s | {row['hold_ms']:.0f} ms | {row['peak_mb']:.0f} MB"
        recipe = row["recipe"].replace("|", "\\|")
        lines.append(f"| {row['kind']} | {row['outcome']} | {numbers} | {recipe} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="time of the search")
    logging.disable()
    budget = parser.parse_args().seconds / len(KINDS)
    found = []
    for kind in KINDS:
        recipes = set().union(ALWAYS.get(kind, ()), *search(kind, budget).values())
        found += [measure(kind, recipe) for recipe in recipes]
        print(f"{kind}: measured {len(recipes)} bodies", flush=True)
    results = {
        "date": datetime.now(tz=UTC).date().isoformat(),
        "python": platform.python_version(),
        "costs": worst(found),
    }
    (RESULTS / "cost.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (RESULTS / "cost.md").write_text(table(results), encoding="utf-8")
    print(table(results))


if __name__ == "__main__":
    main()
