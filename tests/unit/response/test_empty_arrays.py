"""`empty_arrays_mode: legacy`, compared with a plain loop over the tokens."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_lambda.response.empty_arrays import replace_empty_arrays

TOKEN = re.compile(rb'("(?:[^"\\]|\\.)*+")|(\[[ \t\r\n]*\])|(")', re.DOTALL)
PARTS = [
    *(b'"', b"\\", b"[", b"]", b"[]", b"[ \n]", b"a", b'\\"', b"\\[", b'"[]"', b'"\\[ ]"'),
    *(b"x" * 70, b'"' + b"y" * 70 + b'"', b'"' + b"\\n" * 70 + b'"', b'"",' * 600, b"[]," * 600),
]


def replaced(body):
    parts, start = [], 0
    while found := TOKEN.search(body, start):
        if found[3]:  # no quote ends it
            rest = re.sub(rb"\[[ \t\r\n]*\]", b"{}", body[start:])
            return b"".join([*parts, rest])
        parts += [body[start : found.start()], b"{}" if found[2] else found[0]]
        start = found.end()
    return b"".join([*parts, body[start:]])


@given(st.lists(st.sampled_from(PARTS)).map(b"".join))
def test_arrays_outside_strings_are_replaced(body):
    assert replace_empty_arrays(body) == replaced(body)


@pytest.mark.parametrize(
    "repeated", [b'"[]"[]', b'"\\[]"[]', b'"":[],', b"[]", b'"[":[1],[]', b'[]"\\"']
)
def test_many_arrays(repeated):
    body = repeated * 3000
    assert replace_empty_arrays(body) == replaced(body)
