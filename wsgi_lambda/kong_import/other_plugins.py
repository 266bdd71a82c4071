"""Classify Kong's plugins other than aws-lambda: which protect a route, and which do not.

https://developer.konghq.com/plugins/
"""

from __future__ import annotations

_LOGIN = (
    "nothing here authenticates clients: use the option authorize, or do it in the function "
    "or in the server or proxy in front"
)
_ACCESS = (
    "nothing here blocks these requests: use the option authorize, or the server or proxy in front"
)
_LIMIT = "nothing here limits requests: use the server or proxy in front"
_INSPECTION = "nothing here inspects or rejects requests: let the function validate its event"
_CODE = "its Lua code does not run here: check whether it rejects or changes requests"

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

#: Plugins that respond, log, transform or cache, and protect nothing.
HARMLESS = frozenset(
    (
        "acme",
        "app-dynamics",
        "azure-functions",
        "canary",
        "confluent",
        "correlation-id",
        "cors",
        "datadog",
        "degraphql",
        "exit-transformer",
        "file-log",
        "forward-proxy",
        "graphql-proxy-cache-advanced",
        "grpc-gateway",
        "grpc-web",
        "http-log",
        "jq",
        "kafka-log",
        "kafka-upstream",
        "loggly",
        "mocking",
        "opentelemetry",
        "openwhisk",
        "prometheus",
        "proxy-cache",
        "proxy-cache-advanced",
        "request-callout",
        "request-transformer",
        "request-transformer-advanced",
        "response-transformer",
        "response-transformer-advanced",
        "route-by-header",
        "route-transformer-advanced",
        "statsd",
        "statsd-advanced",
        "syslog",
        "tcp-log",
        "udp-log",
        "upstream-oauth",
        "upstream-timeout",
        "zipkin",
    )
)

_UNKNOWN = "unknown plugin, which may protect the route: check what it does"


def lost_protection(name: str) -> str | None:
    """Return the consequence of losing the plugin ``name``, or None if it protects nothing.

    An unknown plugin, such as your own, counts as a protection.
    """
    return None if name in HARMLESS else PROTECTING.get(name, _UNKNOWN)
