"""The shop in Flask: functions around it (LambdaMiddleware) and in it (the members' pages)."""

from __future__ import annotations

from logging.config import dictConfig
from typing import Any

from flask import Flask, redirect, render_template, request
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response

from sample_app import settings
from sample_app.flask_members import add_members
from sample_app.operations import last_invocations, metrics_page
from wsgi_lambda import LambdaMiddleware

dictConfig(settings.LOGGING)
app = Flask(__name__)
app.config["TRUSTED_HOSTS"] = settings.HOSTS
# The functions in the app. The two ways have a configuration each, and different paths.
app.config["WSGI_LAMBDA"] = settings.members()
add_members(app)
AROUND = settings.wsgi_lambda()
app.wsgi_app = LambdaMiddleware(app.wsgi_app, AROUND)


@app.context_processor
def framework() -> dict[str, str]:
    return {"framework": "Flask"}


@app.get("/")
def home() -> str:
    shown = settings.shown_configuration(AROUND, "AROUND")
    return render_template("home.html", configuration=shown)


@app.get("/about")
def about() -> str:
    return render_template("about.html")


@app.get("/chat")
def chat() -> str:
    return render_template("chat.html")


@app.get("/lambda-prices")
def prices() -> str:
    return render_template("prices.html")


@app.get("/operations")
def operations() -> str:
    return render_template("operations.html", invocations=last_invocations())


@app.get("/metrics")
def metrics() -> Response:
    page, content_type = metrics_page()
    return Response(page, content_type=content_type)


@app.get("/contact")
def contact() -> str:
    return _contact(sent="sent" in request.args)


@app.post("/contact")
def send_message() -> Response | tuple[str, int]:
    message = request.form.get("message", "").strip()
    if not message:
        return _contact(error="Please write a message."), 422
    app.logger.warning("Received a message of %d characters", len(message))
    return redirect("/contact?sent=yes", 303)


def _contact(**shown: Any) -> str:
    return render_template("contact.html", csrf_token=generate_csrf(), **shown)
