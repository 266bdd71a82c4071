"""The dispatcher of ``settings.WSGI_LAMBDA``, made at the first use."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from wsgi_lambda.dispatcher import DEFAULT_METHODS, Dispatcher

KEY = "WSGI_LAMBDA"


@cache
def dispatcher() -> Dispatcher:
    """Return the dispatcher; raise `ConfigError`, or `ImproperlyConfigured` without the setting."""
    if not hasattr(settings, KEY):
        raise ImproperlyConfigured(f"the settings have no {KEY}")
    return Dispatcher(getattr(settings, KEY), default_methods=DEFAULT_METHODS)


def _forget(*, setting: str, **_: Any) -> None:
    """Read the setting again after `override_settings`."""
    if setting == KEY:
        dispatcher.cache_clear()


setting_changed.connect(_forget)
