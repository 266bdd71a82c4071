"""All pages: links, snippets, names; and the measured results."""

from __future__ import annotations

import configparser
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import wsgi_lambda
from bench.report import with_results
from tests.tools.promises import PROMISES
from tests.unit.docs.pages import PAGES, ROOT, blocks, headings, page

#: Written by a command, or by others: only their links and snippets are checked.
GENERATED = {
    "docs/options.md",
    "docs/kong.md",
    "docs/measured/cost.md",
    "docs/measured/reliability.md",
}
NOT_OUR_WORDS = re.compile(
    r"\b(answer\w*|anew|at once|beside|by the letter|but for|is none|settings? file)\b",
    re.IGNORECASE,
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_performance_is_what_was_measured() -> None:
    written = json.loads(page("docs/measured/performance.json"))
    shown = page("docs/performance.md")
    assert with_results(shown, written) == shown


def test_every_promise_is_in_the_table_with_all_its_tests() -> None:
    document = page("docs/measured/reliability.md")
    assert [text for text in PROMISES.values() if f"| {text} |" not in document] == []
    marked = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests").rglob("test_*.py")
        if "mark.promise(" in path.read_text(encoding="utf-8") and path.name != "test_docs.py"
    ]
    assert [path for path in marked if f"(../../{path})" not in document] == []


def test_lowest_versions_are_those_that_setup_cfg_allows() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    allowed = config["options"]["install_requires"].split("\n")
    tested = (ROOT / "tests" / "lowest.txt").read_text().splitlines()
    lowest = [line.replace("==", ">=").removesuffix(".0") for line in tested]
    assert sorted(lowest) == sorted(filter(None, allowed))


def test_screenshot_is_small() -> None:
    assert (ROOT / "docs" / "demo.png").stat().st_size < 200_000  # bytes


def test_readme_is_of_this_version() -> None:
    assert f"Version {wsgi_lambda.__version__} " in page("README.md")


def test_description_of_the_package_has_no_relative_links() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    description = config["metadata"]["long_description"].removeprefix("file: ")
    links = re.findall(r"\]\(([^)]+)\)|(?:src|href)=\"([^\"]+)\"", page(description))
    assert [link for pair in links for link in pair if link and not link.startswith("https:")] == []


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_snippets_parse(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for block in blocks(text, "json"):
        json.loads(block)
    for block in blocks(text, "toml"):
        tomllib.loads(block)
    for block in blocks(text, "python"):
        # One that begins with a key is a part of a configuration.
        compile(f"{{{block}}}" if block.startswith('"') else block, path.name, "exec")


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_relative_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.is_relative_to(ROOT)
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


def anchors(path: Path) -> set[str]:
    """Return the anchors that a reader of Markdown makes of the headings."""
    titles = (title for _, title, _ in headings(path.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_make_targets_exist(path: Path) -> None:
    targets = re.findall(r"^([a-z]+):", page("Makefile"), re.MULTILINE)
    text = path.read_text(encoding="utf-8")
    snippets = [*blocks(text, "sh"), *re.findall(r"`([^`\n]+)`", text)]
    used = {
        name for each in snippets for name in re.findall(r"^(?:\w+=\w+ )?make ([a-z]+)", each, re.M)
    }
    assert used <= set(targets)


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_nothing_is_installed_from_an_index_before_there_is_a_release(path: Path) -> None:
    assert not re.search(r"pip install '?wsgi-lambda", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "path", [path for path in PAGES if name_of(path) not in GENERATED], ids=name_of
)
def test_words_are_those_of_the_field(path: Path) -> None:
    assert NOT_OUR_WORDS.findall(path.read_text(encoding="utf-8")) == []


def test_make_lists_its_targets() -> None:
    makefile = page("Makefile")
    (phony,) = re.findall(r"^\.PHONY: help (.+)$", makefile, re.MULTILINE)
    # Under `make test`, make would print the folders that it enters.
    command = ["make", "--no-print-directory"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert {line.split()[1] for line in run.stdout.splitlines()} == set(phony.split())
