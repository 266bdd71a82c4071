"""Decide whether local mode is on, and prepare the routes that run in this process."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from importlib.util import find_spec

from wsgi_lambda.errors import Problem
from wsgi_lambda.options import Route, Transport

log = logging.getLogger("wsgi_lambda")

VARIABLE = "WSGI_LAMBDA_LOCAL"
_ON, _OFF = ("1", "true"), ("0", "false", "")

#: The region of a route in this process, unless one is configured.
REGION = "us-east-1"
#: The connection options of a route in this process: nothing is ever sent there.
IN_PROCESS = Transport(host="in-process", port=80, disable_https=True)


def is_switched_on(
    option: bool | None, environ: Mapping[str, str], problems: list[Problem]
) -> bool:
    """Return whether local mode is on: by the option ``local``, else by the environment.

    Adds a problem if the variable has another value, or if simplejson is missing.
    """
    word = environ.get(VARIABLE, "").lower()
    if option is None and word not in (*_ON, *_OFF):
        text = f"{VARIABLE} in the environment must be 1, true, 0 or false"
        problems.append(Problem("", text, "invalid_environment"))
    is_on = option if option is not None else word in _ON
    if is_on and find_spec("simplejson") is None:
        place = "local" if option is not None else VARIABLE
        text = "needs simplejson: pip install '.[local]' in the checkout"
        problems.append(Problem(place, text, "needs_simplejson"))
    return is_on


def warn_of_local_mode(routes: Sequence[Route]) -> None:
    """Log one warning with the routes and named functions that run in this process."""
    labels = dict.fromkeys(route.label for route in routes if route.is_local)
    if labels:
        log.warning("local mode: in this process instead of Lambda: %s", ", ".join(labels))
    else:
        log.warning("local mode is on, but no route has the option handler")
