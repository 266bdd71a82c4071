"""Users' own tests: the `responses` library takes the place of Lambda."""

from __future__ import annotations

import json

import responses
from werkzeug.test import Client

from wsgi_lambda import LambdaMiddleware

INVOKE = "https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/my-fn/invocations"

CONFIG = {
    "aws_region": "eu-west-1",
    "aws_key": "AKID",
    "aws_secret": "secret",
    "routes": {"/f": {"function_name": "my-fn", "is_proxy_integration": True}},
}


@responses.activate
def test_responses_can_stand_for_lambda() -> None:
    responses.post(INVOKE, json={"statusCode": 201, "body": "made"})
    answer = Client(LambdaMiddleware(None, CONFIG)).post("/f?a=1", json={"b": 2})
    assert (answer.status_code, answer.text) == (201, "made")
    sent = responses.calls[0].request
    assert json.loads(sent.body) == {"a": "1", "b": 2}
    assert "/eu-west-1/lambda/aws4_request" in sent.headers["Authorization"]


@responses.activate
def test_what_responses_does_not_know_is_502() -> None:
    assert Client(LambdaMiddleware(None, CONFIG)).get("/f").status_code == 502
