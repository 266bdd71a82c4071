"""The functions of one test, and the calls that reached them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wsgi_lambda.options.aws_names import function_name, split_function_name
from wsgi_lambda.testing.replies import Simulated

#: The behaviour of a function to which nothing was assigned.
UNKNOWN = object()


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the Invoke API; an invocation that is sent again is several calls."""

    #: The bare name, without ARN and alias.
    function: str
    #: The version or alias, "" without one.
    qualifier: str
    #: The bytes of the event.
    payload: bytes
    #: "RequestResponse", "Event" or "DryRun".
    invocation_type: str
    #: The decoded client context, None without one.
    client_context: Any
    tenant_id: str | None
    #: The headers that were signed and sent; names in lower case.
    headers: Mapping[str, str] = field(repr=False)

    @property
    def event(self) -> Any:
        """The decoded event; each access returns new objects."""
        return json.loads(self.payload)


class FakeFunction:
    """One function of a test: its behaviour, and its calls."""

    __slots__ = ("_items", "calls", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls: list[Call] = []
        self._items: list[Any] = [UNKNOWN]

    @property
    def event(self) -> Any:
        """The event of the only call; AssertionError unless there was exactly one."""
        __tracebackhide__ = True  # pytest shows the line of the test
        if len(self.calls) != 1:
            raise AssertionError(f"function {self.name!r} was called {_times(len(self.calls))}")
        return self.calls[0].event

    def assign(self, behaviour: object) -> None:
        """Replace the behaviour; a list is one item for each call, and its last one repeats."""
        items = behaviour if isinstance(behaviour, list) else [behaviour]
        if not items:
            raise ValueError(f"function {self.name!r}: the list must have at least one item")
        for item in items:
            if hint := _hint(item):
                raise TypeError(f"function {self.name!r}: write {hint}")
        self._items = [*items]

    def next_item(self) -> Any:
        """Return the behaviour of the next call."""
        return self._items.pop(0) if len(self._items) > 1 else self._items[0]

    def __repr__(self) -> str:
        return f"<function {self.name!r}, called {_times(len(self.calls))}>"


class LambdaFunctions:
    """The functions of a test by their bare names; see `wsgi_lambda.testing`.

    A callable takes event and context, and runs in the thread of the request. Any
    other value is returned as JSON, and a `Simulated` reply is sent as it is.
    """

    __slots__ = ("_functions", "_lock", "_unknown", "calls", "is_strict")
    # Every name has a function, so none is "in" or missing.
    __contains__ = None
    __iter__ = None

    def __init__(self) -> None:
        #: Whether the test fails if it calls a function to which nothing was assigned.
        self.is_strict = True
        #: All calls, in order.
        self.calls: list[Call] = []
        self._functions: dict[str, FakeFunction] = {}
        self._unknown: list[str] = []
        self._lock = threading.RLock()

    def __getitem__(self, name: str) -> FakeFunction:
        with self._lock:
            if name not in self._functions:
                self._functions[name] = FakeFunction(_bare(name))
            return self._functions[name]

    def __setitem__(self, name: str, behaviour: Callable[[Any, Any], Any] | object) -> None:
        self[name].assign(behaviour)

    def record(self, call: Call) -> Any:
        """Add a call, and return what it does: an item that was assigned, or `UNKNOWN`."""
        with self._lock:
            function = self[call.function]
            self.calls.append(call)
            function.calls.append(call)
            item = function.next_item()
            if item is UNKNOWN:
                self._unknown.append(call.function)
            return item

    def check(self) -> None:
        """Raise an AssertionError, once, that names the unknown functions that were called."""
        __tracebackhide__ = True
        names, self._unknown = dict.fromkeys(self._unknown), []
        if names and self.is_strict:
            shown = ", ".join(map(repr, names))
            raise AssertionError(
                f"functions that lambda_functions does not know were called: {shown}; assign "
                "something to each, or set lambda_functions.is_strict = False"
            )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _bare(name: str) -> str:
    """Return ``name``; raise a ValueError unless it is the bare name of a function."""
    try:
        bare = split_function_name(function_name(name)).name
    except ValueError as error:
        raise ValueError(f"{name!r} {error}") from None
    if bare != name:
        raise ValueError(f"write the bare name, {bare!r}")
    return name


def _hint(item: object) -> str:
    """Return what to write instead of ``item``, "" if nothing is wrong with it."""
    kind = item if isinstance(item, type) else type(item)
    if kind is item and issubclass(kind, Simulated):
        return f"{kind.__name__}()"
    if issubclass(kind, BaseException):
        return f"FunctionError(message, {kind.__name__!r}), or a callable that raises"
    return ""
