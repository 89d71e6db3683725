from __future__ import annotations

from engine.transport.keepalive import Keepalive, Silence


def test_asks_once_then_gives_up() -> None:
    keepalive = Keepalive(20.0, 5.0)
    assert keepalive.due(100.0) == 120.0
    assert keepalive.silent(100.0, 119.9) is Silence.BEAR
    assert keepalive.silent(100.0, 120.0) is Silence.ASK
    assert keepalive.due(100.0) == 125.0
    assert keepalive.silent(100.0, 124.9) is Silence.BEAR
    assert keepalive.silent(100.0, 125.0) is Silence.GIVE_UP


def test_any_byte_starts_it_anew() -> None:
    keepalive = Keepalive(20.0, 5.0)
    assert keepalive.silent(0.0, 20.0) is Silence.ASK
    assert keepalive.due(24.0) == 44.0
    assert keepalive.silent(24.0, 25.0) is Silence.BEAR
    assert keepalive.silent(24.0, 44.0) is Silence.ASK


def test_looks_often_enough_for_the_next_silence_when_its_patience_is_long() -> None:
    keepalive = Keepalive(20.0, 300.0)
    assert keepalive.look_again(0.0, 1.0) == 20.0
    assert keepalive.silent(0.0, 20.0) is Silence.ASK
    assert keepalive.look_again(0.0, 20.0) == 40.0
    assert keepalive.silent(20.1, 40.0) is Silence.BEAR
    assert keepalive.look_again(20.1, 40.0) == 40.1
    assert keepalive.silent(20.1, 40.1) is Silence.ASK


def test_without_a_timeout_it_asks_for_ever() -> None:
    keepalive = Keepalive(20.0, None)
    for now in (20.0, 40.0, 60.0):
        assert keepalive.silent(0.0, now) is Silence.ASK
        assert keepalive.due(0.0) == now + 20.0
