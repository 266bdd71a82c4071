"""Every event of the corpus is, to every library, the request that the client sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.tools import gateway_corpus
from tests.tools.gateway_corpus import COLUMNS, capture, complaint
from tests.tools.gateway_libraries import LIBRARIES, QUIRKS, REFUSALS, VERSIONS, Quirk
from tests.tools.gateway_requests import CORPUS, Sent

REQUESTS = {sent.name: sent for sent in CORPUS}
assert len(REQUESTS) == len(CORPUS), "two requests have one name"

Events = dict[tuple[str, str], str]


@pytest.fixture(scope="module")
def events() -> Events:
    """What the function was invoked with, by the request's name and the version."""
    return {
        (name, version): event
        for version in VERSIONS
        for name, event in zip(REQUESTS, capture(CORPUS, version), strict=True)
    }


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", REQUESTS)
def test_library_shows_what_the_client_sent(
    name: str, library: str, version: str, events: Events
) -> None:
    assert complaint(REQUESTS[name], library, version, events[name, version]) == ""


@pytest.mark.parametrize("version", VERSIONS)
def test_bodies_arrive_whole_without_base64(version: str) -> None:
    bodies = [sent for sent in CORPUS if sent.body]
    captured = capture(bodies, version, base64_encode_body=False)
    assert [
        complaint(sent, library, version, event)
        for sent, event in zip(bodies, captured, strict=True)
        for library in LIBRARIES
    ] == [""] * len(bodies) * len(LIBRARIES)


@pytest.mark.parametrize("quirk", QUIRKS, ids=lambda quirk: quirk.why)
def test_quirk_is_still_needed(quirk: Quirk, events: Events) -> None:
    others = [other for other in QUIRKS if other is not quirk]
    for library, version in COLUMNS:
        if quirk.is_of(library, version):
            assert any(
                complaint(sent, library, version, events[sent.name, version], others)
                for sent in CORPUS
            ), (library, version)


def test_refusals_name_requests_and_libraries() -> None:
    assert all(name in REQUESTS and library in LIBRARIES for name, library in REFUSALS)


OTHERWISE: dict[str, Callable[[Sent], Sent]] = {
    "method": lambda sent: replace(sent, method="PUT"),
    "path": lambda sent: replace(sent, target="/shop/b%2Fc?d=1&e=2"),
    "query": lambda sent: replace(sent, target="/shop/a?d=1&e=3"),
    "body": lambda sent: replace(sent, body=b"\xff\0"),
    "x-a": lambda sent: replace(sent, headers=(*sent.headers, ("X-A", "1"))),
    "cookie": lambda sent: replace(sent, headers=(("Cookie", "f=2"),)),
}


@pytest.fixture(scope="module")
def event_of_a_post() -> tuple[Sent, dict[str, str]]:
    cookie = ("Cookie", "f=1")
    sent = Sent(
        name="a post", method="POST", target="/shop/a?d=1&e=2", headers=(cookie,), body=b"\xff\1"
    )
    return sent, {version: capture([sent], version)[0] for version in VERSIONS}


@pytest.mark.parametrize(("library", "version"), COLUMNS)
@pytest.mark.parametrize("what", OTHERWISE)
def test_event_of_another_request_is_red(
    what: str, library: str, version: str, event_of_a_post: tuple[Sent, dict[str, str]]
) -> None:
    sent, events = event_of_a_post
    assert complaint(sent, library, version, events[version]) == ""
    other = OTHERWISE[what](sent)
    assert complaint(other, library, version, events[version]).startswith(f"{what} is ")


def test_command_prints_a_row_a_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert gateway_corpus.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:34].strip() for line in lines[2 : 2 + len(CORPUS)]] == list(REQUESTS)
    assert lines[-1] == f"{len(CORPUS)} requests: {len(CORPUS) * len(COLUMNS) - 4} ✓, 4 –, 0 ✗"


def test_command_says_what_is_red(capsys: pytest.CaptureFixture[str]) -> None:
    # Refused were a method, and this is another.
    assert gateway_corpus.main([Sent(name="TRACE")]) == 1
    lines = capsys.readouterr().out.splitlines()
    reason = "accepted, but expected to be rejected (the models accept seven methods)"
    assert lines[3:5] == [f"    ✗ powertools {version}: {reason}" for version in VERSIONS]
    assert lines[-1] == "1 requests: 6 ✓, 0 –, 2 ✗"
