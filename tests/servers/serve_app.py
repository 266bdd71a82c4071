"""Serve `lambda_site.app` with a server library, on a loopback port and on a unix socket.

``python -m tests.servers.serve_app waitress 8000 /run/app.sock``
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

HOST = "127.0.0.1"

Serve = Callable[[], Any]


def waitress(app: Any, port: int, path: str) -> list[Serve]:
    from waitress import create_server

    # Each has its own map of sockets, or each would serve the other's.
    tcp = create_server(app, map={}, host=HOST, port=port)
    unix = create_server(app, map={}, unix_socket=path)
    return [tcp.run, unix.run]


def cheroot(app: Any, port: int, path: str) -> list[Serve]:
    from cheroot.wsgi import Server

    return [Server((HOST, port), app).start, Server(path, app).start]


def gevent(app: Any, port: int, path: str) -> list[Serve]:
    from gevent import socket
    from gevent.pywsgi import WSGIServer

    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    WSGIServer(listener, app, log=None).start()
    return [WSGIServer((HOST, port), app, log=None).serve_forever]


def werkzeug(app: Any, port: int, path: str) -> list[Serve]:
    from werkzeug.serving import make_server

    tcp = make_server(HOST, port, app, threaded=True)
    unix = make_server(f"unix://{path}", 0, app, threaded=True)
    return [tcp.serve_forever, unix.serve_forever]


def wsgiref(app: Any, port: int, path: str) -> list[Serve]:
    from wsgiref.simple_server import make_server

    return [make_server(HOST, port, app).serve_forever]


KINDS = {each.__name__: each for each in (waitress, cheroot, gevent, werkzeug, wsgiref)}


def main(kind: str, port: str, path: str) -> None:
    if kind == "gevent":
        from gevent import monkey

        monkey.patch_all()
    first, *others = KINDS[kind](import_module("lambda_site").app, int(port), path)
    for serve in others:
        threading.Thread(target=serve, daemon=True).start()
    first()


if __name__ == "__main__":
    main(*sys.argv[1:])
