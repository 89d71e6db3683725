"""The player: real time, one piece after another, silent at once when interrupted."""

from __future__ import annotations

import array
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import trio
import trio.testing

from engine.caller.call_events import CallEvent, PlaybackBegan, PlaybackEnded
from engine.caller.player import Player
from engine.caller.recording import Recording
from engine.clock import now_ns
from engine.events import Audio, AudioEnd, AudioInterrupted

MS = 1_000_000
LOUD = 8000


def sound(ms: int, level: int = LOUD) -> bytes:
    return array.array("h", [level] * (24 * ms)).tobytes()


def piece(ms: int, item: str = "a", level: int = LOUD) -> Audio:
    return Audio(context=None, at_ns=now_ns(), response_id="r", item_id=item, content_index=0, data=sound(ms, level))


def end(item: str = "a") -> AudioEnd:
    return AudioEnd(context=None, at_ns=now_ns(), response_id="r", item_id=item, content_index=0)


def interruption() -> AudioInterrupted:
    return AudioInterrupted(context=None, at_ns=now_ns(), response_id="r")


@attrs.define
class Setting:
    player: Player
    recording: Recording
    told: list[CallEvent]
    path: Path

    def heard_ms(self) -> list[int]:
        """The recording's right side, as the level of each millisecond."""
        self.recording.advance(now_ns())
        self.recording.close()
        with wave.open(str(self.path)) as file:
            samples = array.array("h", file.readframes(file.getnframes()))[1::2]
        return [samples[at] for at in range(0, len(samples), 24)]

    def times(self) -> list[tuple[str, str, int]]:
        return [(e.type, e.item_id, e.at_ns // MS) for e in self.told if isinstance(e, PlaybackBegan | PlaybackEnded)]


@asynccontextmanager
async def playing(tmp_path: Path) -> AsyncIterator[Setting]:
    told: list[CallEvent] = []
    path = tmp_path / "call.wav"
    recording = Recording(path, began_ns=now_ns())
    player = Player(told.append, recording)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(player.run)
        yield Setting(player, recording, told, path)
        nursery.cancel_scope.cancel()


async def test_pieces_are_played_one_after_another_at_real_time(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with playing(tmp_path) as s:
        for event in (piece(100), piece(50, level=900), end()):
            s.player.on_event(event)
        await trio.sleep(0.06)
        assert s.player.played_ms("a") == 60
        await trio.sleep(0.14)
        assert s.player.played_ms("a") == 0, "it is not being played any more"
    assert s.times() == [("playback_began", "a", 0), ("playback_ended", "a", 150)]
    assert s.heard_ms() == [LOUD] * 100 + [900] * 50 + [0] * 50


async def test_the_next_item_waits_for_the_one_before(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    async with playing(tmp_path) as s:
        for event in (piece(100), end(), piece(40, "b"), end("b")):
            s.player.on_event(event)
        await trio.sleep(1)
    assert s.times() == [
        ("playback_began", "a", 0),
        ("playback_ended", "a", 100),
        ("playback_began", "b", 100),
        ("playback_ended", "b", 140),
    ]


async def test_it_stalls_when_there_is_nothing_to_play(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    async with playing(tmp_path) as s:
        s.player.on_event(piece(20))
        await trio.sleep(0.05)
        s.player.on_event(piece(20))
        s.player.on_event(end())
        await trio.sleep(0.05)
    assert s.heard_ms() == [LOUD] * 20 + [0] * 30 + [LOUD] * 20 + [0] * 30
    ended = s.told[-1]
    assert isinstance(ended, PlaybackEnded)
    assert (ended.played_ms, ended.interrupted, ended.at_ns // MS) == (40, False, 70)


async def test_leading_silence_is_not_heard(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    async with playing(tmp_path) as s:
        for event in (piece(70, level=10), piece(30), end()):
            s.player.on_event(event)
        await trio.sleep(1)
    assert s.times()[0] == ("playback_began", "a", 70)


async def test_an_interruption_silences_it_at_once(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    async with playing(tmp_path) as s:
        for event in (piece(60), end(), piece(500, "b"), piece(500, "c")):
            s.player.on_event(event)
        await trio.sleep(0.1)
        s.player.on_event(interruption())
        await trio.sleep(0.1)
        s.player.on_event(piece(30, "d"))
        s.player.on_event(end("d"))
        await trio.sleep(0.1)
    ends = [(e.item_id, e.played_ms, e.interrupted, e.at_ns // MS) for e in s.told if isinstance(e, PlaybackEnded)]
    assert ends == [("a", 60, False, 60), ("b", 40, True, 100), ("c", 0, True, 100), ("d", 30, False, 230)]
    assert s.heard_ms() == [LOUD] * 100 + [0] * 100 + [LOUD] * 30 + [0] * 70


async def test_what_comes_after_the_call_is_not_played(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    async with playing(tmp_path) as s:
        s.player.on_event(piece(200))
        await trio.sleep(0.05)
        s.player.finish()
        s.player.on_event(piece(200, "late"))
        await trio.sleep(0.5)
    assert s.times() == [("playback_began", "a", 0), ("playback_ended", "a", 50)]
    assert s.heard_ms() == [LOUD] * 50 + [0] * 500


class Speaker:
    def __init__(self) -> None:
        self.did: list[str] = []

    def play(self, pcm: bytes) -> None:
        self.did.append(f"play {len(pcm)}")

    def stop(self) -> None:
        self.did.append("stop")


async def test_a_sound_device_is_given_the_same(tmp_path: Path) -> None:
    speaker = Speaker()
    recording = Recording(tmp_path / "call.wav", began_ns=now_ns())
    player = Player(lambda event: None, recording, device=speaker)
    player.on_event(piece(10))
    player.on_event(interruption())
    recording.close()
    assert speaker.did == ["play 480", "stop"]
