"""A complete Flask app in a function: an ordinary app, and one line that makes it a handler.

The route sends an API Gateway event, payload version 2.0. apig-wsgi turns it into
a WSGI request. The reviews are kept in a cookie of the visitor.
"""

import base64
import json

from apig_wsgi import make_lambda_handler
from flask import Flask, Response, redirect, render_template_string, request, session

app = Flask(__name__)
# A real app reads its key from the function's environment.
app.secret_key = "the shop's demo"
app.config["SESSION_COOKIE_NAME"] = "reviews"

# The shop serves the stylesheet, so that the page looks like the shop's own.
PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>Reviews · The corner shop</title>
  <link rel="icon" href="/static/icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/static/shop.css">
</head>
<body>
  <header class="masthead">
    <a class="brand" href="/"><img src="/static/icon.svg" alt="" width="28" height="28">
      The corner shop</a>
    <nav aria-label="Shop">
      <a href="/about">About</a>
      <a href="/contact">Contact</a>
      <a href="/lambda-prices">Lambda prices</a>
    </nav>
  </header>
  <main class="page">
    <h1>Reviews</h1>
    <p class="stars">
      {% for _ in range(5) %}<img src="/lambda/reviews/star.gif" alt="">{% endfor %}
    </p>
    <ul class="reviews">
      {% for review in reviews %}<li>{{ review }}</li>{% else %}<li>None yet</li>{% endfor %}
    </ul>
    <form method="post" class="stack">
      <div><label for="review">Your review</label>
        <input id="review" name="review" type="text" required maxlength="200"></div>
      <button class="primary" type="submit">Send the review</button>
    </form>
  </main>
  <footer>A complete Flask app in a Lambda function. It keeps your reviews in a cookie.</footer>
</body>
</html>
"""
# One yellow pixel; the stylesheet cuts the star.
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
    # The app does not see /lambda/reviews in its path: the route has strip_path.
    return redirect("/lambda/reviews", code=303)


@app.get("/star.gif")
def star():
    return Response(STAR, mimetype="image/gif")


serve = make_lambda_handler(app, binary_support=True)


def handler(event, context):
    # The event goes to the log, because the response is a page. The home page reads it there.
    print("event", json.dumps(event))
    return serve(event, context)
