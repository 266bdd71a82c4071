"""Check that libraries for API Gateway events read each request as the client sent it.

`python -m tests.tools.gateway_corpus` sends every request of the corpus
through real sockets to the middleware, passes the event that Lambda would get
to every library, and prints a table: a row for each request, a column for each
library.

The expected request is computed from the one that the client sent. Some
libraries differ, even with AWS's own events: `QUIRKS` and `REFUSALS` contain
their exact behaviour and the reason. Every field is compared.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from tests.conftest import ACCESS_KEY, SECRET_KEY, defaults
from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import serving
from tests.tools.gateway_libraries import LIBRARIES, QUIRKS, REFUSALS, VERSIONS, Quirk
from tests.tools.gateway_requests import (
    CORPUS,
    MOUNT,
    NEW_TRACE,
    PROXIED,
    ROUTE,
    TRACE_ID,
    Seen,
    Sent,
    Served,
    as_sent,
)
from wsgi_lambda import LambdaMiddleware

COLUMNS = tuple((library, version) for library in LIBRARIES for version in VERSIONS)


def main(corpus: Sequence[Sent] = CORPUS) -> int:
    """Print the table; return 1 if a library differs from the request that was sent."""
    events = {version: capture(corpus, version) for version in VERSIONS}
    counts = {"✓": 0, "–": 0, "✗": 0}
    print(row("", [f"{library:^16}" for library in LIBRARIES]))
    print(row("request", [f"{version:^8}" for _, version in COLUMNS]))
    for number, sent in enumerate(corpus):
        reasons = [complaint(sent, *column, events[column[1]][number]) for column in COLUMNS]
        marks = [mark(sent, *cell) for cell in zip(COLUMNS, reasons, strict=True)]
        print(row(sent.name, [f"{each:^8}" for each in marks]))
        for (library, version), reason in zip(COLUMNS, reasons, strict=True):
            if reason:
                print(f"    ✗ {library} {version}: {reason}")
        for each in marks:
            counts[each] += 1
    print("\n".join(notes()))
    print(
        f"{len(corpus)} requests:", ", ".join(f"{count} {each}" for each, count in counts.items())
    )
    return 1 if counts["✗"] else 0


def row(name: str, cells: Sequence[str]) -> str:
    return (f"{name:34}" + "".join(cells)).rstrip()


def mark(sent: Sent, column: tuple[str, str], reason: str) -> str:
    if reason:
        return "✗"
    return "–" if (sent.name, column[0]) in REFUSALS else "✓"


def notes() -> Iterator[str]:
    yield "\n✓ as the client sent it, except for these known differences:"
    for quirk in QUIRKS:
        libraries = "all" if len(quirk.libraries) == len(LIBRARIES) else ", ".join(quirk.libraries)
        yield f"  {libraries} {' and '.join(quirk.versions)}: {quirk.why} ({quirk.source})"
    yield "– rejected by the library, also with an event of AWS:"
    for (request, library), refusal in REFUSALS.items():
        yield f"  {library}, {request}: {refusal.why} ({refusal.source})"
    yield ""


# From the client's request to the event.


def capture(corpus: Iterable[Sent], version: str, **options: Any) -> list[str]:
    """Send each request; return the events as text."""
    with LambdaServer(credentials={ACCESS_KEY: (SECRET_KEY, None)}) as function:
        gateway = {
            "awsgateway_compatible": True,
            "awsgateway_compatible_payload_version": version,
        }
        for sent in corpus:
            app = serve(sent.served, defaults(function, **gateway, **options))
            # The test server has a different port in every run.
            with serving(app, {"SERVER_PORT": "80"}) as web:
                response = web.send(sent.method, *on_the_wire(sent), sent.body)
            if response.status != 200:
                raise RuntimeError(f"{sent.name}: {response.status} {response.body!r}")
    if function.errors:
        raise RuntimeError("; ".join(function.errors))
    return [invocation.body.decode() for invocation in function.invocations]


def on_the_wire(sent: Sent) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return target and headers as the app server receives them."""
    if sent.served is not Served.BEHIND_PROXY:
        return sent.target, sent.headers
    return sent.target.removeprefix(MOUNT), (*sent.headers, *PROXIED.items())


def serve(served: Served, options: dict[str, Any]) -> Any:
    """Return the WSGI application for a way of serving."""
    stripped = served in (Served.STRIPPED, Served.MOUNTED_AND_STRIPPED)
    routes = {ROUTE: {"function_name": "f", "strip_path": stripped}}
    app = LambdaMiddleware(None, {**options, "routes": routes})
    if served is Served.BEHIND_PROXY:
        return ProxyFix(app, x_for=1, x_proto=1, x_host=1, x_prefix=1)
    if served in (Served.MOUNTED, Served.MOUNTED_AND_STRIPPED):
        return DispatcherMiddleware(app, {MOUNT: app})
    return app


# The comparison.


def complaint(
    sent: Sent, library: str, version: str, event: str, quirks: Iterable[Quirk] = QUIRKS
) -> str:
    """Return how ``library`` differs from the expected request, or "" if it does not."""
    refusal = REFUSALS.get((sent.name, library))
    try:
        seen = show(library, event)
    except Exception as error:  # noqa: BLE001 - each library raises its own
        if refusal and refusal.error in str(error):
            return ""
        return f"rejected: {type(error).__name__}: {error}"
    if refusal:
        return f"accepted, but expected to be rejected ({refusal.why})"
    return "; ".join(differences(seen, expected(sent, library, version, quirks)))


def show(library: str, event: str) -> Seen:
    """Return the request that ``library`` reads from an event, with new trace ids replaced."""
    seen = LIBRARIES[library](json.loads(event))
    trace = seen.headers.get("x-amzn-trace-id", "")
    if trace != TRACE_ID and re.fullmatch("Root=1-[0-9a-f]{8}-[0-9a-f]{24}", trace):
        return replace(seen, headers={**seen.headers, "x-amzn-trace-id": NEW_TRACE})
    return seen


def expected(sent: Sent, library: str, version: str, quirks: Iterable[Quirk] = QUIRKS) -> Seen:
    """Return the request that an app behind ``library`` should see."""
    seen = as_sent(sent)
    for quirk in quirks:
        if quirk.is_of(library, version):
            seen = quirk.expect(seen)
    return seen


def differences(seen: Seen, wanted: Seen) -> Iterator[str]:
    for field in ("method", "path", "query", "body"):
        yield from difference(field, getattr(seen, field), getattr(wanted, field))
    for name in sorted({*seen.headers, *wanted.headers}):
        yield from difference(name, seen.headers.get(name), wanted.headers.get(name))


def difference(field: str, seen: object, wanted: object) -> Iterator[str]:
    if seen != wanted:
        yield f"{field} is {seen!r:.80}, not {wanted!r:.80}"


if __name__ == "__main__":
    sys.exit(main())
