"""The report of an import."""

from __future__ import annotations

from wsgi_lambda.kong_import.notes import Kind, Note, report


def test_report_is_sorted_by_kind_without_duplicates() -> None:
    notes = [Note(kind, "here", "why") for kind in (*reversed(Kind), Kind.ADVICE)]
    assert report(notes) == [
        "protection lost: here: why",
        "not imported: here: why",
        "difference: here: why",
        "advice: here: why",
    ]
