"""A configuration is found in files, modules, Flask apps, middleware and factories."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask
import pytest
from werkzeug.middleware.proxy_fix import ProxyFix

from wsgi_lambda import ConfigError, LambdaMiddleware
from wsgi_lambda.config import read_routes
from wsgi_lambda.config.named import search_current_directory
from wsgi_lambda.config.sources import load_configuration

CONFIGURATION = {"routes": {"/f": {"function_name": "f", "aws_region": "us-east-1"}}}
TOML = '[routes."/f"]\nfunction_name = "f"\naws_region = "us-east-1"\n'
MODULE = f"""
import flask
from werkzeug.middleware.proxy_fix import ProxyFix
from wsgi_lambda import LambdaMiddleware

WSGI_LAMBDA = {CONFIGURATION}

class settings:
    WSGI_LAMBDA = WSGI_LAMBDA

def create_app(name="shop"):
    app = flask.Flask(name)
    app.config["WSGI_LAMBDA"] = WSGI_LAMBDA
    app.wsgi_app = LambdaMiddleware(app.wsgi_app, app.config["WSGI_LAMBDA"])
    return app

def create_wrapped_app():
    app = flask.Flask("shop")
    app.wsgi_app = ProxyFix(LambdaMiddleware(app.wsgi_app, WSGI_LAMBDA))
    return app

def create_plain_app():
    return flask.Flask("shop")

def create_app_for(tenant):
    return flask.Flask(tenant)

def create_broken_app():
    raise ValueError("hunter2")

