"""The shop as a client of its tests; its functions are those of the fixture `lambda_functions`."""

from __future__ import annotations

import logging
import os
import sys
from unittest.mock import patch

import pytest
from flask import Flask
from flask.testing import FlaskClient


@pytest.fixture(scope="session")
def app() -> Flask:
    """Return the shop, which reads its configuration when it is imported."""
    access = logging.getLogger("wsgi_lambda.access")
    level, handlers = access.level, [*access.handlers]
    with patch.dict(os.environ, {"WSGI_LAMBDA_LOCAL": "1"}):
        from sample_app.flask_app import app
    # The shop configures the logging of its process, which other tests share.
    access.setLevel(level)
    access.handlers[:] = handlers
    return app


@pytest.fixture(autouse=True)
def _own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the folders of handlers, which local mode searches first."""
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
