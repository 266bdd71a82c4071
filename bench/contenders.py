"""Create the contenders: WSGI apps that serve `POST /lambda1` with different clients.

The views build the middleware's default event (query arguments, overridden by a
JSON body) in as few lines as possible. `/large` and `/largest` invoke functions
with responses of 4 and 6 MB, `/slow` one that takes a second; `/` is a page of
Flask. gunicorn imports `bench.contenders:make('boto3')`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request

from bench.environment import ACCESS_KEY, REGION, SECRET_KEY, StubAddress

FUNCTIONS = {"/lambda1": "MyLambda", "/large": "large", "/largest": "largest", "/slow": "slow"}


def make(name: str) -> Callable[..., Any]:
    """Return the app of a contender, for the stub whose address is in the environment."""
    return CONTENDERS[name](StubAddress.from_environ(), int(os.environ.get("BENCH_THREADS", "1")))


def constant(address: StubAddress, threads: int) -> Flask:  # noqa: ARG001
    """Flask alone; the other contenders extend this app."""
    app = Flask("bench")
    app.add_url_rule("/", view_func=lambda: "A page of the app", endpoint="home")
    return app


def middleware(address: StubAddress, threads: int) -> Flask:
    """The middleware around Flask, as in the README."""
    app = constant(address, threads)
    app.wsgi_app = wrap(app.wsgi_app, address, address.port)  # type: ignore[method-assign]
    return app


def wrap(app: Callable[..., Any] | None, address: StubAddress, port: int) -> Callable[..., Any]:
    """Return the middleware around ``app``, for one port of the stub."""
    from wsgi_lambda import LambdaMiddleware

    routes = {path: {"function_name": name} for path, name in FUNCTIONS.items()}
    endpoint = {"aws_region": REGION, "host": address.host, "port": port, "tls_verify": address.ca}
    return LambdaMiddleware(app, {**endpoint, "routes": routes})


def boto3_client(address: StubAddress, threads: int) -> Any:
    """Return a client with a connection for each thread."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "lambda",
        region_name=REGION,
        endpoint_url=f"https://{address.host}:{address.port}",
        verify=address.ca,
        config=Config(max_pool_connections=threads),
    )


def boto3_view(address: StubAddress, threads: int) -> Flask:
    client = boto3_client(address, threads)

    def invoke(function: str, event: bytes) -> Response:
        result = client.invoke(FunctionName=function, Payload=event)
        return Response(result["Payload"].read(), content_type="application/json")

    return _with_views(constant(address, threads), invoke)


def requests_post(address: StubAddress) -> Callable[[str, bytes], bytes]:
    """Return an invoke function with requests and requests-aws4auth, as in their READMEs."""
    import requests
    from requests_aws4auth import AWS4Auth

    session = requests.Session()
    session.verify = address.ca
    auth = AWS4Auth(ACCESS_KEY, SECRET_KEY, REGION, "lambda")
    base = f"https://{address.host}:{address.port}/2015-03-31/functions"

    def invoke(function: str, event: bytes) -> bytes:
        url = f"{base}/{function}/invocations"
        response = session.post(
            url, data=event, auth=auth, headers={"Content-Type": "application/json"}
        )
        response.raise_for_status()
        return response.content

    return invoke


def requests_view(address: StubAddress, threads: int) -> Flask:
    post = requests_post(address)

    def invoke(function: str, event: bytes) -> Response:
        return Response(post(function, event), content_type="application/json")

    return _with_views(constant(address, threads), invoke)


def _with_views(app: Flask, invoke: Callable[[str, bytes], Response]) -> Flask:
    def view_of(function: str) -> Callable[[], Response]:
        def view() -> Response:
            event = {**request.args.to_dict(), **request.get_json()}
            return invoke(function, json.dumps(event).encode())

        return view

    for path, function in FUNCTIONS.items():
        app.add_url_rule(path, function, view_of(function), methods=["POST"])
    return app


#: By their names in the reports.
CONTENDERS: dict[str, Callable[[StubAddress, int], Flask]] = {
    "middleware": middleware,
    "boto3": boto3_view,
    "requests": requests_view,
    "constant": constant,
}
