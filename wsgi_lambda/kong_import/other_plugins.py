"""Kong's plugins other than aws-lambda: which of them guard a route, and what it means to lose one.

https://developer.konghq.com/plugins/
"""

from __future__ import annotations

_LOGIN = "nobody has to log in here: let the function, or what stands in front, check who calls"
_ACCESS = "nobody is turned away here: let the server or proxy in front do it"
_LIMIT = "nothing limits requests here: let the server or proxy in front do it"
_INSPECTION = "nothing inspects or refuses requests here: let the function check what it is given"

#: Plugins that keep requests away from a route, and what to do without them.
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
            "post-function",
            "pre-function",
            "request-validator",
            "websocket-validator",
            "xml-threat-protection",
        ),
        _INSPECTION,
    ),
}

#: Plugins that answer, log, change or cache, and keep nobody away.
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

_UNKNOWN = "not a plugin of Kong's that is known here, so it may guard the route: see what it does"


def protection(name: str) -> str | None:
    """Return what it means to lose the plugin ``name``, or None if it keeps nobody away.

    An unknown plugin, as one of your own, counts as one that does.
    """
    return None if name in HARMLESS else PROTECTING.get(name, _UNKNOWN)
