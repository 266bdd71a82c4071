"""Which module may import which: a step never knows a later one, one room knows a library."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import wsgi_lambda

PACKAGE = Path(wsgi_lambda.__file__).parent
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}

#: The rooms of the package, and the rooms that each may import (docs/architecture.md).
#: A folder stands for all of its modules, which may import each other.
MAY_IMPORT = {
    "": {"errors", "middleware"},
    "__main__": {"cli"},
    "middleware": {"dispatcher", "errors", "request", "request_body", "response"},
    "django": {
        "cli",
        "dispatcher",
        "errors",
        "middleware",
        "request",
        "request_body",
        "response",
    },
    "flask": {
        "dispatcher",
        "errors",
        "flask_commands",
        "flask_exchange",
        "flask_rules",
        "middleware",
        "request",
        "response",
    },
    "flask_commands": {"cli", "flask_exchange", "flask_rules", "middleware"},
    "flask_exchange": {
        "dispatcher",
        "errors",
        "readable_request",
        "request",
        "request_body",
        "response",
    },
    "flask_rules": {"options"},
    "dispatcher": {
        "authorize",
        "backends",
        "config",
        "errors",
        "event",
        "failures",
        "invoke",
        "log_lines",
        "options",
        "request",
        "response",
        "routing",
        "startup",
        "watch",
    },
    "failures": {"errors", "on_error", "options", "request", "response"},
    "watch": {"log_limit", "options", "record", "request", "response"},
    "record": {
        "delivery",
        "errors",
        "log_limit",
        "observe",
        "options",
        "printable",
        "request",
        "response",
    },
    "log_lines": {
        "after_fork",
        "delivery",
        "errors",
        "log_limit",
        "options",
        "printable",
        "request",
        "response",
    },
    "observe": {"errors", "log_limit", "options", "printable"},
    "log_limit": {"printable"},
    "backends": {"delivery", "errors", "event", "invoke", "options", "request", "response"},
    "response": {
        "errors",
        "header_syntax",
        "invoke",
        "json_pieces",
        "options",
        "strict_json",
        "printable",
    },
    "invoke": {
        "after_fork",
        "credentials",
        "delivery",
        "errors",
        "json_pieces",
        "local_runtime",
        "options",
        "request",
        "strict_json",
        "trace",
        "wire",
        "printable",
    },
    "event": {
        "errors",
        "header_syntax",
        "json_pieces",
        "options",
        "request",
        "strict_json",
        "trace",
        "printable",
    },
    "config": {"credentials", "errors", "options"},
    "testing": {"credentials", "errors", "invoke", "local_runtime", "options", "wire"},
    "credentials": {"after_fork", "errors", "header_syntax", "options", "printable", "wire"},
    "authorize": {"errors", "readable_request", "request"},
    "on_error": {"errors", "request", "response"},
    "routing": {"options"},
    "startup": {"gunicorn_timeout", "options"},
    "gunicorn_timeout": {"options"},
    "kong_import": {"errors", "options", "printable"},
    "wire": {"header_syntax"},
    "options": {"header_syntax", "printable"},
    "request": {"delivery", "errors", "request_body", "trace"},
    "cli": {
        "config",
        "dispatcher",
        "errors",
        "event",
        "header_syntax",
        "invoke",
        "kong_import",
        "options",
        "request",
        "response",
        "printable",
    },
    "request_body": {"errors", "header_syntax"},
    "errors": set(),
    "trace": set(),
    "printable": set(),
    "readable_request": {"event"},
    "delivery": set(),
    "local_runtime": set(),
    "header_syntax": set(),
    "json_pieces": {"strict_json"},
    "strict_json": set(),
    "after_fork": set(),
}

#: Of `invoke`, `response` knows these value types only: they load no urllib3.
KNOWN_TO_RESPONSE = {"wsgi_lambda.invoke", "wsgi_lambda.invoke.reply"}

#: Only local mode, and the tests of users, load the runtime for handlers and simplejson.
KNOWS_LOCAL_RUNTIME = {
    "invoke.in_process",
    "invoke.local_stream",
    "invoke.named_handler",
    "testing.far_end",
    "testing.replies",
    "testing.streams",
}

#: The folders and files that may know a library.
KNOWN_TO = {
    "requests_aws4auth": {"invoke.sign"},
    "urllib3": {"wire"},
    "requests": {"invoke.client", "invoke.function", "invoke.sign", "wire"},
    "yaml": {"config.files"},
    "botocore": {"credentials.chain", "credentials.service_http"},
    "simplejson": {"local_runtime.encoding"},
    "boto3": set(),
    "opentelemetry": {"observe.opentelemetry"},
    "prometheus_client": {"observe.prometheus"},
    "flask": {"flask", "flask_commands", "flask_exchange", "flask_rules"},
    "flask_login": {"flask_exchange"},
    "django": {"django"},
}


def imports(module):
    """Return (module, name) of all that ``module`` imports, wherever in its text."""
    is_package = MODULES[module].name == "__init__.py"
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            base = parts[: len(parts) - node.level + is_package] if node.level else []
            source = ".".join([*base, *filter(None, [node.module])])
            found |= {(source, alias.name) for alias in node.names}
    # `from wsgi_lambda import parsers` imports a module, not a name.
    return {
        (f"{source}.{name}", "") if f"{source}.{name}" in MODULES else (source, name)
        for source, name in found
    }


def row(module):
    """Return the row of ``module`` in the table: its first name below the package."""
    return module.removeprefix("wsgi_lambda").removeprefix(".").partition(".")[0]


def test_every_module_has_a_row():
    assert {row(module) for module in MODULES} == set(MAY_IMPORT)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_what_its_row_says(module):
    ours = {row(source) for source, _ in imports(module) if source.split(".")[0] == "wsgi_lambda"}
    assert ours - {row(module)} <= MAY_IMPORT[row(module)]


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_module_imports_the_package_itself(module):
    assert "wsgi_lambda" not in {source for source, _ in imports(module)}


def test_no_module_imports_itself_through_others():
    sources = {
        module: {source for source, _ in imports(module) if source in MODULES} for module in MODULES
    }
    # A package of the standard layout imports its own modules: `wsgi_lambda.invoke`
    # stands for its `__init__.py` alone.
    assert list(TopologicalSorter(sources).static_order())


def test_response_knows_only_the_value_types_of_invoke():
    known = {
        source
        for module in MODULES
        if row(module) == "response"
        for source, _ in imports(module)
        if row(source) == "invoke"
    }
    assert known <= KNOWN_TO_RESPONSE


def test_local_runtime_is_known_to_local_mode():
    knowing = {
        module.removeprefix("wsgi_lambda.")
        for module in MODULES
        if row(module) != "local_runtime"
        and any(row(source) == "local_runtime" for source, _ in imports(module))
    }
    assert knowing == KNOWS_LOCAL_RUNTIME


@pytest.mark.parametrize("library", KNOWN_TO)
def test_a_library_is_known_to_its_folder_or_file(library):
    knowing = {
        module.removeprefix("wsgi_lambda.")
        for module in MODULES
        if any(source.split(".")[0] == library for source, _ in imports(module))
    }
    assert {
        module
        for module in knowing
        if not any(module == room or module.startswith(f"{room}.") for room in KNOWN_TO[library])
    } == set()


def loaded_by(code):
    """Return the modules that a new process has loaded after running ``code``."""
    run = subprocess.run(
        [sys.executable, "-c", f"import sys, types\n{code}\nprint(*sys.modules)"],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stdout.split())


def test_the_package_loads_no_framework_and_no_sdk():
    loaded = loaded_by("import wsgi_lambda")
    assert "wsgi_lambda.middleware" in loaded
    assert loaded & {"flask", "django", "botocore", "boto3", "yaml"} == set()


def test_modules_that_few_workers_need_are_loaded_on_demand():
    config = {"routes": {"/f": {"function_name": "f", "aws_region": "us-east-1"}}}
    loaded = loaded_by(f"import wsgi_lambda\nwsgi_lambda.LambdaMiddleware(None, {config})")
    names = (
        "config.files",
        "config.named",
        "event.apigateway",
        "invoke.stream",
        "observe",
        "record",
    )
    assert loaded & {f"wsgi_lambda.{name}" for name in names} == set()
    # Each takes some 25 kB of every worker.
    assert len([name for name in loaded if name.startswith("wsgi_lambda")]) <= 90


@pytest.mark.parametrize(("option", "is_loaded"), [(False, False), (True, True)])
def test_local_mode_alone_loads_the_local_runtime(option, is_loaded):
    route = {"function_name": "f", "aws_region": "us-east-1", "handler": "no.such.handler"}
    config = {"local": option, "routes": {"/f": route}}
    loaded = loaded_by(f"import wsgi_lambda\nwsgi_lambda.LambdaMiddleware(None, {config})")
    # Whether simplejson is loaded says nothing: requests loads it if it is installed.
    names = {"wsgi_lambda.local_runtime.encoding", "wsgi_lambda.invoke.in_process"}
    assert loaded & names == (names if is_loaded else set())


@pytest.mark.parametrize("mode", ["BUFFERED", "RESPONSE_STREAM"])
def test_only_apps_that_stream_load_what_streams_need(mode):
    config = {
        "aws_region": "us-east-1",
        "routes": {"/f": {"function_name": "f"}},
        "invoke_mode": mode,
    }
    loaded = loaded_by(
        f"from wsgi_lambda import LambdaMiddleware; LambdaMiddleware(None, {config})"
    )
    rooms = {"invoke.stream", "response.stream", "response.stream_head", "wire.event_stream"}
    needed = {f"wsgi_lambda.{name}" for name in rooms} if mode == "RESPONSE_STREAM" else set()
    assert {name for name in loaded if name.endswith(("stream", "stream_head"))} == needed


def test_value_types_of_invoke_load_no_library():
    # An empty package stands in for the real one, which would load the middleware.
    package = "sys.modules['wsgi_lambda'] = types.ModuleType('wsgi_lambda')\n"
    package += "sys.modules['wsgi_lambda'].__path__ = ['wsgi_lambda']\n"
    loaded = loaded_by(f"{package}import wsgi_lambda.invoke")
    assert "wsgi_lambda.invoke.reply" in loaded
    assert loaded & {"requests", "urllib3", "werkzeug"} == set()


@pytest.mark.parametrize("module", sorted(MODULES))
def test_files_and_functions_are_short(module):
    text = MODULES[module].read_text("utf-8")
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, functions) and node.end_lineno - node.lineno + 1 > 34
    }
    assert (len(text.splitlines()) <= 260, long) == (True, {})


#: Folders and files that only some processes need, each imported by the first that does: the
#: command line, a framework's own face, an option of a route.
ON_DEMAND = {
    "cli",
    "credentials.chain",
    "event.apigateway",
    "event.apigateway_v1",
    "event.apigateway_v2",
    "event.forwarded",
    "event.multipart",
    "flask",
    "flask_commands",
    "flask_exchange",
    "flask_rules",
    "invoke.client_context",
    "kong_import",
    "local_runtime",
    "observe.access_log",
    "observe.calling",
    "observe.opentelemetry",
    "observe.prometheus",
    "observe.report",
    "options.observing",
    "record",
    "on_error",
    "response.empty_arrays",
    "response.proxy_integration",
    "response.result",
    "response.service_error",
}

#: Each module takes a quarter of a millisecond and 15 KB of every process that imports the package.
MOST_MODULES = 88

PLAIN_ROUTE = (
    "import wsgi_lambda\n"
    "options = {'function_name': 'f', 'aws_region': 'us-east-1'}\n"
    "wsgi_lambda.LambdaMiddleware(None, {'routes': {'/a': options}})"
)


def test_a_plain_route_loads_few_modules():
    loaded = {module for module in loaded_by(PLAIN_ROUTE) if module.startswith("wsgi_lambda.")}
    names = {module.removeprefix("wsgi_lambda.") for module in loaded}
    needless = {each for each in names if each in ON_DEMAND or each.split(".")[0] in ON_DEMAND}
    assert (needless, len(names) <= MOST_MODULES) == (set(), True)


def test_a_plain_route_loads_nothing_else_that_flask_and_requests_do_not():
    libraries = "import flask, requests, requests_aws4auth"
    more = loaded_by(f"{libraries}\n{PLAIN_ROUTE}") - loaded_by(libraries)
    assert {module for module in more if not module.startswith("wsgi_lambda")} == set()
