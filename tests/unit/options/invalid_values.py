"""An invalid value of every option, with its message."""

import pytest

from tests.unit.configurations import ROLE

NO_VERIFY = "must be true, false or the path of a CA bundle, not {}"
STRING = "must be a non-empty string, not {}"
EMPTY = "must be a non-empty string"
STRINGS = "must be a non-empty list of strings, not {}"
EMPTY_LIST = "must be a non-empty list of strings"
TIME = "must be an integer from 1 to 2147483646"
IDLE = "must be an integer from 0 to 2147483646"
COUNT = "must be an integer of at least 1"
PORT = "must be an integer from 1 to 65535"
STATUS = "must be an integer from 200 to 999"
BOOLEAN = "must be true or false, not {}"
NO_PATH = "a path must begin with exactly one '/': write '/b'"
NO_PREFIX = "must be a path such as /internal/v2, without parameters, escapes or a trailing slash"
EVERY_METHOD = "must be left out to match every method"
NO_METHOD = "contains an invalid HTTP method"
NO_HOST_PATTERN = "must contain only host names, `*.name` or `name.*`"
NO_HOST = "must be a host name or an IP address, without scheme, port or path"
NO_FUNCTION = "is not a valid function name or ARN"
NO_QUALIFIER = "is not a valid version or alias"
NO_REGION = "is not a valid region name, such as us-east-1"
NO_SECRET = "must contain only visible ASCII characters"
NO_ROLE = "is not a valid ARN of an IAM role"
NO_SESSION_NAME = "must consist of 2 to 64 letters, digits or characters of +=,.@-_"
NO_EXTERNAL_ID = "must consist of 2 to 1224 letters, digits or characters of +=,.@:/-_"
NO_CALLABLE = "must be callable, or a string such as package.module:name"
NO_HANDLER = (
    "must be callable, or a string such as package.module:function, package.module.function or "
    "path/to/app.py:function"
)
NO_TENANT = "is not a valid tenant id or header:NAME"
NO_PROXY = "must be a URL that begins with http://"
NO_SERVER = "must be a URL without user name, path, query or fragment"
NO_STRING = "must be one of the strings {}, not {}"
NO_INVOCATION_TYPE = "must be one of RequestResponse, Event, DryRun"
NO_SPACE = "must not contain control characters or white space"
PLACEHOLDER = "contains a placeholder ({}) that nothing has replaced"
NO_BUNDLE = "cannot be read as a CA bundle ({})"

BOOLEANS = [
    "disable_https",
    "forward_request_method",
    "forward_request_uri",
    "forward_request_headers",
    "forward_request_body",
    "base64_encode_body",
    "awsgateway_compatible",
    "strip_path",
    "skip_large_bodies",
    "reject_unparsed_body",
    "is_proxy_integration",
    "expose_log_result",
    "expose_stack_trace",
]

NO_HANDLERS = [
    "handler",
    "app.",
    "app:",
    ".handler",
    ":handler",
    "..app.handler",
    "./src/app.handler",
    "/src/app.handler",
    "src//app.handler",
    "a b.handler",
    "app.han-dler",
    "app:1handler",
    "app:Class.method",
    "a:b:handler",
    "src\\app.handler",
    "src/app.py:",
    "src/a\0pp.py:handler",
    "src/app.py\n:handler",
    "app.handler ",
]

SECRETS = ["aws_key", "aws_secret", "aws_session_token"]

