"""The pytest fixture of wsgi_lambda: functions of a test take the place of those in Lambda.

It is next to the package, and imports nothing of it until a test uses the fixture: a
plugin inside the package would be imported before pytest-cov measures anything.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from wsgi_lambda.testing import LambdaFunctions


#: Where a test keeps its functions. A project may have a fixture of the same name.
_FUNCTIONS: pytest.StashKey[LambdaFunctions] = pytest.StashKey()


@pytest.fixture
def lambda_functions(request: pytest.FixtureRequest) -> Iterator[LambdaFunctions]:
    """Return the functions of this test; see `wsgi_lambda.testing`."""
    from wsgi_lambda import testing

    with testing.lambda_functions() as functions:
        request.node.stash[_FUNCTIONS] = functions
        yield functions


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test, not its teardown, if it has called functions that it does not know."""
    __tracebackhide__ = True
    try:
        result = yield
        if _FUNCTIONS in item.stash:
            item.stash[_FUNCTIONS].check()
    except BaseException:
        if _FUNCTIONS in item.stash:
            item.stash[_FUNCTIONS].is_strict = False  # one failure is enough
        raise
    return result
