"""What gunicorn serves: a function that holds a web app, in both formats, stripped and not.

The endpoint, its region and the key are the environment's.
"""

from __future__ import annotations

from typing import Any

from wsgi_lambda import LambdaMiddleware

#: Whoever asks this host gets payload 1.0.
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
