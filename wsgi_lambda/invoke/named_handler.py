"""Find the handler that a route of local mode names."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from types import MethodType
from typing import Any

from wsgi_lambda.local_runtime.encoding import Fault
from wsgi_lambda.local_runtime.loading import Handler, load_from_file, load_from_module
from wsgi_lambda.options import HandlerName

Named = Callable[..., Any] | HandlerName | None


def key_of(named: Named) -> tuple[object, ...]:
    """Return a value that is equal for all names of the same handler."""
    function = named.function if isinstance(named, HandlerName) else None
    return (*source_of(named), function)


def source_of(named: Named) -> tuple[object, ...]:
    """Return a value that is equal for all handlers of one module, or for one callable."""
    if isinstance(named, MethodType):  # each access makes another object
        return "method", id(named.__self__), named.__func__
    if not isinstance(named, HandlerName):
        return "callable", id(named)
    return "module", os.path.abspath(named.source) if named.is_file else named.source.replace(
        "/", "."
    )


def loader_of(named: Any) -> Callable[[], Handler]:
    """Return a function that loads the handler, or raises what `load_from_file` raises."""
    if not isinstance(named, HandlerName):
        return lambda: named
    if named.is_file:
        # A server may change its folder before the first invocation.
        return partial(load_from_file, os.path.abspath(named.source), named.function)
    return partial(load_from_module, named.source, named.function)


def loading_error(named: Named) -> str:
    """Return why the handler cannot be loaded, "" if it can; its module runs.

    Example: ``"Runtime.HandlerNotFound: Handler 'pay' missing on module 'shop'"``.
    """
    try:
        loader_of(named)()
    except Fault as fault:
        return f"{fault.error_type}: {fault.message}"
    except BaseException as error:  # noqa: BLE001 - also SystemExit of the module
        return f"its module raised {type(error).__name__}"
    return ""
