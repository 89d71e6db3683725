"""The scenes bite, too: every broken engine is found out in a whole session, and for the right promise."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.properties.broken import BROKEN, BROKEN_OUTSIDE
from tests.properties.focus import FOCUS
from tests.support.promises.base import PromiseBroken
from tests.support.scene import Scene, play

SEARCH = settings(
    max_examples=1000,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
"""Up to the first scene that breaks a promise, which is mostly among the first hundreds. Every task and every event of
a session changes what a drawn schedule comes to, so there is room for a later one."""


ENGINES = BROKEN | BROKEN_OUTSIDE


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.__name__)
def test_a_broken_engine_is_rejected(engine: Callable[[], AbstractContextManager[None]]) -> None:
    numbers = ENGINES[engine]

    @SEARCH
    @given(st.one_of(FOCUS[number] for number in numbers))
    def scenes(scene: Scene) -> None:
        play(scene)

    with engine(), pytest.raises(PromiseBroken) as found:
        scenes()
    assert found.value.number in numbers