app = create_app()
application = LambdaMiddleware(flask.Flask("shop"), WSGI_LAMBDA)
proxied = ProxyFix(application)
plain = create_plain_app()
endless = ProxyFix(None)
endless.app = endless
nothing = None
"""


@pytest.fixture(autouse=True)
def _shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let tests import `shop` from the current directory, and forget it afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    write("shop.py", MODULE)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in ("shop", "broken")]:
        del sys.modules[name]


def write(name: str, text: str) -> str:
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")
    return name


def problem_of(source: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load_configuration(source)
    (problem,) = raised.value.problems
    assert problem.code == "cannot_load"
    return str(problem)


def test_mapping_is_the_configuration_or_contains_it() -> None:
    assert load_configuration(CONFIGURATION) == CONFIGURATION
    assert load_configuration({"WSGI_LAMBDA": CONFIGURATION, "DEBUG": True}) == CONFIGURATION


@pytest.mark.parametrize(
    "attribute",
    [
        pytest.param("WSGI_LAMBDA", id="mapping"),
        pytest.param("settings.WSGI_LAMBDA", id="attribute with dots"),
        pytest.param("app", id="Flask app"),
        pytest.param("app.config", id="config of a Flask app"),
        pytest.param("app.wsgi_app", id="middleware of a Flask app"),
        pytest.param("application", id="middleware"),
        pytest.param("proxied", id="middleware inside another one"),
        pytest.param("create_app()", id="factory"),
        pytest.param("create_wrapped_app()", id="factory, configuration in the middleware only"),
    ],
)
def test_python_object_is_or_contains_the_configuration(attribute: str) -> None:
    assert load_configuration(f"shop:{attribute}") == CONFIGURATION


def test_module_may_be_in_a_package() -> None:
    write("shop/__init__.py", "")
    write("shop/settings.py", MODULE)
    Path("shop.py").unlink()
    assert load_configuration("shop.settings:WSGI_LAMBDA") == CONFIGURATION


@pytest.mark.parametrize("attribute", ["plain", "nothing", "endless", "create_plain_app()"])
def test_object_without_a_configuration_names_the_places_searched(attribute: str) -> None:
    assert problem_of(f"shop:{attribute}") == (
        f"no WSGI_LAMBDA configuration found in shop:{attribute}: looked for a mapping, "
        "app.config['WSGI_LAMBDA'] and a LambdaMiddleware"
    )


def test_factory_that_is_not_called_gets_a_hint() -> None:
    assert problem_of("shop:create_app").endswith("; to call the function, write shop:create_app()")


def test_django_project_gets_a_hint() -> None:
    write(
        "mysite.py",
        "from django.core.handlers.wsgi import WSGIHandler as app\napp = object.__new__(app)\n",
    )
    hint = "or functions in the project: manage.py lambda_check"
    assert problem_of("mysite:app").endswith(hint)


def test_outermost_middleware_wins_over_the_app() -> None:
    app: Any = flask.Flask("shop")
    app.config["WSGI_LAMBDA"] = {**CONFIGURATION, "timeout": 5000}
    assert load_configuration(app)["timeout"] == 5000
    app.wsgi_app = LambdaMiddleware(app.wsgi_app, app.config["WSGI_LAMBDA"])
    assert load_configuration(app)["timeout"] == 5000
    app.wsgi_app = ProxyFix(LambdaMiddleware(app.wsgi_app, CONFIGURATION))
    assert load_configuration(app) == CONFIGURATION


@pytest.mark.parametrize(
    ("lines", "is_unused"),
    [
        ("", True),
        ("app.wsgi_app = ProxyFix(app.wsgi_app)", True),
        ("app.wsgi_app = ProxyFix(LambdaMiddleware(app.wsgi_app, WSGI_LAMBDA))", False),
        ("from wsgi_lambda.flask import LambdaFunctions; LambdaFunctions(app)", False),
    ],
)
def test_configuration_that_an_app_does_not_use_is_told(lines: str, is_unused: bool) -> None:
    text = f"{MODULE}\napp = create_plain_app()\napp.config['WSGI_LAMBDA'] = WSGI_LAMBDA\n{lines}\n"
    write("shop.py", text)
    told: list[str] = []
    assert load_configuration("shop:app", on_unused=told.append) == CONFIGURATION
    assert load_configuration("shop:app") == CONFIGURATION
    assert [each[:45] for each in told] == [
        "shop:app: app.config['WSGI_LAMBDA'] is used n"
    ] * is_unused


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("shop:missing()", "no attribute 'missing'"),
        ("shop:creat_app()", "no attribute 'creat_app'; did you mean 'create_app'?"),
        ("shop:WSGI_LAMDA", "no attribute 'WSGI_LAMDA'; did you mean 'WSGI_LAMBDA'?"),
        ("shop:WSGI_LAMBDA()", "is not callable"),
        ("shop:create_app_for()", "requires arguments, but is called without any"),
        (
            "shop:create_app_for('x')",
            "must be module:attribute, module:factory() or a .json, .toml, .yaml or .yml file",
        ),
    ],
)
def test_factory_that_cannot_be_called_is_rejected(source: str, problem: str) -> None:
    assert problem_of(source) == f"{source}: {problem}"


def test_error_of_a_factory_is_one_line_without_its_message() -> None:
    problem = problem_of("shop:create_broken_app()")
    assert problem.startswith("shop:create_broken_app(): raised ValueError (")
    assert "shop.py, line " in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("", "broken.none:X", "cannot be imported: No module named 'broken.none'"),
        ("", "broken.settings:X.Y", "no attribute 'X'"),
        ("import nothing_here", "broken.settings:X", "cannot be imported: No module named"),
        ("x = (", "broken.settings:X", r"'\(' was never closed \(.*settings.py, line 1\)"),
        ("\nint('hunter2')", "broken.settings:X", r"raised ValueError \(.*settings.py, line 2\)$"),
        (
            "import os\nos.environ['NO_SUCH_NAME']",
            "broken.settings:X",
            r"the environment variable NO_SUCH_NAME is not set \(.*settings.py, line 2\)$",
        ),
        ("raise SystemExit(0)", "broken.settings:X", r"raised SystemExit \(.*, line 1\)$"),
        ("{}['hunter2']", "broken.settings:X", r"raised KeyError \(.*settings.py, line 1\)$"),
        (
            "import flask\nX = flask.current_app",
            "broken.settings:X",
            r"raised RuntimeError \(.*werkzeug.*, line \d+\)$",
        ),
        (
            "import flask\nfrom wsgi_lambda.flask import LambdaFunctions\n"
            "LambdaFunctions(flask.Flask('shop'))",
            "broken.settings:X",
            r"raised RuntimeError: app.config has no WSGI_LAMBDA \(.*settings.py, line 3\)$",
        ),
        (
            "import functools, operator\nX = functools.partial(operator.getitem, {}, 'hunter2')",
            "broken.settings:X()",
            r"raised KeyError \(.*named.py, line \d+\)$",
        ),
        (
            "import flask\nflask.Flask('shop').config.WSGI_LAMBDA",
            "broken.settings:X",
            r"Config has no WSGI_LAMBDA \(.*settings.py, line 2\)$",
        ),
        ("().hunter2", "broken.settings:X", r"raised AttributeError \(.*settings.py, line 1\)$"),
        (
            "class Missing(AttributeError):\n    name = 'HUNTER2'\nraise Missing",
            "broken.settings:X",
            r"raised Missing \(.*settings.py, line 3\)$",
        ),
        (
            "import pathlib\npathlib.Path('hunter2').read_text()",
            "broken.settings:X",
            r"raised FileNotFoundError: No such file or directory \(.*settings.py, line 2\)$",
        ),
        (
            "raise PermissionError(13, 'hunter2', 'hunter2')",
            "broken.settings:X",
            r"raised PermissionError: Permission denied \(.*settings.py, line 1\)$",
        ),
        (
            "import ssl\nraise ssl.SSLError(1, 'hunter2')",
            "broken.settings:X",
            r"raised SSLError \(.*settings.py, line 2\)$",
        ),
        (
            "import os\nfile = os.path.dirname(os.__file__) + '/site-packages/shop.py'\n"
            "X = eval(compile('lambda: 1 / 0', file, 'eval'))",
            "broken.settings:X()",
            r"raised ZeroDivisionError \(.*site-packages/shop.py, line 1\)$",
        ),
        (
            "raise NotADirectoryError('hunter2')",
            "broken.settings:X",
            r"raised NotADirectoryError \(.*settings.py, line 1\)$",
        ),
    ],
)
def test_module_that_fails_is_one_line(text: str, name: str, message: str) -> None:
    write("broken/settings.py", text)
    with pytest.raises(ConfigError, match=message) as raised:
        load_configuration(name)
    (problem,) = raised.value.errors
    assert problem.startswith(f"{name}: ")
    assert "hunter2" not in problem


def test_module_with_an_invalid_configuration_raises_its_own_error() -> None:
    wrong = "from wsgi_lambda import LambdaMiddleware\nLambdaMiddleware(None, {'routes': 1})"
    with pytest.raises(ConfigError, match="routes: must be a mapping"):
        load_configuration(write("broken.py", wrong).removesuffix(".py") + ":x")


@pytest.mark.parametrize("value", [None, [], 7, flask.Flask("plain")], ids=str)
def test_object_that_is_no_configuration_is_rejected_by_read_routes(value: Any) -> None:
    with pytest.raises(ConfigError, match="configuration: must be a mapping, not"):
        read_routes(value)


@pytest.mark.parametrize("source", ["f.toml", Path("f.toml"), "shop:WSGI_LAMBDA", "shop:app"])
def test_middleware_accepts_the_name_of_a_configuration(source: str | Path) -> None:
    write("f.toml", TOML)
    app = LambdaMiddleware(None, source)
    assert app.configuration == CONFIGURATION
    assert read_routes(source) == read_routes(CONFIGURATION)


@pytest.mark.parametrize("source", ["shop:app", "lambda.toml", "conf/lambda.toml"])
def test_command_line_searches_the_current_directory_once(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", ["elsewhere"])
    for elsewhere in ("/etc/lambda.toml", "../lambda.toml"):
        search_current_directory(elsewhere)
    assert sys.path == ["elsewhere"]
    search_current_directory(source)
    search_current_directory(source)
    assert sys.path == [str(Path.cwd()), "elsewhere"]


def test_middleware_does_not_change_the_search_path(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(Path.cwd())
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each != folder])
    LambdaMiddleware(None, write("f.toml", TOML))
    assert folder not in sys.path


def test_configuration_of_the_middleware_cannot_be_replaced() -> None:
    app = LambdaMiddleware(None, CONFIGURATION)
    with pytest.raises(AttributeError):
        app.configuration = {}  # type: ignore[misc]


def test_middleware_inside_another_one_is_found() -> None:
    assert load_configuration(ProxyFix(LambdaMiddleware(None, CONFIGURATION))) == CONFIGURATION
