"""Declare one option: its name, default, parser, type and meaning, in one place.

`docs/options.md` is written from these declarations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any

from wsgi_lambda.options import addresses, aws_names, parsers

#: Parsers of options that may be secret; their values are left out of every repr.
SECRET_PARSERS = (
    parsers.secret,
    aws_names.external_id,
    addresses.proxy_url,
    aws_names.client_context,
)


def option(
    parse: Callable[[object], Any],
    default: Any = None,
    *,
    type_name: str,
    doc: str,
    default_doc: str = "none",
) -> Any:
    """Declare an option as a field of a dataclass.

    ``default`` is the parsed value (seconds), ``default_doc`` its text in the
    documentation (milliseconds). ``doc`` is Markdown on one line; ¹ means that
    the option requires botocore.
    """
    return field(
        default=default,
        repr=parse not in SECRET_PARSERS,
        metadata={"parse": parse, "type_name": type_name, "default_doc": default_doc, "doc": doc},
    )


def flag(default: bool, *, doc: str) -> Any:
    """Declare a boolean option."""
    return option(
        parsers.boolean, default, type_name="boolean", doc=doc, default_doc=str(default).lower()
    )


def choice(*choices: str, doc: str) -> Any:
    """Declare an option with a fixed set of strings; the first one is the default."""
    quoted = [f"`{each}`" for each in choices]
    return option(
        parsers.one_of(*choices),
        choices[0],
        type_name=", ".join(quoted),
        doc=doc,
        default_doc=quoted[0],
    )
