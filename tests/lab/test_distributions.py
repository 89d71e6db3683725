"""Times that are drawn: the right ones, from streams that do not disturb each other."""

from __future__ import annotations

import random
import statistics
from itertools import pairwise

import pytest

from engine.lab.scenario.distributions import (
    SHARED,
    Draws,
    LogNormal,
    SlowPeriods,
    SlowPeriodSettings,
    Stream,
    Uniform,
    draw_ms,
    draw_ns,
)

MS = 1_000_000


def draws(spread: object, count: int = 4000) -> list[float]:
    rng = random.Random(1)
    return [draw_ms(spread, rng) for _ in range(count)]  # type: ignore[arg-type]


def test_a_number_is_a_fixed_time_and_draws_nothing() -> None:
    rng = random.Random(1)
    state = rng.getstate()
    assert draw_ns(12.5, rng) == 12_500_000
    assert rng.getstate() == state


def test_uniform_times_lie_between() -> None:
    drawn = draws(Uniform(low=10, high=20))
    assert 10 <= min(drawn) < 10.1
    assert 19.9 < max(drawn) <= 20
    assert statistics.mean(drawn) == pytest.approx(15, rel=0.02)


def test_the_slow_mode_is_a_share_of_its_own() -> None:
    drawn = draws(LogNormal(median=400, sigma=0.3, slow_share=0.1, slow_median=4000, slow_sigma=0.2))
    slow = [value for value in drawn if value > 2000]
    assert len(slow) / len(drawn) == pytest.approx(0.1, abs=0.02)
    assert statistics.median(slow) == pytest.approx(4000, rel=0.05)
    assert statistics.median(value for value in drawn if value <= 2000) == pytest.approx(400, rel=0.05)


def test_a_kind_takes_the_same_draws_whatever_its_parameters() -> None:
    one, other = random.Random(7), random.Random(7)
    draw_ms(LogNormal(median=400), one)
    draw_ms(LogNormal(median=40, slow_share=1.0), other)
    assert one.random() == other.random()


def test_times_are_whole_microseconds() -> None:
    rng = random.Random(2)
    assert all(draw_ns(LogNormal(median=3), rng) % 1000 == 0 for _ in range(50))


def test_purposes_and_sessions_have_streams_of_their_own() -> None:
    numbers = {
        Draws(seed, session).number(purpose)
        for seed in (1, 2)
        for session in (SHARED, 0, 1)
        for purpose in ("network.up", "network.down")
    }
    assert len(numbers) == 12


def test_one_more_draw_in_one_place_shifts_no_other() -> None:
    def times(extra: int) -> list[int]:
        draws = Draws(1, 0)
        tool, model = Stream(Uniform(low=0, high=9), draws.stream("tool")), draws.stream("model")
        for _ in range(extra):
            tool.draw()
        return [model.randrange(1000) for _ in range(10)]

    assert times(0) == times(5)


def test_bad_minutes_last_as_long_as_they_should() -> None:
    weather = SlowPeriods(SlowPeriodSettings(good_s=60, bad_s=20, factor=4), random.Random(3))
    second = 1_000_000_000
    factors = [weather.factor(at * second) for at in range(40_000)]
    assert set(factors) == {1.0, 4.0}
    assert factors.count(4.0) / len(factors) == pytest.approx(0.25, abs=0.05)
    changes = sum(one != other for one, other in pairwise(factors))
    assert changes == pytest.approx(1000, rel=0.2), "minutes, not moments"


def test_the_weather_does_not_depend_on_the_order_of_questions() -> None:
    minutes = SlowPeriodSettings(good_s=5, bad_s=5)
    forth, back = SlowPeriods(minutes, random.Random(1)), SlowPeriods(minutes, random.Random(1))
    moments = [at * 1_000_000_000 for at in range(100)]
    assert [forth.factor(at) for at in moments] == [back.factor(at) for at in reversed(moments)][::-1]
