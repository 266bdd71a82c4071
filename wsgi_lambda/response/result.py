"""The result of an invocation that the app made itself."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.response.plain import decode_log, function_failure
from wsgi_lambda.response.service_error import service_error


class Result(NamedTuple):
    """What a function returned, and how it was invoked.

    ::

        functions["pay"].invoke({"order": 7}).json  # {"total": 12}
    """

    #: 200; 202 for `invocation_type` Event, 204 for DryRun.
    status: int
    body: bytes
    #: The end of the function's log, "" if the reply contains none.
    log: str
    request_id: str
    executed_version: str

    @property
    def json(self) -> Any:
        """The parsed body, None if it is empty; raises ValueError if it is not JSON."""
        return json.loads(self.body) if self.body else None


def result_of(reply: Reply) -> Result:
    """Return the result in ``reply``; raise `ServiceError` or `FunctionError` if there is none."""
    if not reply.is_success:
        raise service_error(reply)
    if reply.outcome != "ok":
        raise function_failure(reply)
    return Result(
        status=reply.status,
        body=reply.body,
        log=decode_log(reply.header("x-amz-log-result")),
        request_id=reply.request_id,
        executed_version=reply.header("x-amz-executed-version"),
    )
