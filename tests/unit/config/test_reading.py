"""A configuration becomes routes, or one error that lists every problem with its place."""

import pytest

from tests.unit.configurations import REGION, problems, problems_of, read_route
from tests.unit.options.invalid_values import (
    INVALID,
    NO_FUNCTION,
    NO_PATH,
    NO_QUALIFIER,
    PORT,
    TIME,
    each_invalid_value,
    with_required_options,
)
from wsgi_lambda.config import read_routes
from wsgi_lambda.errors import ConfigError


def test_option_of_a_route_wins_over_the_default():
    assert read_route(defaults={"timeout": 1000}, timeout=2000).target.timeout == 2.0


def test_false_of_a_route_wins_over_true_at_the_top():
    route = read_route(defaults={"is_proxy_integration": True}, is_proxy_integration=False)
    assert route.response.is_proxy_integration is False


def test_none_in_a_route_means_the_default():
    assert read_route(defaults={"timeout": 1000}, timeout=None).target.timeout == 1.0


@pytest.mark.parametrize(
    ("config", "kind"),
    [(None, "None"), ([], "a list"), (7, "a number")],
    ids=["none", "list", "number"],
)
def test_configuration_must_be_a_mapping(config, kind):
    assert problems(config) == [f"configuration: must be a mapping, not {kind}"]


@pytest.mark.parametrize(("routes", "kind"), [([], "a list"), ("/a", "a string")])
def test_routes_must_be_a_mapping(routes, kind):
    assert problems({"routes": routes}) == [
        f"routes: must be a mapping of paths to options, not {kind}"
    ]


@pytest.mark.parametrize(
    ("own", "problem"),
    [
        pytest.param(
            "pay", "routes['/a']: must be a mapping of options, not a string", id="string"
        ),
        pytest.param(None, "routes['/a']: must be a mapping of options, not None", id="none"),
        pytest.param(
            [{"function_name": "f"}, "pay"],
            "routes['/a'][1]: must be a mapping of options, not a string",
            id="string-in-a-list",
        ),
        pytest.param(
            [[{"function_name": "f"}]],
            "routes['/a'][0]: must be a mapping of options, not a list",
            id="list-in-a-list",
        ),
    ],
)
def test_options_of_a_path_are_a_mapping_or_a_list_of_mappings(own, problem):
    assert problems({"routes": {"/a": own}}) == [problem]


def test_list_of_routes_must_not_be_empty():
    assert problems({"routes": {"/a": []}}) == ["routes['/a']: must contain at least one route"]


def test_problem_in_a_list_of_routes_has_its_number():
    own = [{"function_name": "f"}, {"function_name": "f", "timeout": 0}]
    assert problems({"routes": {"/a": own}}) == [
        "routes['/a'][1].timeout: must be an integer from 1 to 2147483646"
    ]


@each_invalid_value
def test_invalid_value_in_a_route_has_its_place(name, value, problem):
    assert problems_of(**with_required_options(name, value))[0] == f"routes['/a'].{name}: {problem}"


@each_invalid_value
def test_invalid_default_is_reported_once(name, value, problem):
    own = {} if name == "function_name" else {"function_name": "f"}
    config = {**with_required_options(name, value), "routes": {"/a": own, "/b": own}}
    assert problems(config)[0] == f"{name}: {problem}"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [row for row in INVALID.values() if row[0] != "aws_key"],
    ids=[words for words, row in INVALID.items() if row[0] != "aws_key"],
)
def test_invalid_value_is_one_problem(name, value, problem):
    assert problems_of(**with_required_options(name, value)) == [f"routes['/a'].{name}: {problem}"]


def test_all_problems_are_in_one_error():
    config = {
        "timeout": "60s",
        "aws_regoin": "us-east-1",
        "routes": {
            "/a": {"port": 0, "nonsense": 1},
            "b": {"function_name": "f"},
            "/c": [{"function_name": "f", "qualifier": "a b", "log_type": 1}, "f"],
            "/d": {"function_name": "f", "aws_key": "AKID"},
        },
    }
    assert sorted(problems(config)) == sorted(
        [
            f"timeout: {TIME}, not a string",
            "aws_regoin: unknown option; did you mean 'aws_region'?",
            f"routes['/a'].port: {PORT}",
            "routes['/a'].nonsense: unknown option",
            "routes['/a'].function_name: required",
            f"routes['b']: {NO_PATH}",
            f"routes['/c'][0].qualifier: {NO_QUALIFIER}",
            "routes['/c'][0].log_type: must be one of the strings Tail, None, not a number",
            "routes['/c'][1]: must be a mapping of options, not a string",
            "routes['/d'].aws_secret: required with aws_key",
        ]
    )


def test_invalid_default_does_not_hide_a_missing_function_name():
    assert problems({"timeout": 0, "routes": {"/a": {}, "/b": {}}}) == [
        f"timeout: {TIME}",
        "routes['/a'].function_name: required",
        "routes['/b'].function_name: required",
    ]


def test_invalid_option_does_not_hide_a_missing_key():
    assert problems_of(timeout=0, aws_secret="secret") == [
        f"routes['/a'].timeout: {TIME}",
        "routes['/a'].aws_key: required with aws_secret",
    ]


