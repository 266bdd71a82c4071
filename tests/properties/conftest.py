"""Set the number of generated inputs: few, or many with `--hypothesis-profile soak`."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

#: Inputs of each test in one pass of `make soak`.
SOAK_EXAMPLES = 5_000

settings.register_profile("test", max_examples=100, deadline=None)
settings.register_profile(
    "soak", max_examples=SOAK_EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("test")
