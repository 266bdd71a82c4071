"""What is compared: WSGI apps that answer `POST /lambda1`, each with another client.

The views do what the middleware's default event does (query arguments, a JSON
body laid over them) in the fewest lines that one would write. `/large` and
`/largest` invoke functions whose answers are 4 and 6 MB, `/slow` one that takes
its time; `/` is Flask's own page. gunicorn is told `bench.contenders:make('boto3')`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request

from bench.environment import ACCESS_KEY, REGION, SECRET_KEY, Far

FUNCTIONS = {"/lambda1": "MyLambda", "/large": "large", "/largest": "largest", "/slow": "slow"}


def make(name: str) -> Callable[..., Any]:
    """Return the app of a contender, for the stub that the environment tells."""
    return CONTENDERS[name](Far.from_environ(), int(os.environ.get("BENCH_THREADS", "1")))


def constant(far: Far, threads: int) -> Flask:  # noqa: ARG001
    """Flask alone: the app that all the others have, too."""
    app = Flask("bench")
    app.add_url_rule("/", view_func=lambda: "A page of the app", endpoint="home")
    return app


def middleware(far: Far, threads: int) -> Flask:
    """The middleware around Flask, as the README has it."""
    app = constant(far, threads)
    app.wsgi_app = wrap(app.wsgi_app, far, far.port)  # type: ignore[method-assign]
    return app


def wrap(app: Callable[..., Any] | None, far: Far, port: int) -> Callable[..., Any]:
    """Return the middleware around ``app``, for one port of the stub."""
    from wsgi_lambda import LambdaMiddleware

    routes = {path: {"function_name": name} for path, name in FUNCTIONS.items()}
    endpoint = {"aws_region": REGION, "host": far.host, "port": port, "tls_verify": far.ca}
    return LambdaMiddleware(app, {**endpoint, "routes": routes})


def boto3_client(far: Far, threads: int) -> Any:
    """Return a client whose pool is as large as the threads."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "lambda",
        region_name=REGION,
        endpoint_url=f"https://{far.host}:{far.port}",
        verify=far.ca,
        config=Config(max_pool_connections=threads),
    )


def boto3_view(far: Far, threads: int) -> Flask:
    client = boto3_client(far, threads)

    def invoke(function: str, event: bytes) -> Response:
        answer = client.invoke(FunctionName=function, Payload=event)
        return Response(answer["Payload"].read(), content_type="application/json")

    return _with_views(constant(far, threads), invoke)


def requests_post(far: Far) -> Callable[[str, bytes], bytes]:
    """Return how requests and requests-aws4auth are used by those who read their READMEs."""
    import requests
    from requests_aws4auth import AWS4Auth

    session = requests.Session()
    session.verify = far.ca
    auth = AWS4Auth(ACCESS_KEY, SECRET_KEY, REGION, "lambda")
    base = f"https://{far.host}:{far.port}/2015-03-31/functions"

    def invoke(function: str, event: bytes) -> bytes:
        url = f"{base}/{function}/invocations"
        answer = session.post(
            url, data=event, auth=auth, headers={"Content-Type": "application/json"}
        )
        answer.raise_for_status()
        return answer.content

    return invoke


def requests_view(far: Far, threads: int) -> Flask:
    post = requests_post(far)

    def invoke(function: str, event: bytes) -> Response:
        return Response(post(function, event), content_type="application/json")

    return _with_views(constant(far, threads), invoke)


def _with_views(app: Flask, invoke: Callable[[str, bytes], Response]) -> Flask:
    def view_of(function: str) -> Callable[[], Response]:
        def view() -> Response:
            event = {**request.args.to_dict(), **request.get_json()}
            return invoke(function, json.dumps(event).encode())

        return view

    for path, function in FUNCTIONS.items():
        app.add_url_rule(path, function, view_of(function), methods=["POST"])
    return app


#: By the name that the reports have.
CONTENDERS: dict[str, Callable[[Far, int], Flask]] = {
    "middleware": middleware,
    "boto3": boto3_view,
    "requests": requests_view,
    "constant": constant,
}
