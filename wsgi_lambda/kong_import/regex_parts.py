"""Split a regular expression of Kong's into literals, slashes and parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

DOT = "in Kong an unescaped . matches any character; here it is a dot"
EMPTY = "in Kong a parameter may be empty; here it may not"
NARROWER = (
    "in Kong a parameter matches certain segments only, such as digits; here it matches every "
    "segment, so let the function reject the others"
)

_GROUP = re.compile(r"\((?:\?P?<(?P<name>[A-Za-z_]\w*)>|\?:)?")
_CLASS = re.compile(r"\[(?P<negated>\^?)(?P<members>(?:\]?(?:\\.|[^\]\\])*))\]")
_QUANTIFIER = re.compile(r"(?:(?:[*+?]|\{\d+(?:,\d*)?\})[?+]?)?")
_ANYTHING = re.compile(r"\.(?P<sign>[*+])\??")
_LITERAL = re.compile(
    r"\\(?P<escaped>[^A-Za-z0-9{}])|(?P<plain>[A-Za-z0-9_~%!@,;=:&'\"<> -]|[^\x00-\x7f])"
)
#: A range of characters, such as ``a-z``, or one member of a class.
_MEMBER = re.compile(r"\\(?P<escape>.)|(?P<first>.)-(?P<last>[^\\])|(?P<one>.)", re.DOTALL)

#: A parenthesis that is neither escaped nor in a class, among escapes and classes.
PARENTHESES = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[()]")


class Untranslatable(ValueError):
    """A regular expression that cannot be written as a path; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of an expression: a literal, ``/``, or a parameter (``name`` may be "")."""

    literal: str = ""
    is_parameter: bool = False
    is_rest: bool = False
    name: str = ""
    difference: str = ""


def read_parts(body: str) -> Iterator[Part]:
    """Yield the parts of ``body``; raises `Untranslatable`."""
    position = 0
    while position < len(body):
        part, position = _next_part(body, position)
        yield part


def _next_part(body: str, position: int) -> tuple[Part, int]:
    if body.startswith(("/", r"\/"), position):
        return Part(literal="/"), position + (1 if body[position] == "/" else 2)
    literal = _LITERAL.match(body, position)
    if literal is not None and not _is_quantified(body, literal.end()):
        return Part(literal=literal["escaped"] or literal["plain"]), literal.end()
    group = _GROUP.match(body, position)
    if group is not None:
        end = _end_of_group(body, position)
        return _of_group(body[group.end() : end - 1], group["name"] or ""), end
    anything = _ANYTHING.match(body, position)
    if anything is not None:
        return Part(is_parameter=True, is_rest=True, difference=_of_rest(anything)), anything.end()
    if body[position] == "." and not _is_quantified(body, position + 1):
        return Part(literal=".", difference=DOT), position + 1
    atom = _one_segment(body, position)
    if atom is None:
        raise Untranslatable(f"{body[position:]!r} is neither a literal nor one segment")
    return replace(atom[0], is_parameter=True), atom[1]


def _is_quantified(body: str, position: int) -> bool:
    return body[position : position + 1] in ("*", "+", "?", "{")


def _of_rest(anything: re.Match[str]) -> str:
    return EMPTY if anything["sign"] == "*" else ""


def _end_of_group(body: str, start: int) -> int:
    depth = 0
    for found in PARENTHESES.finditer(body, start):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
    raise Untranslatable("it is invalid")  # pragma: no cover - re.compile() rejects it


def _of_group(inside: str, name: str) -> Part:
    """Return the parameter for a group: one segment, alternatives, or everything."""
    anything = _ANYTHING.fullmatch(inside)
    if anything is not None:
        return Part(is_parameter=True, is_rest=True, name=name, difference=_of_rest(anything))
    differences: list[str] = []
    for alternative in inside.split("|"):
        position = 0
        while position < len(alternative):
            literal = _LITERAL.match(alternative, position)
            atom = _one_segment(alternative, position)
            if literal is not None and "/" not in literal[0]:
                quantifier = _QUANTIFIER.match(alternative, literal.end())
                position = quantifier.end() if quantifier else literal.end()
                differences.append(NARROWER)
            elif atom is not None:
                differences.append(atom[0].difference)
                position = atom[1]
            else:
                raise Untranslatable(f"the group {inside!r} is not one segment")
    if not differences:
        raise Untranslatable(f"the group {inside!r} is not one segment")
    found = NARROWER if len(differences) > 1 else differences[0]
    return Part(is_parameter=True, name=name, difference=found)


def _one_segment(text: str, position: int) -> tuple[Part, int] | None:
    """Return the parameter for a class of characters without a slash, and where it ends."""
    found = _CLASS.match(text, position)
    if found is not None:
        is_whole, end = _is_whole_segment(found), found.end()
        if is_whole is None:
            return None
    elif text[position : position + 2] in (r"\d", r"\w", r"\h"):
        is_whole, end = False, position + 2
    else:
        return None
    quantifier = _QUANTIFIER.match(text, end)
    written = quantifier[0] if quantifier else ""
    difference = NARROWER
    if is_whole and written.startswith("*"):
        difference = EMPTY
    elif is_whole and written.startswith("+"):
        difference = ""
    return Part(difference=difference), end + len(written)


def _is_whole_segment(found: re.Match[str]) -> bool | None:
    """Return whether a class matches every character except a slash; None if it matches one."""
    members = found["members"]
    if found["negated"]:
        # No path contains ? or #.
        plain = members.replace("\\", "")
        return set(plain) <= set("/?#") if "/" in plain else None
    for member in _MEMBER.finditer(members):
        if member["escape"]:
            if member["escape"] in "/DSW":
                return None
        elif (member["first"] or member["one"]) <= "/" <= (member["last"] or member["one"]):
            return None
    return False
