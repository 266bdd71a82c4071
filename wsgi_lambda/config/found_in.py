"""Find the configuration that a Python object is or contains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: The key of the configuration in a file, or in the `config` of a Flask app.
KEY = "WSGI_LAMBDA"

#: The attributes in which Flask, Werkzeug's and WhiteNoise's middleware keep the app they wrap.
_WRAPPED = ("wsgi_app", "app", "application")
_MOST_LAYERS = 20


def configuration_of(found: Any) -> Any:
    """Return the configuration that ``found`` is or contains, or None.

    That of the outermost `LambdaMiddleware` counts, which its attribute `configuration`
    shows; without one, that of the app, whose server may use another one.
    """
    if isinstance(found, Mapping):
        return found.get(KEY, found)
    of_app = None
    for layer in layers(found):
        configuration = of_middleware(layer)
        if configuration is not None:
            return configuration
        config = getattr(layer, "config", None)
        if of_app is None and isinstance(config, Mapping):
            of_app = config.get(KEY)
    return of_app


def layers(found: Any) -> Iterator[Any]:
    """Yield an app and the apps that it wraps."""
    for _ in range(_MOST_LAYERS):
        yield found
        found = next((getattr(found, name) for name in _WRAPPED if hasattr(found, name)), None)


def of_middleware(layer: Any) -> Mapping[str, Any] | None:
    """Return the configuration of a `LambdaMiddleware`, None for anything else."""
    configuration = getattr(layer, "configuration", None)
    return configuration if isinstance(configuration, Mapping) else None
