"""Options of the connection to the Lambda endpoint."""

from __future__ import annotations

from wsgi_lambda.options import addresses, parsers
from wsgi_lambda.options.declaration import OptionGroup, flag, option


class Transport(OptionGroup):
    """The connection to Lambda.

    Routes with equal values share their connections.
    """

    host: str = option(
        addresses.host,
        "",
        type_name="string",
        default_doc="`lambda.<region>.amazonaws.com`",
        doc="Host name or IP address of the Lambda endpoint. Without it the URL in "
        "`AWS_ENDPOINT_URL_LAMBDA` or `AWS_ENDPOINT_URL` is used (unless "
        "`AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` is true), else AWS's own host. Its suffix depends "
        "on the region's partition (`amazonaws.com.cn`, …); `AWS_USE_FIPS_ENDPOINT` and "
        "`AWS_USE_DUALSTACK_ENDPOINT` are respected. This option never changes the signing region",
    )
    port: int = option(
        parsers.integer(1, 65535),
        0,
        type_name="integer",
        default_doc="443",
        doc="Port of the Lambda endpoint. The default with `disable_https` is 80",
    )
    disable_https: bool = flag(False, doc="Send plain HTTP to the Lambda endpoint")
    tls_verify: bool | addresses.CABundle = option(
        addresses.tls_verify,
        True,
        type_name="boolean or path",
        default_doc="true",
        doc="Whether to verify the certificate of the Lambda endpoint, or the path of a CA "
        "bundle (PEM) to verify it with. `true` uses the bundle that `AWS_CA_BUNDLE`, else "
        "`REQUESTS_CA_BUNDLE` names, else certifi's. The file is read once, at start-up",
    )
    proxy_url: str | None = option(
        addresses.proxy_url,
        type_name="string",
        doc="Forward proxy for Lambda and STS: `http://host:port` or "
        "`http://user:password@host:port`. Proxies in the environment are ignored",
    )
    keepalive: float = option(
        parsers.milliseconds_or_zero,
        60.0,
        type_name="milliseconds",
        default_doc="60000",
        doc="A pooled connection that has been idle for longer is closed instead of used. "
        "With 0 every connection is closed after one request",
    )
    pool_size: int = option(
        parsers.integer(1),
        100,
        type_name="integer",
        default_doc="100",
        doc="Idle connections to keep for each Lambda endpoint in each process",
    )

    @property
    def scheme(self) -> str:
        return "http" if self.disable_https else "https"

    @property
    def default_port(self) -> int:
        return 80 if self.disable_https else 443

    @property
    def url(self) -> str:
        """The Lambda endpoint, as in ``https://lambda.us-east-1.amazonaws.com``."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """The Host header that is signed: ``lambda.test``, ``[::1]:4566``.

        It contains the port unless that is the scheme's default.
        """
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == self.default_port else f"{host}:{self.port}"
