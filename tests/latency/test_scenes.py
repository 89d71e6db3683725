"""Whole sessions, drawn with their schedules: what the application is told of its turns is what the log says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.events import AgentStart, TurnMetrics
from engine.latency.assemble import turns_of
from engine.latency.log import read_log
from engine.latency.metrics import metrics_of
from engine.session import wiring
from engine.settings import LatencyLog
from tests.properties.focus import FOCUS
from tests.support.scene import Scene, play


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where every session of this file writes its log."""
    folder = tmp_path_factory.mktemp("logs")
    made = wiring.new_recorder
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            wiring,
            "new_recorder",
            lambda _, base, model, **told: made(LatencyLog(path=folder / "log"), base, model, **told),
        )
        yield folder
    shutil.rmtree(folder)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(scene=st.one_of(*FOCUS.values()))
def test_live_turns_are_those_of_the_log(logs: Path, scene: Scene) -> None:
    played = play(scene)
    log = read_log(logs / "log")
    (logs / "log").unlink()
    turns = turns_of(log)
    told = [event for event in played.events if isinstance(event, TurnMetrics)]
    assert sorted((event.turn for event in told), key=lambda turn: turn.index) == list(turns)
    assert all(event.metrics == metrics_of(event.turn) for event in told)
    assert log.partial is None
    begun = {event.response_id for event in played.events if isinstance(event, AgentStart)}
    responses = [response for turn in turns for response in turn.responses]
    assert len(responses) == len(set(responses))
    assert set(responses) <= begun
