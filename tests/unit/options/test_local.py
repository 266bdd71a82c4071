"""The names of handlers; `invalid_values.py` has the invalid ones."""

import pytest

from wsgi_lambda.options.local import HandlerName, handler


@pytest.mark.parametrize(
    ("text", "expected", "is_file"),
    [
        ("app.handler", HandlerName("app", "handler"), False),
        ("app:handler", HandlerName("app", "handler"), False),
        ("package.module.function", HandlerName("package.module", "function"), False),
        ("package.module:function", HandlerName("package.module", "function"), False),
        ("src/app.handler", HandlerName("src/app", "handler"), False),
        ("my-app.handler", HandlerName("my-app", "handler"), False),
        ("größe.händler", HandlerName("größe", "händler"), False),
        ("src/app.py:handler", HandlerName("src/app.py", "handler"), True),
        ("/srv/my shop/app.py:handler", HandlerName("/srv/my shop/app.py", "handler"), True),
        ("../app.py:handler", HandlerName("../app.py", "handler"), True),
        ("C:\\shop\\app.py:handler", HandlerName("C:\\shop\\app.py", "handler"), True),
        ("happy.handler", HandlerName("happy", "handler"), False),
    ],
)
def test_notation_names_a_module_or_a_file(text, expected, is_file):
    assert (handler(text), handler(text).is_file) == (expected, is_file)


def test_callable_is_its_own_handler():
    assert handler(print) is print
