"""Lambda functions as views of a Flask app, and functions called from its code.

Flask routes the request and runs its hooks and decorators; only then is a function
invoked. Rules about methods, limits and failures are those of the dispatcher.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from flask import Blueprint, Flask, Response, current_app, request, request_started
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import MethodNotAllowed, NotFound

from wsgi_lambda import flask_commands, flask_rules
from wsgi_lambda.dispatcher import DEFAULT_METHODS, PRINCIPAL, Dispatcher
from wsgi_lambda.errors import LambdaError
from wsgi_lambda.flask_exchange import (
    EXTENSION,
    KEEPS_BODY,
    captured_values,
    current_request,
    dispatcher_of,
    handle_failure,
    make_request,
    prepare_request,
    principal_of,
    template_of,
    to_flask,
)
from wsgi_lambda.middleware import find_middleware
from wsgi_lambda.request import FrameworkValues
from wsgi_lambda.response.result import Result

KEY = "WSGI_LAMBDA"

View = TypeVar("View", bound=Callable[..., Any])


def keep_body(view: View) -> View:
    """Mark a view that calls `respond()`: its request's body stays complete.

    Without it, the body of a form is gone once a hook or the view has parsed it.
    Put it above all other decorators.
    """
    setattr(view, KEEPS_BODY, True)
    return view


class Function:
    """A named function of one app; `invoke` may be called from any thread."""

    def __init__(self, app: Flask, name: str) -> None:
        self._app = app
        self._dispatcher = dispatcher_of(app)
        self._backend = self._dispatcher[name]

    def invoke(
        self, event: Any = None, *, tenant_id: str | None = None, is_safe: bool = False
    ) -> Result:
        """Send an event of the app's own and return the result; None is sent as ``{}``.

        ``event`` is encoded by ``app.json``; bytes are sent unchanged. ``is_safe`` allows
        it to be sent again like a GET. Raises `LambdaError`, among them `FunctionError`
        if the function raised, and ValueError for NaN.
        """
        payload = event if isinstance(event, bytes) else _encode(self._app, event)
        return self._dispatcher.invoke(self._backend, payload, tenant_id=tenant_id, is_safe=is_safe)

    def check_method(self, method: str) -> None:
        """Raise `MethodNotAllowed` if a view of this function does not take ``method``."""
        allowed = self._backend.route.match.methods
        if method not in allowed:
            raise MethodNotAllowed(valid_methods=sorted(allowed))

    def respond(self) -> Response:
        """Pass the current request on and return the function's response; raises `LambdaError`."""
        given, app, dispatcher = current_request(), self._app, self._dispatcher
        rule = given.url_rule
        framework = FrameworkValues(
            principal=principal_of(app, dispatcher),
            path_parameters=captured_values(given),
            template="" if rule is None else template_of(rule.rule),
        )
        made = make_request(given, dispatcher, framework)
        response = dispatcher.respond_or_raise(self._backend, made)
        return to_flask(response, given.method, app)


