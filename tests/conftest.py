"""How hard Hypothesis searches.

fast       the default: the same examples in every run, so that a failure is never luck
thorough   HYPOTHESIS_PROFILE=thorough: ten times as many, new ones each time, failures remembered
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

FAST_EXAMPLES = 100
THOROUGH_FACTOR = 10

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "fast", derandomize=True, deadline=None, max_examples=FAST_EXAMPLES, suppress_health_check=_SLOW
)
settings.register_profile(
    "thorough",
    deadline=None,
    max_examples=FAST_EXAMPLES * THOROUGH_FACTOR,
    print_blob=True,
    suppress_health_check=_SLOW,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
