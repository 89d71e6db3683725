from __future__ import annotations

from engine.transport.keepalive import NEVER, Keepalive, Silence


def test_asks_once_then_gives_up() -> None:
    keepalive = Keepalive(20.0, 5.0, now=100.0)
    assert keepalive.due == 120.0
    assert keepalive.silent(119.9) is Silence.BEAR
    assert keepalive.silent(120.0) is Silence.ASK
    assert keepalive.due == 125.0
    assert keepalive.silent(124.9) is Silence.BEAR
    assert keepalive.silent(125.0) is Silence.GIVE_UP


def test_any_byte_starts_it_anew() -> None:
    keepalive = Keepalive(20.0, 5.0, now=0.0)
    assert keepalive.silent(20.0) is Silence.ASK
    keepalive.heard(24.0)
    assert keepalive.due == 44.0
    assert keepalive.silent(44.0) is Silence.ASK


def test_never() -> None:
    assert Keepalive(None, 5.0, now=0.0).due == NEVER
    patient = Keepalive(1.0, None, now=0.0)
    assert patient.silent(1.0) is Silence.ASK
    assert patient.due == NEVER
    assert patient.silent(1e9) is Silence.BEAR
