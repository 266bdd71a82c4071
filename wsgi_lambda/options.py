"""Every option, declared once: name, default, parser, meaning.

The names are those of Kong's `aws-lambda` plugin. A group is what one step
needs to know: which requests (`Match`), what to invoke (`Target`), over which
connection (`Transport`), what to send (`EventOptions`), what to answer
(`AnswerOptions`). `read_routes` makes them out of a configuration, or raises
one `ConfigError` with all that is wrong.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from wsgi_lambda import parsers
from wsgi_lambda.credentials import Credentials
from wsgi_lambda.errors import ConfigError

MEBIBYTE = 1024 * 1024  # bytes

#: What Lambda takes as a synchronous or asynchronous event, bytes.
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
SYNCHRONOUS_PAYLOAD = 6 * MEBIBYTE
ASYNCHRONOUS_PAYLOAD = 1 * MEBIBYTE

#: Lambda's limit for a result, with room for the few bytes of envelope (an
#: error's JSON) that it does not count.
BUFFERED_RESPONSE = 6 * MEBIBYTE + 64 * 1024

#: Partitions whose names do not end in amazonaws.com, by the region's start.
PARTITION_SUFFIXES = {
    "cn-": "amazonaws.com.cn",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
    "eusc-": "amazonaws.eu",
}


def option(parse: Callable[[object], Any], default: Any = None, *, doc: str) -> Any:
    """Declare one option as a dataclass field; a secret never shows in a repr."""
    shown = parse is not parsers.secret
    return field(default=default, repr=shown, metadata={"parse": parse, "doc": doc})


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which requests below the route's path are the route's; empty means all."""

    methods: frozenset[str] = option(
        parsers.methods, frozenset(), doc="HTTP methods, as a list; HEAD is not implied by GET"
    )
    hosts: tuple[str, ...] = option(
        parsers.hosts,
        (),
        doc="names of the Host header, as a list; `*.` before or `.*` after a name as in Kong",
    )
    consumers: frozenset[str] = option(
        parsers.names, frozenset(), doc="values of `REMOTE_USER`, as a list"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What to invoke, and as whom."""

    function_name: str = option(
        parsers.function_name, "", doc="name, ARN or partial ARN, with optional `:alias`; required"
    )
    qualifier: str | None = option(parsers.qualifier, doc="version or alias")
    aws_key: str | None = option(
        parsers.secret, doc="access key id, with `aws_secret`; else the environment's"
    )
    aws_secret: str | None = option(parsers.secret, doc="secret access key")
    aws_session_token: str | None = option(
        parsers.secret, doc="session token of temporary `aws_key` and `aws_secret`"
    )
    aws_region: str = option(
        parsers.region,
        "",
        doc="else the ARN's, the environment's `AWS_REGION`, `AWS_DEFAULT_REGION`",
    )
    invocation_type: str = option(
        parsers.one_of("RequestResponse", "Event", "DryRun"),
        "RequestResponse",
        doc="wait for the result, queue the event (202), or only check permissions (204)",
    )
    log_type: str = option(
        parsers.one_of("Tail", "None"),
        "Tail",
        doc="`Tail` fetches the last 4 kB of the function's log into the logger `wsgi_lambda.tail`",
    )
    timeout: float = option(
        parsers.milliseconds, 60.0, doc="ms; a total deadline for the invocation"
    )

    @property
    def credentials(self) -> Credentials | None:
        """The route's own keys, or None where the environment is asked for each request."""
        if self.aws_key is None or self.aws_secret is None:
            return None
        return Credentials(self.aws_key, self.aws_secret, self.aws_session_token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """One endpoint and its pool; routes with the same values share connections."""

    host: str = option(
        parsers.host, "", doc="of the endpoint; else `lambda.<region>.<suffix of the partition>`"
    )
    port: int = option(parsers.integer(1, 65535), 0, doc="else 443, with `disable_https` 80")
    disable_https: bool = option(parsers.boolean, False, doc="speak plain HTTP to the endpoint")
    tls_verify: bool | str = option(
        parsers.tls_verify, True, doc="true, false, or the path of a CA bundle (PEM)"
    )
    keepalive: float = option(
        parsers.milliseconds,
        60.0,
        doc="ms; a pooled connection that was idle for longer is closed, not used",
    )
    pool_size: int = option(parsers.integer(1), 100, doc="idle connections kept for the endpoint")

    @property
    def scheme(self) -> str:
        return "http" if self.disable_https else "https"

    @property
    def default_port(self) -> int:
        return 80 if self.disable_https else 443

    @property
    def authority(self) -> str:
        """Host and, where it is not the scheme's own, port: the Host header that is signed."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == self.default_port else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOptions:
    """How a request becomes an event."""

    forward_request_method: bool = option(
        parsers.boolean, False, doc="put `request_method` into the event"
    )
    forward_request_uri: bool = option(
        parsers.boolean, False, doc="put `request_uri`, `request_uri_args` into the event"
    )
    forward_request_headers: bool = option(
        parsers.boolean, False, doc="put `request_headers` into the event"
    )
    forward_request_body: bool = option(
        parsers.boolean, False, doc="put `request_body`, `request_body_args` into the event"
    )
    base64_encode_body: bool = option(
        parsers.boolean, True, doc="`request_body` of a type that is no text goes as base64"
    )
    strip_path: bool = option(
        parsers.boolean,
        False,
        doc="leave the route's path out of the path in the event; `request_uri` is never stripped",
    )
    skip_large_bodies: bool = option(
        parsers.boolean, True, doc="accepted for Kong's sake; a body is never dropped"
    )
    max_payload_size: int = option(
        parsers.integer(1), 0, doc="bytes of the encoded event: 6 MiB, for `Event` 1 MiB"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOptions:
    """How Lambda's reply becomes an HTTP answer."""

    is_proxy_integration: bool = option(
        parsers.boolean, False, doc="the function's result says status, headers and body"
    )
    unhandled_status: int | None = option(
        parsers.integer(200, 999), doc="status when the function failed and did not handle it"
    )
    empty_arrays_mode: str = option(
        parsers.one_of("correct", "legacy"), "correct", doc="`legacy` turns every `[]` into `{}`"
    )
    max_response_size: int = option(
        parsers.integer(1), BUFFERED_RESPONSE, doc="bytes of Lambda's answer; above it 502"
    )
    expose_log_result: bool = option(
        parsers.boolean, False, doc="pass `X-Amz-Log-Result`, the function's log, to the client"
    )
    expose_stack_trace: bool = option(
        parsers.boolean, False, doc="pass the stack trace of a function error to the client"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One function under one path, with all that the steps need to know."""

    path: str
    match: Match
    target: Target
    transport: Transport
    event: EventOptions
    answer: AnswerOptions


Group = TypeVar("Group", Match, Target, Transport, EventOptions, AnswerOptions)
GROUPS = (Match, Target, Transport, EventOptions, AnswerOptions)

#: Every option by its name: its dataclass field, with default, parser and meaning.
OPTIONS = {item.name: item for group in GROUPS for item in fields(group)}

#: One set of credentials.
KEYS = {"aws_key", "aws_secret", "aws_session_token"}


def read_routes(config: object, environ: Mapping[str, str] = os.environ) -> tuple[Route, ...]:
    """Return the routes of ``config``, in its order.

    ``config`` maps option names to values that hold for all routes, and
    ``routes`` to a mapping of path to one mapping of options, or a list of
    them. None means not set. Raises `ConfigError` with everything that is wrong.
    """
    if not isinstance(config, Mapping):
        raise ConfigError([f"configuration: must be a mapping, not {type(config).__name__}"])
    errors: list[str] = []
    defaults = _parse({name: config[name] for name in config if name != "routes"}, "", errors)
    routes = []
    for place, path, own in _route_entries(config.get("routes"), errors):
        parsed = _joined(defaults, _parse(own, f"{place}.", errors))
        route = _make_route(place, path, parsed, environ, errors)
        if route is not None:
            routes.append(route)
    if errors:
        raise ConfigError(errors)
    return tuple(routes)


@dataclass(frozen=True, slots=True)
class _Parsed:
    """Options of one place: the values that are right, and the names of those that are not."""

    values: dict[str, Any] = field(repr=False)
    faulty: frozenset[str]


def _parse(given: Mapping[Any, object], place: str, errors: list[str]) -> _Parsed:
    values: dict[str, Any] = {}
    faulty = set()
    for name, value in given.items():
        if name not in OPTIONS:
            near = _near(name)
            # What was misspelt is not missing, too.
            faulty.update(near)
            errors.append(f"{place}{_unknown(name, near)}")
        elif value is not None:
            try:
                values[name] = OPTIONS[name].metadata["parse"](value)
            except ValueError as error:
                faulty.add(name)
                errors.append(f"{place}{name}: {error}")
    return _Parsed(values, frozenset(faulty))


def _near(name: object) -> list[str]:
    return difflib.get_close_matches(str(name).lower(), OPTIONS, n=1)


def _unknown(name: object, near: list[str]) -> str:
    if not isinstance(name, (str, int)):
        return f"a name of type {type(name).__name__}: unknown option"
    return f"{name}: unknown option" + (f"; did you mean {near[0]!r}?" if near else "")


def _joined(defaults: _Parsed, own: _Parsed) -> _Parsed:
    """Lay a route's options over the defaults.

    A session token belongs to its keys: one of the defaults does not go with
    keys of a route.
    """
    hidden = own.values.keys() | own.faulty
    if hidden & KEYS:
        hidden |= {"aws_session_token"}
    if parsers.split_function_name(own.values.get("function_name", ""))[0]:
        # A default region is for the routes that do not say theirs, as an ARN does.
        hidden |= {"aws_region"}
    values = {name: value for name, value in defaults.values.items() if name not in hidden}
    return _Parsed(values | own.values, (defaults.faulty - hidden) | own.faulty)


def _route_entries(
    routes: object, errors: list[str]
) -> Iterator[tuple[str, str, Mapping[Any, object]]]:
    """Yield (place, normal path, own options) of every entry that can be read."""
    if not isinstance(routes, Mapping):
        errors.append("routes: required, a mapping of paths to options")
        return
    seen: dict[str, str] = {}
    for key, value in routes.items():
        place = f"routes[{key!r}]"
        if not parsers.is_path(key):
            errors.append(f"{place}: a path must be a text that starts with '/', without NUL")
        path = str(key).rstrip("/") or "/"
        if path in seen:
            errors.append(f"{place}: the same path as {seen[path]}; give a list of functions there")
        seen[path] = place
        several = isinstance(value, (list, tuple))
        if several and not value:
            errors.append(f"{place}: an empty list names no function")
        for number, own in enumerate(value if several else [value]):
            here = f"{place}[{number}]" if several else place
            if isinstance(own, Mapping):
                yield here, path, own
            else:
                errors.append(f"{here}: must be a mapping of options, not {type(own).__name__}")


def _make_route(
    place: str, path: str, parsed: _Parsed, environ: Mapping[str, str], errors: list[str]
) -> Route | None:
    """Return one route, or None after adding what does not fit together to ``errors``."""
    values = parsed.values
    target = _make(Target, values)
    event = _make(EventOptions, values)
    region = _region(target, environ)
    problems = [
        f"{place}.{name}: {problem}"
        for name, sources, problem in _contradictions(target, region)
        # What was given wrong is neither missing nor contradicted.
        if not parsed.faulty & {name, *sources}
    ]
    errors.extend(problems)
    if problems or parsed.faulty:
        return None
    payload = ASYNCHRONOUS_PAYLOAD if target.invocation_type == "Event" else SYNCHRONOUS_PAYLOAD
    return Route(
        path=path,
        match=_make(Match, values),
        target=replace(target, aws_region=region),
        transport=_complete(_make(Transport, values), region),
        event=replace(event, max_payload_size=event.max_payload_size or payload),
        answer=_make(AnswerOptions, values),
    )


def _make(group: type[Group], values: Mapping[str, Any]) -> Group:
    """Return one group of options with the values that are its own."""
    own = {item.name: values[item.name] for item in fields(group) if item.name in values}
    return group(**own)


def _contradictions(target: Target, region: str) -> Iterator[tuple[str, set[str], str]]:
    """Yield (option, options that it is judged by, what is wrong) where values do not fit."""
    in_arn, _, suffix = parsers.split_function_name(target.function_name)
    if not target.function_name:
        yield "function_name", set(), "required"
    if suffix and target.qualifier and suffix != target.qualifier:
        yield "qualifier", set(), "contradicts the one at the end of function_name"
    if target.aws_key is None and target.aws_secret is not None:
        yield "aws_key", set(), "required with aws_secret"
    if target.aws_secret is None and target.aws_key is not None:
        yield "aws_secret", set(), "required with aws_key"
    if target.aws_session_token is not None and target.aws_key is None:
        yield "aws_session_token", KEYS, "needs aws_key and aws_secret"
    if in_arn and region != in_arn:
        yield "aws_region", set(), "contradicts the region in function_name"
    if not region:
        yield (
            "aws_region",
            {"function_name"},
            "not set, and neither a full ARN in function_name nor AWS_REGION "
            "or AWS_DEFAULT_REGION in the environment tells it",
        )
    elif not parsers.is_region(region):
        yield (
            "aws_region",
            set(),
            "AWS_REGION or AWS_DEFAULT_REGION in the environment is no AWS region",
        )


def _region(target: Target, environ: Mapping[str, str]) -> str:
    in_arn, _, _ = parsers.split_function_name(target.function_name)
    named = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or ""
    return target.aws_region or in_arn or named


def _complete(transport: Transport, region: str) -> Transport:
    """Return ``transport`` with the host and port that Lambda has where none is given."""
    suffix = next(
        (name for start, name in PARTITION_SUFFIXES.items() if region.startswith(start)),
        "amazonaws.com",
    )
    return replace(
        transport,
        host=transport.host or f"lambda.{region}.{suffix}",
        port=transport.port or transport.default_port,
    )
