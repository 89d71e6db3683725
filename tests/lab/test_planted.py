"""One repetition of what `tests/lab/planted.py` measures in twenty."""

from __future__ import annotations

import pytest

from engine.lab.scenario.scenario_file import load_scenario
from tests.lab.planted import repetition


@pytest.mark.long
def test_what_was_planted_is_found_and_nothing_else() -> None:
    assert all(repetition(load_scenario("support_call"), seed=1, sessions=20).values())
