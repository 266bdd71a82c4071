"""An ordinary Flask app, and one line that makes it a Lambda function."""

import base64
import gzip

from apig_wsgi import make_lambda_handler
from flask import Flask, Response, redirect, request

app = Flask(__name__)

EVERY_BYTE = bytes(range(256))
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@app.get("/text")
def text():
    return "Zoë, 東京, 😀\r\n\0\x7f"


@app.get("/json")
def json():
    return {"name": "Zoë", "items": [1, 2.5, None, True]}


@app.get("/image")
def image():
    response = Response(b"\x89PNG\r\n\x1a\n" + EVERY_BYTE * 400, mimetype="image/png")
    response.set_etag("image")
    return response.make_conditional(request, accept_ranges=True, complete_length=102408)


@app.get("/gzip")
def compressed():
    page = gzip.compress(b"<h1>Small</h1>" * 100, mtime=0)
    return Response(page, mimetype="text/html", headers={"Content-Encoding": "gzip"})


@app.get("/latin-1")
def latin_1():
    return Response("Zürich".encode("latin-1"), content_type="application/x-old; charset=latin-1")


@app.post("/form")
def form():
    return list(request.form.lists())


@app.post("/upload")
def upload():
    file = request.files["file"]
    headers = {"X-Name": base64.b64encode(file.filename.encode()), "X-Title": request.form["title"]}
    return Response(file.read(), mimetype=file.mimetype, headers=headers)


@app.get("/cookies")
def cookies():
    response = Response(repr(list(request.cookies.items(multi=True))))
    response.set_cookie("first", "1", httponly=True, samesite="Lax")
    response.set_cookie("second", "a b;ü", path="/shop", secure=True)
    response.delete_cookie("old")
    return response


@app.get("/redirect")
def elsewhere():
    return redirect("/text?a=1&b=%C3%BC", code=303)


@app.get("/folder/")
def folder():
    return "A folder"


@app.delete("/empty")
def empty():
    return "", 204


@app.get("/empty-page")
def empty_page():
    return ""


@app.get("/headers")
def headers():
    response = Response("Headers")
    response.headers["X-City"] = "Zürich"
    response.headers["Content-Disposition"] = "attachment; filename*=UTF-8''%E6%9D%B1.txt"
    response.headers["X-List"] = "a, b;q=0.5"
    response.headers["X-Empty"] = ""
    return response


@app.get("/repeated")
def repeated():
    response = Response("Repeated")
    response.headers.add("X-Tag", "a")
    response.headers.add("X-Tag", "b")
    return response


@app.get("/stream")
def stream():
    return Response((f"line {number}\n" for number in range(1000)), mimetype="text/plain")


@app.get("/broken")
def broken():
    raise RuntimeError("as in any app")


@app.route("/see", methods=METHODS)
@app.route("/see/<path:rest>", methods=METHODS)
def see(rest=None):
    """Return the parts of the request that apps use."""
    return {
        "method": request.method,
        "url": request.url,
        "path": [request.script_root, request.path, rest],
        "query": request.query_string.decode("latin-1"),
        "arguments": list(request.args.lists()),
        "accept": request.headers.getlist("Accept"),
        "tags": request.headers.get("X-Tag"),
        "user": dict(request.authorization or {}),
        "client": request.remote_addr,
        "type": request.content_type,
        "body": base64.b64encode(request.get_data()).decode("ascii"),
    }


serve = make_lambda_handler(app, binary_support=True)


def handler(event, context):
    # The emulator waits until a function has logged a line.
    print(event["requestContext"]["requestId"])
    return serve(event, context)
