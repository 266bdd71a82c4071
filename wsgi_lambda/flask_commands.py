"""The commands of a Flask app: flask lambda routes, check and invoke."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from wsgi_lambda.flask_exchange import dispatcher_of
from wsgi_lambda.flask_rules import hidden_paths
from wsgi_lambda.middleware import find_middleware

group = AppGroup("lambda", help="Work with the Lambda functions of the app.")


@group.command("routes", help="List the routes in the order of matching, and the named functions.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_routes(as_json: bool) -> None:
    from wsgi_lambda.cli import in_app

    in_app.print_routes(dispatcher_of(current_app), as_json=as_json)


@group.command("check", help="Check the app, and do a DryRun of every route and function.")
@click.pass_context
def check(context: click.Context) -> None:
    from wsgi_lambda.cli import in_app

    dispatcher = dispatcher_of(current_app)
    context.exit(in_app.check(dispatcher, _findings(current_app)))


@group.command("invoke", help="Invoke a named function, or send a request for a path to the app.")
@click.argument("name", metavar="NAME|PATH")
@click.option("-d", "--data", metavar="JSON|@FILE", help="The event, or the body of a POST.")
@click.pass_context
def invoke(context: click.Context, name: str, data: str | None) -> None:
    from wsgi_lambda.cli import in_app

    context.exit(in_app.invoke(dispatcher_of(current_app), name, data, _send))


def _send(
    path: str, method: str, body: bytes
) -> tuple[str, Iterable[tuple[str, str]], Iterable[bytes]]:
    trusted = current_app.config["TRUSTED_HOSTS"]
    is_named = current_app.config["SERVER_NAME"] is not None or not trusted
    headers = {} if is_named else {"Host": trusted[0].lstrip(".")}
    content_type = "application/json" if body else None
    response = current_app.test_client().open(
        path, method=method, data=body, content_type=content_type, headers=headers
    )
    return response.status, list(response.headers), response.iter_encoded()


def _findings(app: Flask) -> Iterator[str]:
    dispatcher = dispatcher_of(app)
    for endpoint, view in app.view_functions.items():
        name = getattr(view, "wsgi_lambda_function", None)
        if name is not None and name not in dispatcher.functions:
            try:
                dispatcher[name]
            except LookupError as error:
                yield f"view {endpoint}: {error}"
    if find_middleware(app.wsgi_app) is not None:
        yield "app.wsgi_app is a LambdaMiddleware as well, which responds before the app's login"
    for path in hidden_paths(app):
        yield f"route {path}: another url rule of the app takes all of its requests"
