"""A ConfigError lists problems, for people as lines and for programs by code."""

from wsgi_lambda.errors import ConfigError, Problem

TIMEOUT = Problem("routes['/a'].timeout", "must be an integer", "invalid_value")


def test_problem_is_a_line_with_its_place():
    assert str(TIMEOUT) == "routes['/a'].timeout: must be an integer"


def test_problem_without_a_place_is_its_text():
    assert str(Problem("", "no file", "cannot_load")) == "no file"


def test_error_lists_its_problems():
    error = ConfigError(iter([TIMEOUT, Problem("", "no file", "cannot_load")]))
    assert error.problems == (TIMEOUT, Problem("", "no file", "cannot_load"))
    assert error.errors == ("routes['/a'].timeout: must be an integer", "no file")
    assert str(error).splitlines()[1:] == list(error.errors)
