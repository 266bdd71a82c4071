"""No error and no repr shows a value from the configuration that may be a secret."""

import traceback

import pytest

from tests.unit.configurations import REGION, problems, read_route
from tests.unit.options.invalid_values import SECRETS
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.config import read_routes
from wsgi_lambda.errors import ConfigError
from wsgi_lambda.options import OPTIONS, Route

#: Has the shape of a real secret key: visible ASCII, not a valid name.
CANARY = "wJalr/XUtnFEMI+K7MDENG"


REGION_OPTION = {"aws_region": "us-east-1"}
ROUTES = {"/a": {"function_name": "f"}}


class Revealing:
    """A value of a foreign type, whose repr is a secret."""

    def __repr__(self):
        return CANARY


SHAPES = {
    "string": CANARY,
    "string-with-a-line-end": f"{CANARY}\n",
    "bytes": CANARY.encode(),
    "list": [CANARY],
    "list-with-a-number": [CANARY, 7],
    "list-in-a-list": [[CANARY]],
    "tuple": (f"{CANARY}\n",),
    "set": {CANARY},
    "mapping": {CANARY: CANARY},
    "mapping-in-a-list": [{"aws_secret": CANARY}],
    "object": Revealing(),
}

PLACES = {
    "top": lambda options: {**options, "routes": {"/a": {"function_name": "f"}}},
    "route": lambda options: {"routes": {"/a": {"function_name": "f", **options}}},
    "list": lambda options: {"routes": {"/a": [{"function_name": "f", **options}]}},
}


def everything_shown(config):
    """Return every text that may reach a log: of the error, or of the routes."""
    try:
        routes = read_routes(config, REGION)
    except ConfigError as error:
        shown = (str(error), repr(error), repr(error.args), repr(error.errors))
        return "\n".join((*shown, *traceback.format_exception(error)))
    return f"{routes!r} {[route.target for route in routes]!r}"


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_invalid_option_does_not_show_its_value(place, shape):
    # Consumers, tenants and sessions may have such a value; they are names, not secrets.
    for name in set(OPTIONS) - {"consumers", "tenant_id", "aws_role_session_name"}:
        assert CANARY not in everything_shown(place({name: shape})), name


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("name", ["aws_secert", "aws-secret", "AWS_SECRET", "secret", "zzz", 7])
def test_misspelt_option_does_not_show_its_value(name, place, shape):
    shown = everything_shown(place({name: shape}))
    assert f"{name}: unknown option" in shown
    assert CANARY not in shown


@pytest.mark.parametrize("words", sorted(set(SHAPES) - {"mapping"}))
def test_secret_instead_of_a_mapping_is_not_shown(words):
    shape = SHAPES[words]
    configs = [{"routes": shape}, {"routes": {"/a": shape}}, {"routes": {"/a": [shape]}}]
    if not isinstance(shape, str):  # the name of a file is shown
        configs.append(shape)
    for config in configs:
        assert CANARY not in everything_shown(config)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_repr_of_a_route_does_not_show_its_keys(place):
    config = place(dict.fromkeys(SECRETS, CANARY))
    (route,) = read_routes(config, REGION)
    assert isinstance(route, Route)
    assert route.identity.aws_secret == CANARY
    assert CANARY not in f"{route!r} {route!s} {route.target!r} {route.identity!r}"


@pytest.mark.parametrize("name", SECRETS)
def test_problem_elsewhere_does_not_show_valid_keys(name):
    keys = dict.fromkeys(SECRETS, "right") | {name: CANARY}
    shown = everything_shown(PLACES["route"]({**keys, "timeout": 0, "qualifier": "a b"}))
    assert "timeout" in shown
    assert CANARY not in shown


def test_name_that_is_not_a_string_is_not_shown():
    (problem,) = problems({("x", "SECRET"): 1, "routes": {}})
    assert problem == "the name of an option must be a string, not tuple"


def test_repr_does_not_show_a_client_context():
    assert "eyJ" not in repr(read_route(client_context={"a": 1}))


def frames_of(error):
    """Yield the frames of a traceback and of those of its causes, as crash reporters do."""
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            yield frame
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("f.json", f'{{"aws_secret": "{CANARY}'),
        ("f.json", f'{{"aws_secret": "{CANARY}", "aws_secret": "x"}}'),
        ("f.json", f'{{"aws_secret": ["{CANARY}", NaN]}}'),
        ("f.json", f'"{CANARY}"'),
        ("f.toml", f'aws_secret = "{CANARY}'),
        ("f.yaml", f"aws_secret: '{CANARY}"),
        ("f.yaml", f"aws_secret: !x {CANARY}"),
        ("f.yaml", f"aws_secret: {CANARY}\naws_secret: {CANARY}"),
        ("f.yaml", f"{CANARY}"),
        ("f.yaml", f"aws_secret: {CANARY}\n---\n{CANARY}"),
    ],
)
def test_error_of_a_file_shows_nothing_of_it(name, text, tmp_path):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ConfigError) as raised:
        LambdaMiddleware(None, path)
    assert CANARY not in "".join(traceback.format_exception(raised.value))
    ours = [frame for frame in frames_of(raised.value) if frame.f_code.co_filename != __file__]
    assert ours
    assert CANARY not in repr([list(frame.f_locals.values()) for frame in ours])


def test_password_of_a_proxy_is_in_no_attribute():
    proxy = f"http://user:{CANARY.replace('/', '')}@proxy.test:3128"
    own = {"aws_key": CANARY, "aws_secret": CANARY, "aws_session_token": CANARY}
    app = LambdaMiddleware(None, {**REGION_OPTION, **own, "proxy_url": proxy, "routes": ROUTES})
    (route,) = app.dispatcher.routes
    connections = app.dispatcher.connections
    shown = repr([vars(connections), vars(connections.credentials(route)), vars(app.dispatcher)])
    assert "Transport(" in shown
    assert CANARY.replace("/", "") not in shown
    assert CANARY not in shown
