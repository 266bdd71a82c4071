"""Add the W3C trace of an invocation to its client context.

AWS's runtimes hand the key `w3c` to the function as ``context.w3c()`` (Python:
awslambdaric 4.2.0 and later); older ones ignore it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from wsgi_lambda.options.aws_names import CLIENT_CONTEXT_LENGTH

#: If the limit leaves no room for all, the last ones are left out first.
_W3C = ("traceparent", "tracestate", "baggage")


def with_w3c(encoded: str | None, propagated: Mapping[str, str]) -> str | None:
    """Return a client context (base64 of JSON) with the W3C headers of ``propagated``.

    ``{"w3c": {"traceparent": "00-…"}}`` is added to ``encoded``, which may be None. Its own
    `w3c` wins. Above the limit of AWS, `baggage` is left out first, then `tracestate`, then
    all of it.
    """
    # json.dumps takes 0.4 µs for a string, 2 µs for a dict.
    w3c = [f'"{name}": {json.dumps(propagated[name])}' for name in _W3C if propagated.get(name)]
    own = json.loads(base64.b64decode(encoded)) if encoded else {}
    if "w3c" in own:
        return encoded
    before = f"{json.dumps(own)[:-1]}, " if own else "{"
    while w3c:
        longer = base64.b64encode(f'{before}"w3c": {{{", ".join(w3c)}}}}}'.encode())
        if len(longer) <= CLIENT_CONTEXT_LENGTH:
            return longer.decode("ascii")
        w3c.pop()
    return encoded
