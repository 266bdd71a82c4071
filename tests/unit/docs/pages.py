"""The pages, and the snippets in them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
TOP = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "tests/README.md")
PAGES = sorted([*(ROOT / name for name in TOP), *(ROOT / "docs").glob("**/*.md")])


def page(name: str) -> str:
    """Return the text of a page: `page("docs/flask.md")`."""
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """Return the contents of the fenced blocks of ``language``."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def block(text: str, language: str, containing: str = "") -> str:
    """Return the only block of ``language`` that contains ``containing``."""
    (found,) = (each for each in blocks(text, language) if containing in each)
    return found


def headings(text: str) -> list[tuple[int, str, int]]:
    """Return level, title and line number of each heading; a comment in a snippet is none."""
    found, is_code = [], False
    for number, line in enumerate(text.splitlines()):
        is_code ^= line.startswith("```")
        if not is_code and (match := re.fullmatch(r"(#+) (.+)", line)):
            found.append((len(match[1]), match[2], number))
    return found


def section(text: str, heading: str) -> str:
    """Return the part of a page from a heading to the next one of the same level or above."""
    lines, titles = text.splitlines(keepends=True), headings(text)
    ((level, start),) = ((lvl, number) for lvl, title, number in titles if title == heading)
    ends = [number for lvl, _, number in titles if number > start and lvl <= level]
    return "".join(lines[start + 1 : min(ends, default=len(lines))])


def rows(text: str) -> list[list[str]]:
    """Return the cells of each row of the tables in ``text``, without their heads."""
    lines = re.findall(r"^\| (.*) \|$", text, re.MULTILINE)
    heads = {
        line
        for line, below in zip(text.splitlines(), text.splitlines()[1:], strict=False)
        if below.startswith("|--")
    }
    return [line.split(" | ") for line in lines if f"| {line} |" not in heads]


def code(cell: str) -> list[str]:
    """Return what stands between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def save_files(text: str, folder: Path) -> None:
    """Write each snippet that begins with its name (`# mysite/auth.py`) into ``folder``."""
    for snippet in re.findall(r"^```\w+\n(# \S+\.\w+\n.*?)^```$", text, re.DOTALL | re.MULTILINE):
        path = folder / snippet.partition("\n")[0].removeprefix("# ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(snippet, encoding="utf-8")


@contextmanager
def importing(folder: Path, *names: str) -> Iterator[list[Any]]:
    """Import modules from ``folder``, and forget them at the end."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield [import_module(name) for name in names]
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            module = sys.modules[name]
            # A folder without __init__.py is a module with paths and no file.
            places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
            if any(str(folder) in str(place) for place in places):
                del sys.modules[name]
