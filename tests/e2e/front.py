"""An app for gunicorn: routes to a function that contains a web app.

Both payload versions, with and without `strip_path`. The environment has the
endpoint, the region and the key.
"""

from __future__ import annotations

from typing import Any

from wsgi_lambda import LambdaMiddleware

#: Requests to this host get payload version 1.0, others 2.0.
V1_HOST = "v1.test"


def routes(**options: Any) -> list[dict[str, Any]]:
    both = {
        "function_name": "test-web",
        "awsgateway_compatible": True,
        "is_proxy_integration": True,
        **options,
    }
    return [{**both, "hosts": [V1_HOST]}, {**both, "awsgateway_compatible_payload_version": "2.0"}]


def make_app() -> LambdaMiddleware:
    return LambdaMiddleware(None, {"routes": {"/": routes(), "/app": routes(strip_path=True)}})
