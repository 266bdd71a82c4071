"""The size of a result's headers, which is checked before any of them is looked at."""

import json

import pytest

from tests.tools.cost import seconds
from wsgi_lambda.errors import ResultError
from wsgi_lambda.response.proxy_integration import read_head, read_result

MOST = 1024 * 1024


@pytest.mark.parametrize(
    ("fits", "exceeds"),
    [
        ({"headers": {"X": "a" * (MOST - 1)}}, {"headers": {"X": "a" * MOST}}),
        ({"headers": {"x" * MOST: 1}}, {"headers": {"x" * (MOST + 1): 1}}),
        ({"cookies": ["a" * 1000] * 1000}, {"cookies": ["a" * 1100] * 1000}),
        (
            {"multiValueHeaders": {"x" * 1000: ["a"] * 1000}},
            {"multiValueHeaders": {"x" * 1100: ["a"] * 1000}},
        ),
    ],
    ids=["value", "name", "cookies", "a-name-for-each-value"],
)
def test_size_of_the_headers(fits, exceeds):
    assert read_head(json.dumps(fits).encode())[0] == 200
    assert read_result(json.dumps({"statusCode": 200, **fits}).encode(), is_inferred=False)
    with pytest.raises(ResultError, match="headers are longer than 1,048,576 characters"):
        read_result(json.dumps({"statusCode": 200, **exceeds}).encode(), is_inferred=False)


def test_headers_that_connection_names():
    values = [",".join(f"{line}-{name}" for name in range(100)) for line in range(900)]
    headers = {"Connection": values, "7-42": [1], "x": [2]}
    payload = json.dumps({"multiValueHeaders": headers}).encode()
    assert read_head(payload) == (200, [("x", "2")])
    assert seconds(lambda: read_head(payload)) < 0.5
