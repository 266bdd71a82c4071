"""The shop in Flask: an ordinary app, and two lines for LambdaMiddleware."""

from __future__ import annotations

from logging.config import dictConfig

from flask import Flask, redirect, render_template, request
from werkzeug.wrappers import Response

from sample_app import settings
from sample_app.operations import last_invocations, metrics_page
from wsgi_lambda import LambdaMiddleware

dictConfig(settings.LOGGING)
app = Flask(__name__)
app.config["TRUSTED_HOSTS"] = settings.HOSTS
app.config["WSGI_LAMBDA"] = settings.wsgi_lambda()
app.wsgi_app = LambdaMiddleware(app.wsgi_app, app.config["WSGI_LAMBDA"])


@app.context_processor
def framework() -> dict[str, str]:
    return {"framework": "Flask"}


@app.get("/")
def home() -> str:
    config = app.config["WSGI_LAMBDA"]
    shown = settings.shown_configuration(config, 'app.config["WSGI_LAMBDA"]')
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
    return render_template("contact.html", sent="sent" in request.args)


@app.post("/contact")
def send_message() -> Response | tuple[str, int]:
    message = request.form.get("message", "").strip()
    if not message:
        return render_template("contact.html", error="Please write a message."), 422
    app.logger.warning("Received a message of %d characters", len(message))
    return redirect("/contact?sent=yes", 303)
