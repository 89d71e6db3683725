"""A property that has never failed is not trusted: every broken engine is found out, and for the right promise."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.core.stateful import Conversation
from tests.properties.broken import BROKEN, BROKEN_NAMES
from tests.support.promises.base import PromiseBroken

SEARCH = settings(
    max_examples=6000,
    stateful_step_count=50,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
"""A search that stops at the first conversation that breaks a promise, and does not look for a shorter one."""


ENGINES = BROKEN | BROKEN_NAMES


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.__name__)
def test_a_broken_engine_is_rejected(engine: Callable[[], AbstractContextManager[None]]) -> None:
    with engine(), pytest.raises(PromiseBroken) as found:
        run_state_machine_as_test(Conversation, settings=SEARCH)
    assert found.value.number in ENGINES[engine]
