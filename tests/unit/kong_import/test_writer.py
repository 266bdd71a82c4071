"""A configuration is written as Python or JSON."""

from __future__ import annotations

from tests.unit.kong_import.kong_files import imported, route
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


def test_names_of_routes_are_comments() -> None:
    text = """
routes:
- {name: shop, paths: [/a/], plugins: [{name: aws-lambda, config: {function_name: f}}]}
- name: get
  paths: [/b/]
  methods: [GET]
  plugins: [{name: aws-lambda, config: {function_name: f}}]
- {paths: [/b/], plugins: [{name: aws-lambda, config: {function_name: f}}]}
"""
    assert (
        as_python(imported(text).configuration)
        == """\
WSGI_LAMBDA = {
    "routes": {
        # shop
        "/a": {
            "function_name": "f",
        },
        "/b": [
            # get
            {
                "methods": ["GET"],
                "function_name": "f",
            },
            {
                "function_name": "f",
            },
        ],
    },
}
"""
    )


def test_name_of_a_route_stays_in_its_comment() -> None:
    name = "a\nimport os\r\u2028os.abort()"
    code = as_python(imported(routes=[route(name=name)]).configuration)
    comment = r"        # a\nimport os\r\u2028os.abort()"
    assert [line for line in code.splitlines() if "os" in line] == [comment]


def test_mappings_and_headers_are_written() -> None:
    headers = {"x": ["1", "${X}"]}
    code = as_python(imported(routes=[route(headers=headers)]).configuration)
    assert (
        """"headers": {
                "x": ["1", os.environ["X"]],
            },
"""
        in code
    )
