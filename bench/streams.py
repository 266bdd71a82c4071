"""Create the contenders that stream: each serves `/stream/NAME`, see `bench.stream_stub`.

gunicorn imports `bench.streams:make('boto3')`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response

from bench.contenders import boto3_client, constant
from bench.environment import REGION, StubAddress
from bench.floor import Floor

PATH = "/2021-11-15/functions/{name}/response-streaming-invocations"


def make(name: str) -> Callable[..., Any]:
    """Return the app of a contender, for the stub whose port is in the environment."""
    address = StubAddress.from_environ()
    port = int(os.environ["BENCH_STREAM_PORT"])
    return STREAMS[name](StubAddress(port, 0, 0, 0, address.ca))


def middleware(address: StubAddress) -> Callable[..., Any]:
    from wsgi_lambda import LambdaMiddleware

    endpoint = {"aws_region": REGION, "host": address.host, "port": address.port}
    routes = {
        f"/stream/{name}": {"function_name": name, "invoke_mode": "RESPONSE_STREAM"}
        for name in os.environ["BENCH_STREAMS"].split()
    }
    config = {**endpoint, "tls_verify": address.ca, "routes": routes}
    app = constant(address, 16)
    app.wsgi_app = LambdaMiddleware(app.wsgi_app, config)  # type: ignore[method-assign]
    return app


def boto3_view(address: StubAddress) -> Flask:
    client = boto3_client(address, 16)
    app = constant(address, 16)

    @app.get("/stream/<name>")
    def view(name: str) -> Response:
        reply = client.invoke_with_response_stream(FunctionName=name, Payload=b"{}")
        chunks = (
            event["PayloadChunk"]["Payload"]
            for event in reply["EventStream"]
            if "PayloadChunk" in event
        )
        return Response(chunks, content_type="application/octet-stream")

    return app


def urllib3_view(address: StubAddress) -> Callable[..., Any]:
    """The bytes as they arrive, envelope included: the least that urllib3 allows."""

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        if not path.startswith("/stream/"):
            return [b"A page of the app"]
        return floors[path.removeprefix("/stream/")].stream(b"{}")

    names = os.environ["BENCH_STREAMS"].split()
    floors = {name: Floor(address, address.port, PATH.format(name=name)) for name in names}
    return app


#: By their names in the reports.
STREAMS: dict[str, Callable[[StubAddress], Callable[..., Any]]] = {
    "middleware": middleware,
    "boto3": boto3_view,
    "urllib3": urllib3_view,
}
