"""Decide whether a request is watched, by the access log or by observers."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from wsgi_lambda.record import Recorder, Watch

from wsgi_lambda.log_limit import LogLimit
from wsgi_lambda.options import Route
from wsgi_lambda.request import NoRequest, Request
from wsgi_lambda.response.wsgi import Response

access_log = logging.getLogger("wsgi_lambda.access")


class Unwatched:
    """Stands for the watch of a request that nobody watches."""

    def replied(self, error: BaseException | None = None) -> None:
        """The reply, or the failure, is known."""

    def ended(self, response: Response) -> Response:
        """Return the response to send."""
        return response

    def completed(self, status: int) -> None:
        """The response, or the result of an invocation by the app, is complete."""

    def broke(self, error: BaseException) -> None:
        """The request ends with an exception of the server or of foreign code."""


UNWATCHED = Unwatched()

AnyWatch: TypeAlias = "Unwatched | Watch"


class Watcher:
    """Watches requests while the access log is enabled, or if there are observers."""

    def __init__(
        self, routes: Iterable[Route], observers: Sequence[object], limit: LogLimit
    ) -> None:
        self._routes = tuple(routes)
        self._given = observers
        self._limit = limit
        self._recorder = self._make_recorder() if observers else None

    def watch(self, route: Route | None, request: Request | NoRequest) -> AnyWatch:
        """Return the watch of a request, which begins now."""
        if route is None:
            return UNWATCHED
        if self._limit.is_holding:
            self._limit.report()
        if self._given or access_log.isEnabledFor(logging.INFO):
            if self._recorder is None:
                self._recorder = self._make_recorder()
            return self._recorder.watch(route, request)
        return UNWATCHED

    def _make_recorder(self) -> Recorder:
        # Records need more modules, which many processes never use.
        from wsgi_lambda.record import Recorder

        return Recorder(self._routes, self._given, self._limit)
