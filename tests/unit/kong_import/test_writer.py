"""A configuration is written as Python or JSON."""

from __future__ import annotations

from tests.unit.kong_import.kong_files import imported
from wsgi_lambda.kong_import.writer import as_json, as_python


def test_python_contains_variables_as_expressions() -> None:
    configuration = imported(
        """
_comment: é and "quotes"
routes:
- paths: [/a]
  hosts: ['${{ env "DECK_HOST" }}', a.test]
  methods: [GET, POST]
  plugins:
  - name: aws-lambda
    config: {function_name: f, aws_key: '{vault://env/pair/key}', forward_request_uri: true}
- paths: [/a]
  plugins: [{name: aws-lambda, config: {function_name: g, keepalive: 5, host: "x\\"é"}}]
"""
    ).configuration
    assert (
        as_python(configuration)
        == """\
import json
import os

WSGI_LAMBDA = {
    "routes": {
        "/a": [
            {
                "methods": ["GET", "POST"],
                "hosts": [os.environ["DECK_HOST"], "a.test"],
                "function_name": "f",
                "aws_key": json.loads(os.environ["PAIR"])["key"],
                "forward_request_uri": True,
            },
            {
                "function_name": "g",
                "host": "x\\"é",
                "keepalive": 5,
            },
        ],
    },
}
"""
    )


def test_configuration_without_routes() -> None:
    configuration = imported().configuration
    assert as_python(configuration) == 'WSGI_LAMBDA = {\n    "routes": {},\n}\n'
    assert as_json(configuration) == '{\n  "routes": {}\n}\n'
