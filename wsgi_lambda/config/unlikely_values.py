"""Warn about configurations that are valid, but probably a mistake."""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Sequence

from wsgi_lambda.options import Route

log = logging.getLogger("wsgi_lambda")

#: The regions of Lambda in all partitions. A region that is missing here works, too.
#: https://docs.aws.amazon.com/general/latest/gr/lambda-service.html
#: https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json
_REGION_NAMES = """
af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1
ap-south-2 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5
ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1 cn-north-1 cn-northwest-1 eu-central-1
eu-central-2 eu-isoe-west-1 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3
eusc-de-east-1 il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2
us-gov-east-1 us-gov-west-1 us-iso-east-1 us-iso-west-1 us-isob-east-1 us-isob-west-1
us-isof-east-1 us-isof-south-1 us-west-1 us-west-2
"""
REGIONS = frozenset(_REGION_NAMES.split())

#: The registered methods. Any other one works, too.
#: https://www.iana.org/assignments/http-methods
_METHOD_NAMES = """
ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT CONNECT COPY DELETE GET HEAD LABEL LINK LOCK MERGE
MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PRI
PROPFIND PROPPATCH PUT QUERY REBIND REPORT SEARCH TRACE UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE
UPDATEREDIRECTREF VERSION-CONTROL
"""
METHODS = frozenset(_METHOD_NAMES.split())
_USUAL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

# A parameter as Express writes it. Google's custom verbs (/items:batch) are inside a segment.
_EXPRESS = re.compile(r"/:([A-Za-z_]\w*)(?=/|$)")

#: A shorter `timeout` was probably meant in seconds.
SHORT_TIMEOUT = 0.1  # seconds


def warn_of_unlikely_values(routes: Sequence[Route]) -> None:
    """Log one warning for each misspelt region, method or parameter of a path, and one for a very
    short `timeout`.
    """
    if not routes:
        log.warning("no routes are configured")
    for region in dict.fromkeys(route.target.aws_region for route in routes):
        near = _near_region(region)
        if near:
            log.warning("the region %s is unknown; did you mean %s?", region, near)
    for method in sorted(frozenset().union(*(route.match.methods for route in routes)) - METHODS):
        for usual in difflib.get_close_matches(method, _USUAL_METHODS, n=1):
            log.warning("the method %s is unknown; did you mean %s?", method, usual)
    for path in dict.fromkeys(str(route.path) for route in routes):
        for name in _EXPRESS.findall(path):
            log.warning(
                "the path %s contains ':%s' literally; a parameter is {%s}", path, name, name
            )
    shortest = min(routes, key=lambda route: route.target.timeout, default=None)
    if shortest and shortest.target.timeout < SHORT_TIMEOUT:
        log.warning(
            "the timeout of the route %s is %d ms; the unit of this option is milliseconds",
            shortest.label,
            round(shortest.target.timeout * 1000),
        )


def _near_region(region: str) -> str:
    """Return the known region that an unknown one resembles, or "".

    A region with the same letters comes first: "us-esat-1" is rather "us-east-1"
    than "us-west-1".
    """
    if region in REGIONS:
        return ""
    near = difflib.get_close_matches(region, sorted(REGIONS), n=5, cutoff=0.8)
    same_letters = [each for each in near if sorted(each) == sorted(region)]
    return next(iter([*same_letters, *near]), "")