def test_unknown_option_does_not_hide_an_invalid_one():
    assert problems_of(timout=1, timeout=0) == [
        "routes['/a'].timout: unknown option; did you mean 'timeout'?",
        f"routes['/a'].timeout: {TIME}",
    ]


def test_invalid_option_is_not_reported_as_missing():
    assert problems_of(function_name="my function") == [
        f"routes['/a'].function_name: {NO_FUNCTION}"
    ]


def test_misspelt_option_is_not_reported_as_missing():
    with pytest.raises(ConfigError) as caught:
        read_routes({"aws_regoin": "us-east-1", "routes": {"/a": {"function_nam": "f"}}}, {})
    assert len(caught.value.errors) == 2


@pytest.mark.parametrize("routes", [{}, {"/a": {"function_name": "f", "timeout": 1}}])
def test_invalid_default_is_reported_even_if_unused(routes):
    assert problems({"timeout": 0, "routes": routes}) == [f"timeout: {TIME}"]


def test_options_under_an_invalid_path_are_checked():
    assert len(problems({"routes": {"lambda1": {"function_name": "a b"}}})) == 2


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("timout", "; did you mean 'timeout'?", id="letter-missing"),
        pytest.param("Timeout", "; did you mean 'timeout'?", id="capital"),
        pytest.param("AWS_REGION", "; did you mean 'aws_region'?", id="as-in-the-environment"),
        pytest.param("function-name", "; did you mean 'function_name'?", id="hyphen"),
        pytest.param("functionName", "; did you mean 'function_name'?", id="camel-case"),
        pytest.param("method", "; did you mean 'methods'?", id="singular"),
        pytest.param("endpoint_url", "; did you mean 'host'?", id="name-in-boto3"),
        pytest.param("region_name", "; did you mean 'aws_region'?", id="resembles-another"),
        pytest.param("AWS_ACCESS_KEY_ID", "; did you mean 'aws_key'?", id="variable"),
        pytest.param("zzz", "", id="nothing-near"),
        pytest.param("routes", "", id="routes-in-a-route"),
        pytest.param(7, "", id="number"),
    ],
)
def test_unknown_option_gets_a_near_match(name, hint):
    config = {"routes": {"/a": {"function_name": "f", name: 1}}}
    assert problems(config) == [f"routes['/a'].{name}: unknown option{hint}"]


def test_misspelt_routes_get_a_near_match():
    assert problems({"route": {"/a": {"function_name": "f"}}}) == [
        "route: unknown option; did you mean 'routes'?"
    ]


@pytest.mark.parametrize("key", ["wsgi_lambda", "WSGI-LAMBDA", "WSGI_LAMDA"])
def test_misspelt_key_of_the_whole_configuration_gets_a_near_match(key):
    assert problems({key: {"routes": {}}}) == [
        f"{key}: unknown option; did you mean 'WSGI_LAMBDA'?"
    ]


@pytest.mark.parametrize(
    ("name", "value"), [("aws_region", "us-east-1"), ("timeout", 7), ("methods", ["GET"])]
)
def test_option_among_the_paths_is_told(name, value):
    assert problems({"routes": {name: value, "/a": {"function_name": "f"}}}) == [
        f"routes['{name}']: an option, not a path: put it next to routes, or into a route"
    ]


def test_path_among_the_options_is_told():
    assert problems({"/a": {"function_name": "f"}, "routes": {}}) == [
        "/a: unknown option; a path belongs into routes"
    ]


def test_path_that_is_named_like_an_option_is_a_path():
    for route in ({"function_name": "f"}, [{"function_name": "f"}]):
        (problem,) = problems({"routes": {"timeout": route}})
        assert problem.startswith("routes['timeout']: a path must begin with")


def test_unknown_option_at_the_top_gets_a_near_match():
    config = {"function_nam": "f", "routes": {"/a": {"function_name": "f"}}}
    assert problems(config) == ["function_nam: unknown option; did you mean 'function_name'?"]


def test_name_of_an_option_must_be_a_string():
    config = {"routes": {"/a": {"function_name": "f", ("x", "y"): 1}}}
    assert problems(config) == ["routes['/a']: the name of an option must be a string, not tuple"]


def test_unknown_option_is_rejected_even_if_none():
    assert problems_of(timout=None) == [
        "routes['/a'].timout: unknown option; did you mean 'timeout'?"
    ]


CODES = {
    "unknown_option": {"timout": 1, "routes": {}},
    "invalid_value": {"timeout": 0, "routes": {}},
    "wrong_type": {"routes": {"/a": "pay"}},
    "missing": {"routes": {"/a": {}}},
    "contradiction": {"routes": {"/a": {"function_name": "f:1", "qualifier": "2"}}},
    "invalid_path": {"routes": {"a": {"function_name": "f"}}},
    "same_path": {"function_name": "f", "routes": {"/a": {}, "/a/": {}}},
    "no_routes": {"routes": {"/a": []}},
}


@pytest.mark.parametrize(("code", "config"), CODES.items(), ids=CODES)
def test_problem_has_a_code(code, config):
    with pytest.raises(ConfigError) as caught:
        read_routes(config, REGION)
    assert [problem.code for problem in caught.value.problems] == [code]
