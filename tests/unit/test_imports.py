"""Who may import whom: a step never knows a later one, and one file knows a library."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import wsgi_lambda

PACKAGE = Path(wsgi_lambda.__file__).parent
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}

#: What a module may import of ours. A package stands for all of its modules,
#: which may import each other.
MAY_IMPORT = {
    "": {"errors", "middleware"},
    "__main__": {"cli"},
    "after_fork": set(),
    "authorize": {"errors", "request"},
    "cli": {
        "config",
        "credentials",
        "errors",
        "event",
        "invoke",
        "kong_import",
        "middleware",
        "options",
        "request",
        "routing",
    },
    "config": {"credentials", "errors", "options"},
    "credentials": {"after_fork", "errors", "header_syntax", "options"},
    "errors": set(),
    "event": {"errors", "header_syntax", "options", "request", "strict_json", "trace"},
    "gunicorn_timeout": {"options"},
    "header_syntax": set(),
    "invoke": {"after_fork", "credentials", "errors", "options", "request", "trace", "wire"},
    "kong_import": {"errors", "options"},
    "middleware": {
        "authorize",
        "config",
        "credentials",
        "errors",
        "event",
        "gunicorn_timeout",
        "invoke",
        "options",
        "request",
        "response",
        "routing",
    },
    "options": {"header_syntax"},
    "request": {"errors", "header_syntax"},
    "response": {"errors", "header_syntax", "invoke", "options", "strict_json"},
    "routing": {"options"},
    "strict_json": set(),
    "trace": set(),
    "wire": {"header_syntax"},
}

#: The folders and files that may know a library.
KNOWN_TO = {
    "requests_aws4auth": {"invoke.sign"},
    "urllib3": {"wire"},
    "requests": {"invoke.client", "invoke.function", "invoke.sign", "wire"},
    "yaml": {"config.files"},
    "botocore": {"credentials.chain"},
    "boto3": set(),
    "flask": set(),
    "django": set(),
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


def test_the_answer_knows_only_the_value_type_of_the_invocation():
    assert {
        name for source, name in imports("wsgi_lambda.response") if row(source) == "invoke"
    } == {"Reply"}


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


def test_the_package_loads_no_framework_and_no_sdk():
    code = "import sys, wsgi_lambda; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(run.stdout.split())
    assert "wsgi_lambda.middleware" in loaded
    assert loaded & {"flask", "django", "botocore", "boto3", "yaml"} == set()
