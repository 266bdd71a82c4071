"""How long properties are searched: shortly, or for minutes with `--hypothesis-profile soak`."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("test", max_examples=100, deadline=None)
settings.register_profile(
    "soak", max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("test")
