"""What a run is measured by."""

from __future__ import annotations

import attrs
import pytest

from engine.lab.report.measures import Group, by_name, key_of, measures_of
from engine.latency.instants import Instant
from engine.latency.overhead import EngineOverhead
from tests.lab.report.runs import run_of


def test_every_tool_has_a_measure_of_its_own() -> None:
    run = run_of()
    measures = by_name(measures_of(run))
    calls = [call for turn in run.turns for call in turn.tools if call.name == "find_order"]
    assert measures["tool_time of find_order"].sample.n == len(calls)
    assert measures["tool_time of find_order"].group is Group.TOOL


def test_who_waits_in_vain_is_counted_and_not_measured() -> None:
    run = run_of(sessions=60)
    measures = by_name(measures_of(run))
    unanswered = sum(turn.wants_answer and not turn.answered for turn in run.turns)
    assert unanswered > 0
    gap = measures["turn_gap"].sample
    assert gap.missing == unanswered
    assert gap.n + gap.missing == measures["response_rate"].sample.n


def test_jitter_is_in_seconds() -> None:
    jitter = by_name(measures_of(run_of()))["jitter"].sample
    assert max(jitter.values) < 0.05


def test_the_engines_share_is_a_mean_of_each_session() -> None:
    run = run_of(sessions=2)
    share = EngineOverhead()
    for ns in (1_000_000, 3_000_000):
        share.read_to_taken.add(ns)
    share.mailbox("events").add(500_000)
    first, second = run.sessions
    told = attrs.evolve(first, instants=(*first.instants, Instant(10**12, "engine.overhead", share.to_mapping())))
    measures = by_name(measures_of(attrs.evolve(run, sessions=(told, second))))
    assert measures["read_to_taken"].sample.values == (pytest.approx(0.002),)
    assert measures["mailbox_wait: events"].sample.values == (pytest.approx(0.0005),)
    assert "loop_delay" not in measures


def test_a_turn_is_called_what_the_line_calls_it() -> None:
    turn = run_of(sessions=1).turns[0]
    assert key_of(attrs.evolve(turn, truth_turn=4)) == 4
    assert key_of(attrs.evolve(turn, truth_turn=None, index=2)) == -3