INVALID = {
    "methods-as-string": ("methods", "GET", STRINGS.format("a string")),
    "methods-as-mapping": ("methods", {"GET": True}, STRINGS.format("a mapping")),
    "methods-of-a-star": ("methods", ["*"], EVERY_METHOD),
    "methods-of-any": ("methods", ["GET", "any"], EVERY_METHOD),
    "methods-empty": ("methods", [], EMPTY_LIST),
    "methods-of-a-number": ("methods", ["GET", 1], STRING.format("a number")),
    "methods-with-a-space": ("methods", ["GET POST"], NO_METHOD),
    "methods-with-a-line-end": ("methods", ["GET\n"], NO_METHOD),
    "hosts-as-string": ("hosts", "shop.test", STRINGS.format("a string")),
    "hosts-empty": ("hosts", set(), EMPTY_LIST),
    "hosts-of-an-empty-text": ("hosts", [""], EMPTY),
    "hosts-with-a-scheme": ("hosts", ["https://shop.test"], NO_HOST_PATTERN),
    "hosts-with-a-path": ("hosts", ["shop.test/eu"], NO_HOST_PATTERN),
    "hosts-of-a-star": ("hosts", ["*"], NO_HOST_PATTERN),
    "hosts-with-a-star-inside": ("hosts", ["shop.*.test"], NO_HOST_PATTERN),
    "hosts-with-a-star-in-a-name": ("hosts", ["*shop.test"], NO_HOST_PATTERN),
    "hosts-with-a-space": ("hosts", ["shop.test "], NO_HOST_PATTERN),
    "headers-as-list": (
        "headers",
        ["X-A"],
        "must be a mapping of header names to lists of values, not a list",
    ),
    "headers-empty": ("headers", {}, "must name at least one header"),
    "headers-of-the-host": (
        "headers",
        {"Host": ["a.test"]},
        "must not contain Host; use the option hosts",
    ),
    "exact-as-string": ("exact", "yes", "must be true or false, not a string"),
    "add-path-as-number": ("add_path", 7, STRING.format("a number")),
    "add-path-without-slash": ("add_path", "internal", NO_PREFIX),
    "consumers-as-string": ("consumers", "alice", STRINGS.format("a string")),
    "consumers-as-number": ("consumers", 7, STRINGS.format("a number")),
    "consumers-empty": ("consumers", (), EMPTY_LIST),
    "consumers-of-a-list": ("consumers", [["alice"]], STRING.format("a list")),
    "function-name-as-number": ("function_name", 1, STRING.format("a number")),
    "function-name-as-list": ("function_name", ["f"], STRING.format("a list")),
    "function-name-empty": ("function_name", "", EMPTY),
    "function-name-with-a-space": ("function_name", "my function", NO_FUNCTION),
    "function-name-of-a-dot": ("function_name", ".", NO_FUNCTION),
    "function-name-of-two-dots": ("function_name", "..", NO_FUNCTION),
    "function-name-of-two-dots-in-an-ARN": ("function_name", "function:..:live", NO_FUNCTION),
    "function-name-with-a-slash": ("function_name", "../f", NO_FUNCTION),
    "qualifier-as-number": ("qualifier", 7, STRING.format("a number")),
    "qualifier-empty": ("qualifier", "", EMPTY),
    "qualifier-with-a-space": ("qualifier", "my alias", NO_QUALIFIER),
    "qualifier-with-a-dollar": ("qualifier", "$latest", NO_QUALIFIER),
    "qualifier-of-a-dot": ("qualifier", ".", NO_QUALIFIER),
    "qualifier-of-two-dots": ("qualifier", "..", NO_QUALIFIER),
    "qualifier-too-long": ("qualifier", "a" * 129, NO_QUALIFIER),
    "region-as-number": ("aws_region", 1, STRING.format("a number")),
    "region-empty": ("aws_region", "", EMPTY),
    "region-without-hyphen": ("aws_region", "useast1", NO_REGION),
    "region-in-capitals": ("aws_region", "US-EAST-1", NO_REGION),
    "region-with-a-dot": ("aws_region", "us-east-1.evil.test", NO_REGION),
    "region-with-a-line-end": ("aws_region", "us-east-1\n", NO_REGION),
    "invocation-type-unknown": ("invocation_type", "Sync", NO_INVOCATION_TYPE),
    "invocation-type-in-lower-case": ("invocation_type", "event", NO_INVOCATION_TYPE),
    "invocation-type-as-list": (
        "invocation_type",
        ["Event"],
        NO_STRING.format("RequestResponse, Event, DryRun", "a list"),
    ),
    "invoke-mode-unknown": (
        "invoke_mode",
        "STREAM",
        "must be one of BUFFERED, RESPONSE_STREAM",
    ),
    "log-type-unknown": ("log_type", "tail", "must be one of Tail, None"),
    "log-type-as-boolean": ("log_type", False, NO_STRING.format("Tail, None", "a boolean")),
    "timeout-as-string": ("timeout", "60000", f"{TIME}, not a string"),
    "timeout-as-boolean": ("timeout", True, f"{TIME}, not a boolean"),
    "timeout-as-float": ("timeout", 0.5, f"{TIME}, not a float"),
    "timeout-zero": ("timeout", 0, TIME),
    "timeout-below-zero": ("timeout", -1, TIME),
    "timeout-too-long": ("timeout", 2_147_483_647, TIME),
    "host-as-number": ("host", 1, STRING.format("a number")),
    "host-empty": ("host", "", EMPTY),
    "host-with-a-scheme": ("host", "https://lambda.test", NO_HOST),
    "host-with-a-port": ("host", "lambda.test:8443", NO_HOST),
    "host-with-a-path": ("host", "lambda.test/x", NO_HOST),
    "host-with-a-user": ("host", "me@lambda.test", NO_HOST),
    "host-with-a-line-end": ("host", "lambda.test\n", NO_HOST),
    "host-with-a-tab": ("host", "lambda\t.test", NO_HOST),
    "host-in-half-a-bracket": ("host", "[::1", NO_HOST),
    "port-as-string": ("port", "443", f"{PORT}, not a string"),
    "port-as-boolean": ("port", True, f"{PORT}, not a boolean"),
    "port-zero": ("port", 0, PORT),
    "port-too-high": ("port", 65536, PORT),
    "tls-verify-as-number": ("tls_verify", 1, NO_VERIFY.format("a number")),
    "tls-verify-empty": ("tls_verify", "", NO_VERIFY.format("a string")),
    "tls-verify-of-a-missing-file": (
        "tls_verify",
        "/nowhere/ca.pem",
        NO_BUNDLE.format("No such file or directory"),
    ),
    "tls-verify-of-a-folder": ("tls_verify", "/", NO_BUNDLE.format("Is a directory")),
    "keepalive-as-string": ("keepalive", "60000", f"{IDLE}, not a string"),
    "keepalive-below-zero": ("keepalive", -1, IDLE),
    "keepalive-too-long": ("keepalive", 2_147_483_647, IDLE),
    "pool-size-as-string": ("pool_size", "9", f"{COUNT}, not a string"),
    "pool-size-zero": ("pool_size", 0, COUNT),
    "max-payload-size-as-string": ("max_payload_size", "6MiB", f"{COUNT}, not a string"),
    "max-payload-size-zero": ("max_payload_size", 0, COUNT),
    "max-arguments-zero": ("max_arguments", 0, COUNT),
    "max-response-size-as-list": ("max_response_size", [1], f"{COUNT}, not a list"),
    "max-response-size-below-zero": ("max_response_size", -1, COUNT),
    "unhandled-status-as-string": ("unhandled_status", "500", f"{STATUS}, not a string"),
    "unhandled-status-not-final": ("unhandled_status", 199, STATUS),
    "unhandled-status-too-high": ("unhandled_status", 1000, STATUS),
    "empty-arrays-mode-unknown": (
        "empty_arrays_mode",
        "Legacy",
        "must be one of correct, legacy",
    ),
    "proxy-as-number": ("proxy_url", 1, STRING.format("a number")),
    "proxy-over-tls": ("proxy_url", "https://proxy.test", NO_PROXY),
    "proxy-without-scheme": ("proxy_url", "proxy.test:3128", NO_PROXY),
    "proxy-without-host": ("proxy_url", "http://", "is not a valid URL of a server"),
    "proxy-with-a-path": ("proxy_url", "http://proxy.test/x", NO_SERVER),
    "proxy-with-a-line-end": ("proxy_url", "http://pro\nxy.test", NO_SPACE),
    "proxy-with-a-tab-at-its-end": ("proxy_url", "http://proxy.test\t", NO_SPACE),
    "proxy-with-nul-in-its-user": ("proxy_url", "http://u\0:p@proxy.test", NO_SPACE),
    "proxy-with-a-space-that-is-not-ascii": ("proxy_url", "http://proxy.test\u00a0", NO_SPACE),
    "proxy-with-a-port-that-is-none": (
        "proxy_url",
        "http://proxy.test:x",
        "is not a valid URL of a server",
    ),
    "proxy-with-a-user-not-encoded": (
        "proxy_url",
        "http://ann:p@ss@proxy.test",
        "contains a user name or password that is not percent-encoded",
    ),
    "authorize-as-number": ("authorize", 7, f"{NO_CALLABLE}, not a number"),
    "authorize-without-a-name": ("authorize", "os.path", NO_CALLABLE),
    "authorize-without-a-module": ("authorize", ":check", NO_CALLABLE),
    "authorize-relative": (
        "authorize",
        ".auth:check",
        "cannot be imported: a relative name is not allowed",
    ),
    "authorize-of-no-module": (
        "authorize",
        "no_such_module:check",
        "cannot be imported: there is no module 'no_such_module'",
    ),
    "authorize-of-no-name": (
        "authorize",
        "os:no_such_name",
        "cannot be imported: the module has no such attribute",
    ),
    "authorize-not-callable": ("authorize", "os:sep", "is not callable"),
    "on-error-as-number": ("on_error", 7, f"{NO_CALLABLE}, not a number"),
    "on-error-of-no-name": (
        "on_error",
        "os:nothing",
        "cannot be imported: the module has no such attribute",
    ),
    "on-error-not-callable": ("on_error", "os:sep", "is not callable"),
    "tenant-as-number": ("tenant_id", 7, STRING.format("a number")),
    "tenant-empty": ("tenant_id", "", EMPTY),
    "tenant-with-a-star": ("tenant_id", "a*", NO_TENANT),
    "tenant-with-a-space-at-its-end": ("tenant_id", "a ", NO_TENANT),
    "tenant-too-long": ("tenant_id", "a" * 257, NO_TENANT),
    "tenant-of-no-header": ("tenant_id", "header:", "must name a header after header:"),
    "tenant-of-a-bad-header": ("tenant_id", "header:a b", "must name a header after header:"),
    "client-context-as-string": ("client_context", "{}", "must be a mapping, not a string"),
    "client-context-as-list": ("client_context", [1], "must be a mapping, not a list"),
    "client-context-of-bytes": ("client_context", {"a": b"x"}, "must contain only JSON values"),
    "client-context-of-nan": (
        "client_context",
        {"a": float("nan")},
        "must contain only JSON values",
    ),
    "client-context-too-long": (
        "client_context",
        {"a": "x" * 2679},
        "is 3584 bytes as base64; the limit is 3583",
    ),
    "role-as-number": ("aws_assume_role_arn", 7, STRING.format("a number")),
    "role-empty": ("aws_assume_role_arn", "", EMPTY),
    "role-of-a-user": ("aws_assume_role_arn", "arn:aws:iam::123456789012:user/u", NO_ROLE),
    "role-without-account": ("aws_assume_role_arn", "arn:aws:iam:::role/r", NO_ROLE),
    "role-with-a-line-end": ("aws_assume_role_arn", f"{ROLE}\n", NO_ROLE),
    "session-name-as-number": ("aws_role_session_name", 7, STRING.format("a number")),
    "session-name-too-short": ("aws_role_session_name", "a", NO_SESSION_NAME),
    "session-name-too-long": ("aws_role_session_name", "a" * 65, NO_SESSION_NAME),
    "session-name-with-a-space": ("aws_role_session_name", "a b", NO_SESSION_NAME),
    "external-id-as-number": ("aws_external_id", 7, STRING.format("a number")),
    "external-id-too-short": ("aws_external_id", "a", NO_EXTERNAL_ID),
    "external-id-with-a-space": ("aws_external_id", "a b", NO_EXTERNAL_ID),
    "sts-as-number": ("aws_sts_endpoint_url", 7, STRING.format("a number")),
    "sts-without-scheme": (
        "aws_sts_endpoint_url",
        "sts.test",
        "must be a URL that begins with http:// or https://",
    ),
    "sts-with-a-user": ("aws_sts_endpoint_url", "https://u:p@sts.test", NO_SERVER),
    "sts-with-a-space": ("aws_sts_endpoint_url", " https://sts.test", NO_SPACE),
    "sts-with-a-line-end": ("aws_sts_endpoint_url", "https://sts.test\r\n", NO_SPACE),
    "sts-with-a-path": ("aws_sts_endpoint_url", "https://sts.test/x", NO_SERVER),
    "imds-as-number": ("aws_imds_protocol_version", 2, NO_STRING.format("v1, v2", "a number")),
    "imds-unknown": ("aws_imds_protocol_version", "2", "must be one of v1, v2"),
    "retries-as-string": ("retries", "1", "must be an integer from 0 to 10, not a string"),
    "retries-below-zero": ("retries", -1, "must be an integer from 0 to 10"),
    "retries-too-many": ("retries", 11, "must be an integer from 0 to 10"),
    "concurrency-as-string": ("max_concurrency", "1", f"{COUNT}, not a string"),
    "concurrency-zero": ("max_concurrency", 0, COUNT),
    "payload-version-unknown": (
        "awsgateway_compatible_payload_version",
        "1",
        "must be one of 1.0, 2.0",
    ),
    "payload-version-as-number": (
        "awsgateway_compatible_payload_version",
        2.0,
        'must be a string: write "2.0" in quotes',
    ),
    "handler-as-number": ("handler", 7, STRING.format("a number")),
    "handler-empty": ("handler", "", EMPTY),
    **{f"handler-{text}": ("handler", text, NO_HANDLER) for text in NO_HANDLERS},
    "handler-file-alone": (
        "handler",
        "src/app.py",
        "is a file; name its function, too, as in path/to/app.py:function",
    ),
    "handler-timeout-zero": ("handler_timeout", 0, TIME),
    "handler-timeout-as-string": ("handler_timeout", "3", f"{TIME}, not a string"),
    "handler-concurrency-zero": ("handler_concurrency", 0, COUNT),
    **{f"{name}-as-string": (name, "true", BOOLEAN.format("a string")) for name in BOOLEANS},
    **{f"{name}-as-number": (name, 1, BOOLEAN.format("a number")) for name in BOOLEANS},
    **{f"{name}-as-list": (name, ["x"], STRING.format("a list")) for name in SECRETS},
    **{f"{name}-empty": (name, "", EMPTY) for name in SECRETS},
    **{f"{name}-with-a-space": (name, "a b", NO_SECRET) for name in SECRETS},
    **{f"{name}-with-a-line-end": (name, "ab\n", NO_SECRET) for name in SECRETS},
    **{f"{name}-with-an-umlaut": (name, "schlüssel", NO_SECRET) for name in SECRETS},
}


