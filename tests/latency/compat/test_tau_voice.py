"""tau-voice's panel by hand: everything in ticks of 200 ms."""

from __future__ import annotations

import pytest

from engine.latency.compat.tau_voice import panel
from engine.latency.compat.tracks import Heard, Tracks


def test_a_response_is_quantised_to_ticks() -> None:
    """The user ends at 1.05 s, in a tick that ends at 1.2 s; the agent begins in the tick of 1.8 s: 0.6 s, not 0.85."""
    one = panel([Tracks((Heard(0.0, 1.05),), (Heard(1.9, 3.0),), 4.0)])
    assert one.response_latency.value == pytest.approx(0.6)
    assert one.response_rate.value == 1.0


def test_an_unanswered_turn_counts_only_if_the_user_speaks_again() -> None:
    again = panel([Tracks((Heard(0.0, 1.0), Heard(4.0, 5.0)), (Heard(5.4, 6.0),), 7.0)])
    assert (again.response_rate.hits, again.response_rate.of) == (1, 2)
    assert (again.response_latency.value, again.response_latency.n) == (pytest.approx(0.4), 1)
    last = panel([Tracks((Heard(0.0, 1.0),), (), 9.0)])
    assert last.response_rate.of == 0
    assert last.response_rate.value is None


def test_a_yield_is_counted_from_the_tick_of_the_interruption() -> None:
    """The user interrupts at 3.1 s, in tick 15; the agent is last heard in tick 18 and silent from 19: 0.8 s."""
    one = panel([Tracks((Heard(3.1, 4.5),), (Heard(1.0, 3.65),), 6.0)])
    assert one.yield_latency.value == pytest.approx(0.8)
    assert one.yield_rate.value == 1.0


def test_an_agent_that_talks_on_for_two_seconds_does_not_yield() -> None:
    late = panel([Tracks((Heard(3.0, 8.0),), (Heard(1.0, 5.0),), 9.0)])
    assert (late.yield_rate.hits, late.yield_rate.of) == (0, 1)
    assert late.yield_latency.value is None
    just = panel([Tracks((Heard(3.0, 8.0),), (Heard(1.0, 4.8),), 9.0)])
    assert just.yield_latency.value == pytest.approx(1.8)


def test_an_agent_still_speaking_at_the_end_of_the_turn_owes_no_answer() -> None:
    one = panel([Tracks((Heard(2.0, 3.0), Heard(6.0, 7.0)), (Heard(1.0, 4.0),), 8.0)])
    assert one.response_rate.of == 0


def test_agent_interruptions_can_exceed_the_turns() -> None:
    agent = (Heard(0.6, 0.9), Heard(1.6, 1.9), Heard(4.0, 5.0))
    one = panel([Tracks((Heard(0.0, 3.0),), agent, 6.0)])
    assert one.agent_interruptions.value == 2.0


def test_backchannels_are_to_be_talked_through() -> None:
    through = Tracks((Heard(2.0, 2.3, "backchannel"),), (Heard(1.0, 5.0),), 6.0)
    stopped = Tracks((Heard(2.0, 2.3, "backchannel"),), (Heard(1.0, 2.7),), 6.0)
    both = panel([through, stopped])
    assert (both.backchannels.hits, both.backchannels.of) == (1, 2)
    assert both.yield_rate.of == 0
    assert both.response_rate.of == 0


def test_noises_stand_for_vocal_tics() -> None:
    talked_through = Tracks((Heard(2.0, 2.2, "noise"),), (Heard(1.0, 5.0),), 6.0)
    answered = Tracks((Heard(2.0, 2.2, "noise"),), (Heard(3.0, 4.0),), 6.0)
    ignored = Tracks((Heard(2.0, 2.2, "noise"),), (Heard(4.8, 5.0),), 6.0)
    tics = panel([talked_through, answered, ignored]).vocal_tics
    assert (tics.hits, tics.of) == (2, 3)


def test_a_single_last_tick_of_the_user_is_taken_out() -> None:
    kept = panel([Tracks((Heard(0.0, 1.0), Heard(2.9, 3.4)), (), 3.4)])
    assert kept.response_rate.of == 1
    taken_out = panel([Tracks((Heard(0.0, 1.0), Heard(3.2, 3.4)), (), 3.4)])
    assert taken_out.response_rate.of == 0


def test_nobody_speaks() -> None:
    assert panel([Tracks((), (), 0.0)]).response_latency.value is None
