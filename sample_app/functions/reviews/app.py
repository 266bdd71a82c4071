"""A whole web app in a function: an ordinary Flask app, and one line that makes it a handler.

The route sends API Gateway's event of payload 2.0, which apig-wsgi turns into a
WSGI request. Reviews are kept in the visitor's own cookie.
"""

import base64
import json

from apig_wsgi import make_lambda_handler
from flask import Flask, Response, redirect, render_template_string, request, session

app = Flask(__name__)
# A real one comes from the function's environment.
app.secret_key = "the shop's demo"
app.config["SESSION_COOKIE_NAME"] = "reviews"

PAGE = """<!doctype html><html lang="en"><title>Reviews</title><h1>Reviews</h1>
<img src="/lambda/reviews/star.gif" alt="">
<ul>{% for review in reviews %}<li>{{ review }}</li>{% else %}<li>None yet</li>{% endfor %}</ul>
<form method="post"><label>Yours <input name="review" required maxlength="200"></label>
<button>Send</button></form></html>
"""
STAR = base64.b64decode("R0lGODlhAQABAIAAAP/MAAAAACwAAAAAAQABAAACAkQBADs=")


@app.get("/")
def reviews():
    return render_template_string(PAGE, reviews=session.get("reviews", []))


@app.post("/")
def add():
    review = request.form.get("review", "").strip()
    if not review or len(review) > 200:
        return {"message": "review must have 1 to 200 characters"}, 422
    session["reviews"] = [*session.get("reviews", []), review][-5:]
    # strip_path leaves /lambda/reviews out of the path that arrives here.
    return redirect("/lambda/reviews", code=303)


@app.get("/star.gif")
def star():
    return Response(STAR, mimetype="image/gif")


serve = make_lambda_handler(app, binary_support=True)


def handler(event, context):
    # A page has no room for the event, so it goes into the log.
    print("event", json.dumps(event))
    return serve(event, context)