#: Placeholders of template tools, with the form that the message names.
PLACEHOLDERS = {
    "${AWS_REGION}": "${NAME}",
    "x-${stage:-dev}": "${NAME}",
    "${{ secrets.KEY }}": "${NAME}",
    "$(REGION)": "$(NAME)",
    "$STAGE": "$NAME",
    "pay:$STAGE": "$NAME",
    "pay:$LATEST_STAGE": "$NAME",
    "%env(AWS_KEY)%": "%NAME%",
    "%AWS_KEY%": "%NAME%",
    "{{ .Values.key }}": "{{ NAME }}",
    "x-{{stage}}": "{{ NAME }}",
    "{vault://env/aws-key}": "{{ NAME }}",
    "<your key>": "<NAME>",
    "<REGION>": "<NAME>",
}
FILLED_IN = [*SECRETS, "aws_region", "function_name", "host"]
INVALID |= {
    f"{name}-with-{text}": (name, text, PLACEHOLDER.format(form))
    for name in FILLED_IN
    for text, form in PLACEHOLDERS.items()
}


each_invalid_value = pytest.mark.parametrize(
    ("name", "value", "problem"), INVALID.values(), ids=INVALID
)


def with_required_options(name, value):
    """Return ``name`` and the options that it requires, so that its value is the only problem."""
    keys = {key: "right" for key in SECRETS if name in SECRETS}
    return {**keys, name: value}
