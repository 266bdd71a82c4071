"""Paths and their parameters; `tests/unit/config/test_paths.py` has the invalid ones."""

import pytest

from wsgi_lambda.options import paths


@pytest.mark.parametrize(
    ("path", "path_info", "expected"),
    [
        pytest.param("/todos/{id}", "/todos/7", {"id": "7"}, id="one"),
        pytest.param("/todos/{id}", "//todos/7/", {"id": "7"}, id="slashes-around"),
        pytest.param("/{a}/x/{b}", "/1/x/2", {"a": "1", "b": "2"}, id="two"),
        pytest.param("/f/{p+}", "/f/a/b/", {"p": "a/b"}, id="rest"),
        pytest.param("/f/{p+}", "/f//a", {"p": "/a"}, id="rest-with-an-empty-segment"),
        pytest.param("/f/{p}", "/f/caf\xc3\xa9", {"p": "café"}, id="UTF-8"),
        pytest.param("/f/{p}", "/f/caf\xe9", {"p": "caf\ufffd"}, id="invalid-UTF-8"),
        pytest.param("/f", "/f/x", {}, id="prefix"),
    ],
)
def test_parameters_are_decoded_from_the_path(path, path_info, expected):
    assert paths.parse_path(path).parameters(path_info) == expected


def test_added_path_is_a_path_without_a_trailing_slash():
    assert paths.parse_prefix("/internal/v2") == "/internal/v2"
    for invalid in ("/", "/a/", "a", "/a/{b}", "/a%20b", "//a"):
        with pytest.raises(ValueError, match="must be a path such as /internal/v2"):
            paths.parse_prefix(invalid)


def test_paths_are_equal_if_their_segments_are():
    path = paths.parse_path("/todos/{id}")
    assert (path, hash(path)) == (paths.parse_path("/todos/{id}/"), hash(path))
    assert path != paths.parse_path("/todos/{name}")
    assert path != str(path)
