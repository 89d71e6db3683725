"""Full-Duplex-Bench's figures by hand, quirks included."""

from __future__ import annotations

import attrs
import pytest

from engine.latency.compat.full_duplex_bench import overlaps_and_gaps, smooth_turn_taking, user_interruption
from engine.latency.compat.tracks import Heard, Tracks
from tests.latency.export.some_turns import EARLY, QUESTION, TURNS, UNANSWERED


def test_turn_taking_counts_the_early_answer_as_zero() -> None:
    """1.46 s and -0.15 s: their mean is 0.655 s, the original's 0.73 s."""
    figures = smooth_turn_taking(TURNS)
    assert (figures.takeover_rate.hits, figures.takeover_rate.of) == (2, 2)
    assert figures.latency.value == pytest.approx(0.73)
    assert figures.clamped == 1


def test_an_unanswered_turn_is_in_the_rate_and_not_in_the_latency() -> None:
    unanswered = attrs.evolve(UNANSWERED, purpose="turn")
    figures = smooth_turn_taking([QUESTION, unanswered])
    assert figures.takeover_rate.value == 0.5
    assert (figures.latency.value, figures.latency.n) == (pytest.approx(1.46), 1)


def test_an_answer_of_less_than_a_second_is_a_backchannel() -> None:
    assert EARLY.playout_audible is not None
    short = attrs.evolve(EARLY, playout_stop=EARLY.playout_audible + 999_999_999)
    assert smooth_turn_taking([short]).takeover_rate.value == 0.0
    assert smooth_turn_taking([short]).latency.value is None
    long = attrs.evolve(EARLY, playout_stop=EARLY.playout_audible + 1_000_000_000)
    assert smooth_turn_taking([long]).takeover_rate.value == 1.0


def test_interruptions_are_a_task_of_their_own() -> None:
    figures = user_interruption(TURNS)
    assert (figures.takeover_rate.hits, figures.takeover_rate.of) == (0, 1)
    answered = attrs.evolve(QUESTION, purpose="barge_in")
    assert user_interruption([answered]).latency.value == pytest.approx(1.46)
    assert user_interruption([]).takeover_rate.value is None


def test_overlaps_and_gaps_by_hand() -> None:
    user = (Heard(0.0, 1.0), Heard(1.5, 2.0), Heard(5.0, 6.0), Heard(9.0, 9.5))
    agent = (Heard(2.8, 4.0), Heard(4.4, 5.3), Heard(7.0, 8.0))
    figures = overlaps_and_gaps(Tracks(user, agent, 10.0))
    # joined: the user's 0.0-2.0 (gap 0.5), the model's 2.8-5.3 (gap 0.4)
    assert figures.stop_latencies == pytest.approx((0.3,))
    # 2.0 to 2.8 and 6.0 to 7.0; nothing follows the last
    assert figures.response_latencies == pytest.approx((0.8, 1.0))
    assert figures.response_latency.value == pytest.approx(0.9)


def test_of_two_stretches_before_one_answer_the_later_counts() -> None:
    user = (Heard(0.0, 1.0), Heard(2.0, 3.0))
    figures = overlaps_and_gaps(Tracks(user, (Heard(3.4, 5.0),), 6.0))
    assert figures.response_latencies == pytest.approx((0.4,))
    assert figures.stop_latency.value is None


def test_gaps_of_the_model_at_the_limit_are_joined() -> None:
    at_limit = Tracks((Heard(0.0, 1.0),), (Heard(2.0, 3.0), Heard(3.5, 4.0)), 5.0)
    assert overlaps_and_gaps(at_limit).response_latencies == pytest.approx((1.0,))
    user = (Heard(0.0, 1.0), Heard(3.1, 3.2))
    apart = Tracks(user, (Heard(2.0, 3.0), Heard(3.6, 4.0)), 5.0)
    assert overlaps_and_gaps(apart).response_latencies == pytest.approx((1.0, 0.4))
