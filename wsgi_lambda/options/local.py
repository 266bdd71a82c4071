"""Options of local mode, and the names of handlers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from wsgi_lambda.options import parsers
from wsgi_lambda.options.declaration import OptionGroup, option

_SEGMENT = re.compile(r"[^\s.:/\\]+")
_NO_HANDLER = (
    "must be callable, or a string such as package.module:function, package.module.function or "
    "path/to/app.py:function"
)


class HandlerName(NamedTuple):
    """The place of a handler: ``HandlerName("src/app", "handler")``.

    ``source`` is a module as in Lambda's notation, or the path of a file that
    ends with ``.py``.
    """

    source: str
    function: str

    @property
    def is_file(self) -> bool:
        """Whether `source` is the path of a file."""
        return self.source.endswith(".py")


def handler(value: object) -> Callable[..., Any] | HandlerName:
    """Parse a callable, or the name of one; nothing is imported.

    ``"src.app:handler"`` and Lambda's own ``"src/app.handler"`` name a module,
    ``"src/app.py:handler"`` a file.
    """
    if callable(value):
        return value
    text = parsers.string(value)
    source, colon, function = text.rpartition(":")
    if not colon:
        source, _, function = text.rpartition(".")
    if not colon and function == "py":
        raise ValueError("is a file; name its function, too, as in path/to/app.py:function")
    found = HandlerName(source, function)
    segments = source.replace("/", ".").split(".")
    is_source = (found.is_file and colon) or all(map(_SEGMENT.fullmatch, segments))
    if not is_source or not source.isprintable() or not function.isidentifier():
        raise ValueError(_NO_HANDLER)
    return found


class LocalOptions(OptionGroup):
    """Local mode.

    These options have no effect unless [local mode](local.md#your-app-without-aws) is on.
    """

    handler: Callable[..., Any] | HandlerName | None = option(
        handler,
        type_name="callable or string",
        doc="The function's handler, which runs in this process: `package.module:function`, "
        "Lambda's own notation `package.module.function` or `src/app.handler`, or a file "
        "`path/to/app.py:function`. It is imported at the first invocation",
    )
    handler_timeout: float | None = option(
        parsers.milliseconds,
        type_name="milliseconds",
        doc="The function's own timeout, which Lambda enforces in addition to `timeout`",
    )
    handler_concurrency: int = option(
        parsers.integer(1),
        1,
        type_name="integer",
        default_doc="1",
        doc="Concurrent invocations of the handler; further ones wait. Routes with the same "
        "handler share the limit, and the smallest number applies",
    )
