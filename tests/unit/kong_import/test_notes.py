"""The report of an import."""

from __future__ import annotations

import json

from wsgi_lambda.kong_import.notes import Kind, Note, report, report_as_json


def test_report_is_sorted_by_kind_without_duplicates() -> None:
    notes = [Note(kind, "here", "why") for kind in (*reversed(Kind), Kind.ADVICE)]
    assert report(notes) == [
        "error: here: why",
        "function lost: here: why",
        "protection lost: here: why",
        "not imported: here: why",
        "difference: here: why",
        "advice: here: why",
    ]


def test_same_text_is_one_line_with_a_count() -> None:
    notes = [Note(Kind.ADVICE, f"routes[{number}]", "why") for number in range(5)]
    assert report(notes[:2]) == ["advice: why (2 places: routes[0], routes[1])"]
    assert report(notes) == ["advice: why (5 places: routes[0], routes[1], routes[2], …)"]


def test_json_has_every_place_and_the_errors() -> None:
    notes = [Note(Kind.ADVICE, f"routes[{number}]", "why") for number in range(5)]
    found = json.loads(report_as_json([*notes, Note(Kind.ERROR, "a", "é")], ["routes: bad"]))
    assert found == {
        "notes": [
            {"kind": "error", "text": "é", "count": 1, "places": ["a"]},
            {"kind": "advice", "text": "why", "count": 5, "places": [n.place for n in notes]},
        ],
        "errors": ["routes: bad"],
    }


def test_text_of_a_file_cannot_add_a_line() -> None:
    (line,) = report([Note(Kind.ADVICE, "a\nerror: b\u202e", "why")])
    assert line == r"advice: a\nerror: b\u202e: why"
