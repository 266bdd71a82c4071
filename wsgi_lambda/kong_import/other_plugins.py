"""Classify Kong's plugins other than aws-lambda: which protect a route, and which do not.

https://developer.konghq.com/plugins/
"""

from __future__ import annotations

import difflib

_LOGIN = (
    "everybody can run the function now: let the option authorize ask the app's own login "
    "(docs/flask.md, docs/django.md), or check the credentials in the function or in the proxy in "
    "front"
)
_ACCESS = (
    "the function gets these requests now: reject them in the option authorize, for example by "
    "the groups of the app's user, or in the server or proxy in front"
)
_LIMIT = (
    "nothing limits requests now, and each one runs the function: count them in the option "
    "authorize with the app's own limiter, or limit them in the proxy in front; max_concurrency "
    "bounds the cost"
)
_INSPECTION = (
    "invalid requests run the function now: check them in the option authorize, or let the "
    "function validate its event"
)
_CODE = (
    "its Lua code does not run here: if it rejects requests, do so in the option authorize; if it "
    "changes them, the function gets another event"
)

#: Plugins that protect a route, and what to do without them.
PROTECTING = {
    **dict.fromkeys(
        (
            "application-registration",
            "basic-auth",
            "header-cert-auth",
            "hmac-auth",
            "jwe-decrypt",
            "jwt",
            "jwt-signer",
            "key-auth",
            "key-auth-enc",
            "ldap-auth",
            "ldap-auth-advanced",
            "mtls-auth",
            "oauth2",
            "oauth2-introspection",
            "openid-connect",
            "saml",
            "session",
            "standard-webhooks",
            "tls-handshake-modifier",
            "vault-auth",
        ),
        _LOGIN,
    ),
    **dict.fromkeys(
        (
            "acl",
            "bot-detection",
            "ip-restriction",
            "opa",
            "redirect",
            "request-termination",
            "tls-metadata-headers",
        ),
        _ACCESS,
    ),
    **dict.fromkeys(
        (
            "ai-rate-limiting-advanced",
            "graphql-rate-limiting-advanced",
            "rate-limiting",
            "rate-limiting-advanced",
            "request-size-limiting",
            "response-ratelimiting",
            "service-protection",
            "websocket-size-limit",
        ),
        _LIMIT,
    ),
    **dict.fromkeys(
        (
            "ai-prompt-guard",
            "ai-semantic-prompt-guard",
            "injection-protection",
            "json-threat-protection",
            "oas-validation",
            "request-validator",
            "websocket-validator",
            "xml-threat-protection",
        ),
        _INSPECTION,
    ),
    **dict.fromkeys(("post-function", "pre-function"), _CODE),
}

_CORS = (
    "preflights run the function now, unless the route has methods without OPTIONS, and browsers "
    "refuse its responses unless they have Access-Control-Allow-Origin: let the app respond to "
    "preflights (Flask-CORS, django-cors-headers), and let the function send the headers "
    "(docs/faq.md)"
)
_EVENT = (
    "the function gets another event, without these changes: make them in the function, or in a "
    "middleware around this one"
)
_RESPONSE = "clients get the function's response without these changes: make them in the function"
_CACHE = "each request runs the function now: cache responses in the proxy in front"
_LOG = "nothing is sent there now: each invocation is in the log of the app (docs/operations.md)"
_UPSTREAM = "requests that it sent elsewhere, or responded to itself, run the function now"

#: Plugins that protect nothing, and the consequence of losing each.
HARMLESS = {
    "cors": _CORS,
    **dict.fromkeys(
        (
            "correlation-id",
            "degraphql",
            "jq",
            "request-callout",
            "request-transformer",
            "request-transformer-advanced",
            "route-transformer-advanced",
            "upstream-oauth",
        ),
        _EVENT,
    ),
    **dict.fromkeys(
        ("exit-transformer", "response-transformer", "response-transformer-advanced"), _RESPONSE
    ),
    **dict.fromkeys(
        ("graphql-proxy-cache-advanced", "proxy-cache", "proxy-cache-advanced"), _CACHE
    ),
    **dict.fromkeys(
        (
            "app-dynamics",
            "datadog",
            "file-log",
            "http-log",
            "kafka-log",
            "loggly",
            "opentelemetry",
            "prometheus",
            "statsd",
            "statsd-advanced",
            "syslog",
            "tcp-log",
            "udp-log",
            "zipkin",
        ),
        _LOG,
    ),
    **dict.fromkeys(
        (
            "azure-functions",
            "canary",
            "confluent",
            "forward-proxy",
            "grpc-gateway",
            "grpc-web",
            "kafka-upstream",
            "mocking",
            "openwhisk",
            "request-mirror",
            "route-by-header",
        ),
        _UPSTREAM,
    ),
    "acme": "it does not renew certificates here: let the server in front do it",
    "upstream-timeout": "it does not apply here: set the option timeout",
}

_UNKNOWN = (
    "an unknown plugin, which does not run here: if it rejects requests, do so in the option "
    "authorize; if it changes them, the function gets another event"
)


#: Stricter than difflib's default: a plugin of your own may be called "my-auth".
_CLOSE = 0.85


def lost_protection(name: str) -> str | None:
    """Return the consequence of losing the plugin ``name``, or None if it protects nothing.

    An unknown plugin, such as your own, counts as a protection.
    """
    return None if name in HARMLESS else PROTECTING.get(name, f"{_UNKNOWN}{hint(name)}")


def hint(name: str) -> str:
    """Return the plugin that an unknown ``name`` probably means, or "".

    ``"; did you mean 'aws-lambda'?"``
    """
    known = {"aws-lambda", *HARMLESS, *PROTECTING}
    near = [] if name in known else difflib.get_close_matches(name.lower(), known, 1, _CLOSE)
    return f"; did you mean {near[0]!r}?" if near else ""
