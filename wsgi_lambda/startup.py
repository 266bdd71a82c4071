"""Log what was configured, and warn of settings that are probably a mistake in production."""

from __future__ import annotations

import ipaddress
import logging
import os
from collections.abc import Sequence
from typing import Any

from wsgi_lambda.gunicorn_timeout import gunicorn_settings, warn_of_short_timeout
from wsgi_lambda.options import Route

log = logging.getLogger("wsgi_lambda")

#: With more routes, one line has their number.
MOST_LINES = 20

# The modules of our own observers: both use Lambda's reports.
_OTEL = "wsgi_lambda.observe.opentelemetry"
_PROMETHEUS = "wsgi_lambda.observe.prometheus"


def log_start(routes: Sequence[Route], observers: Sequence[object]) -> None:
    """Log a line for each of ``routes`` (named functions included) and warnings.

    Nothing is opened or looked up.
    """
    if log.isEnabledFor(logging.INFO):
        _log_routes(routes)
    _warn_of_open_endpoints(routes)
    warn_of_short_timeout(routes)
    names = {type(observer).__module__ for observer in observers}
    _note_missing_reports(routes, names)
    settings = gunicorn_settings()
    if settings is not None:
        _compare_with_gunicorn(routes, names, settings)


def _log_routes(routes: Sequence[Route]) -> None:
    if len(routes) <= MOST_LINES:
        for route in routes:
            log.info("%s", _line(route))
        return
    named = sum(1 for route in routes if route.name)
    log.info(
        "%d routes, %d named functions, %d Lambda functions, %d Lambda endpoints",
        len(routes) - named,
        named,
        len({route.target.function_name for route in routes}),
        len({route.endpoint for route in routes}),
    )


def _line(route: Route) -> str:
    """Return a route in one line.

    ``"route /shop POST -> orders:live, eu-west-1, https://lambda.eu-west-1.amazonaws.com,
    RequestResponse, timeout 60 s, credentials: environment, else the chain"``.
    """
    target = route.target
    methods = "" if route.name else "".join(f" {name}" for name in sorted(route.match.methods))
    alias = f":{target.qualifier}" if target.qualifier else ""
    function = target.function_name.removesuffix(alias) + alias
    start = f"function {route.name}" if route.name else f"route {route.label}{methods}"
    where = "in this process" if route.is_local else route.endpoint
    parts = [f"{start} -> {function}", target.aws_region, where, target.invocation_type]
    parts.append(f"timeout {target.timeout:g} s")
    return ", ".join(parts) + ("" if route.is_local else f", credentials: {_credentials(route)}")


def _credentials(route: Route) -> str:
    identity = route.identity
    base = "environment, else the chain" if identity.aws_key is None else "the configuration"
    role = identity.aws_assume_role_arn
    return f"role {role} through {base}" if role else base


def _warn_of_open_endpoints(routes: Sequence[Route]) -> None:
    remote = [route.transport for route in routes if not route.is_local and not _is_here(route)]
    for url in dict.fromkeys(each.url for each in remote if each.disable_https):
        log.warning("events and signatures are sent to %s unencrypted (disable_https)", url)
    unverified = (each.url for each in remote if each.tls_verify is False)
    for url in dict.fromkeys(url for url in unverified if url.startswith("https:")):
        log.warning("the certificate of %s is not verified (tls_verify)", url)


def _is_here(route: Route) -> bool:
    host = route.transport.host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _note_missing_reports(routes: Sequence[Route], names: set[str]) -> None:
    silent = [route.label for route in routes if route.target.log_type == "None"]
    if silent and names & {_OTEL, _PROMETHEUS}:
        log.info(
            "cold starts and billed time of %s are unknown, because log_type is None",
            ", ".join(silent),
        )


def _compare_with_gunicorn(routes: Sequence[Route], names: set[str], settings: Any) -> None:
    if (
        _PROMETHEUS in names
        and settings.workers > 1
        and not os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    ):
        log.warning(
            "a scrape shows one of %d workers; set PROMETHEUS_MULTIPROC_DIR to an empty directory",
            settings.workers,
        )
    longest = max(routes, key=lambda route: route.target.timeout, default=None)
    if longest is not None and longest.target.timeout > settings.graceful_timeout:
        log.info(
            "a restart of gunicorn cuts off requests after %g s (graceful_timeout), but the route "
            "%s may wait for %g s",
            settings.graceful_timeout,
            longest.label,
            longest.target.timeout,
        )
    smallest = min(routes, key=lambda route: route.transport.pool_size, default=None)
    if smallest is not None and settings.threads > smallest.transport.pool_size:
        log.info(
            "a worker has %d threads, but keeps %d connections (pool_size of the route %s)",
            settings.threads,
            smallest.transport.pool_size,
            smallest.label,
        )