class LambdaFunctions:
    """Serve the routes of ``app.config["WSGI_LAMBDA"]``, and offer its named functions.

    ::

        functions = LambdaFunctions(app)                      # or functions.init_app(app)
        view = login_required(functions.view("pay"))
        app.add_url_rule("/pay/<order_id>", view_func=view, methods=["POST"])
        functions["pay"].invoke({"order": 7}).json            # from anywhere in the app

    ``decorators`` are applied to the view of each route, the first one innermost.
    Raises `ConfigError`, and RuntimeError if the app has no configuration, already has
    this extension, or is inside a `LambdaMiddleware`.
    """

    def __init__(
        self, app: Flask | None = None, *, decorators: Iterable[Callable[..., Any]] = ()
    ) -> None:
        self._decorators = tuple(decorators)
        self._views: dict[str, Callable[..., Response]] = {}
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Add routes, error handler and commands to ``app``."""
        if KEY not in app.config:
            raise RuntimeError(f"app.config has no {KEY}")
        if EXTENSION in app.extensions:
            raise RuntimeError("this app has LambdaFunctions already")
        if find_middleware(app.wsgi_app) is not None:
            raise RuntimeError(
                "app.wsgi_app is a LambdaMiddleware, which responds before the app's login; "
                "use one of both"
            )
        dispatcher = Dispatcher(app.config[KEY], default_methods=DEFAULT_METHODS)
        app.extensions[EXTENSION] = dispatcher
        routes = [backend.route for backend in dispatcher.backends if backend.route]
        rules = list(flask_rules.url_rules(routes))
        flask_rules.add_converters(app)
        app.register_blueprint(self._blueprint(app, dispatcher, rules))
        flask_rules.drop_implied_head(app, rules)
        request_started.connect(prepare_request, app)
        # A handler of the app's own stays, whether it is registered before or after.
        if LambdaError not in app.error_handler_spec[None][None]:
            app.register_error_handler(LambdaError, handle_failure)
        app.cli.add_command(flask_commands.group)

    @property
    def dispatcher(self) -> Dispatcher:
        """The dispatcher of the current app."""
        return dispatcher_of(current_app)

    def __getitem__(self, name: str) -> Function:
        """Return a function of the current app; raise a LookupError with the near match."""
        return Function(current_app._get_current_object(), name)  # type: ignore[attr-defined]

    def view(self, name: str) -> Callable[..., Response]:
        """Return the view of a named function, always the same one for a name."""
        if name not in self._views:

            def respond(**_: object) -> Response:
                function = self[name]
                function.check_method(request.method)
                return function.respond()

            _name(respond, f"lambda_{flask_rules.escape(name)}")
            respond.methods = sorted(DEFAULT_METHODS)  # type: ignore[attr-defined]
            respond.wsgi_lambda_function = name  # type: ignore[attr-defined]
            self._views[name] = keep_body(respond)
        return self._views[name]

    def _blueprint(
        self, app: Flask, dispatcher: Dispatcher, rules: Iterable[flask_rules.UrlRule]
    ) -> Blueprint:
        blueprint = Blueprint(EXTENSION, __name__)
        hosts = flask_rules.any_host(app)
        if hosts:
            blueprint.url_defaults(flask_rules.add_current_host)
        views: dict[str, Callable[..., Any]] = {}
        for rule in rules:
            if rule.endpoint not in views:
                view: Callable[..., Any] = _make_route_view(app, dispatcher, rule.endpoint)
                for decorate in self._decorators:
                    view = decorate(view)
                views[rule.endpoint] = keep_body(view)
            blueprint.add_url_rule(
                rule.rule,
                endpoint=rule.endpoint,
                view_func=views[rule.endpoint],
                methods=rule.methods,
                strict_slashes=False,
                merge_slashes=False,
                **hosts,
            )
        return blueprint


def _make_route_view(app: Flask, dispatcher: Dispatcher, endpoint: str) -> Callable[..., Response]:
    def respond(**_: object) -> Response:
        given = current_request()
        environ = given.environ
        ask = principal_of(app, dispatcher)
        if ask is not None:
            environ[PRINCIPAL] = ask
        backend = dispatcher.find(environ)
        if backend is None:
            raise NotFound
        made = make_request(given, dispatcher, FrameworkValues(principal=ask))
        return to_flask(dispatcher.respond_or_raise(backend, made), given.method, app)

    _name(respond, endpoint)
    return respond


def _name(view: Callable[..., Any], name: str) -> None:
    # CSRFProtect and Limiter distinguish views by module and name.
    view.__name__ = view.__qualname__ = name


def _encode(app: Flask, event: Any) -> bytes:
    given = {} if event is None else event
    provider = app.json
    if isinstance(provider, DefaultJSONProvider):
        return provider.dumps(given, allow_nan=False).encode()
    return provider.dumps(given).encode()
