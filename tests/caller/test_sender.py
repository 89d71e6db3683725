"""The sender: a frame every twenty milliseconds whatever happens, and the truth about when the caller spoke."""

from __future__ import annotations

import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from engine.caller.call_events import CallerSpeechBegan, CallerSpeechEnded, CallEvent
from engine.caller.recording import Recording
from engine.caller.sender import PacedSender, Pacing
from engine.caller.utterance import Sound
from engine.clock import now_ns
from engine.errors import SessionClosed

MS = 1_000_000


def sound(ms: int, level: int = 8000) -> bytes:
    return array.array("h", [level] * (24 * ms)).tobytes()


@attrs.define
class Setting:
    sender: PacedSender
    recording: Recording
    sent: list[tuple[int, bytes]]
    told: list[CallEvent]
    delay: float = 0.0


@asynccontextmanager
async def speaking(tmp_path: Path) -> AsyncIterator[Setting]:
    sent: list[tuple[int, bytes]] = []
    told: list[CallEvent] = []
    recording = Recording(tmp_path / "call.wav", began_ns=now_ns())

    async def send(frame: bytes) -> None:
        sent.append((now_ns() // MS, frame))
        delay, setting.delay = setting.delay, 0.0
        await trio.sleep(delay)

    setting = Setting(PacedSender(send, told.append, recording, began_ns=now_ns()), recording, sent, told)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(setting.sender.run)
        yield setting
        nursery.cancel_scope.cancel()
    recording.close()


async def test_silence_flows_at_real_time(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    async with speaking(tmp_path) as s:
        await trio.sleep(0.105)
    assert s.sent == [(at, bytes(960)) for at in (20, 40, 60, 80, 100)]


async def test_an_utterance_is_sent_whole_and_in_time(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    async with speaking(tmp_path) as s:
        await trio.sleep(0.05)
        began_ns = await s.sender.say(sound(30, 0) + sound(45) + sound(30, 0), "words")
        assert now_ns() // MS == 180, "the last frame of it has left"
        await trio.sleep(0.03)
    audio = b"".join(frame for _, frame in s.sent)
    assert audio == sound(60, 0) + sound(30, 0) + sound(45) + sound(65, 0)
    assert began_ns == 90 * MS
    assert s.told == [CallerSpeechBegan(at_ns=90 * MS, text="words"), CallerSpeechEnded(at_ns=140 * MS)]


async def test_it_tells_within_a_frame_of_the_truth(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    async with speaking(tmp_path) as s:
        lateness = []
        s.sender._tell = lambda event: lateness.append(now_ns() - event.at_ns)
        await s.sender.say(sound(11, 0) + sound(400) + sound(5, 0), None)
    assert len(lateness) == 2
    assert all(0 <= late <= 20 * MS for late in lateness)


async def test_two_utterances_at_once_follow_each_other(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    async with speaking(tmp_path) as s, trio.open_nursery() as nursery:
        await trio.sleep(0.01)
        nursery.start_soon(s.sender.say, sound(40, 1000), "one")
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(s.sender.say, sound(40, 2000), "two")
    assert [(e.type, e.at_ns // MS) for e in s.told] == [
        ("caller_speech_began", 20),
        ("caller_speech_ended", 60),
        ("caller_speech_began", 60),
        ("caller_speech_ended", 100),
    ]


async def test_silence_is_said_and_nobody_is_told(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    async with speaking(tmp_path) as s:
        assert await s.sender.say(bytes(960 * 3), None) == 0
        assert await s.sender.say(b"", None) == 80 * MS
    assert s.told == []


async def test_a_late_frame_does_not_delay_the_ones_after_it(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with speaking(tmp_path) as s:
        s.delay = 0.05
        await trio.sleep(0.125)
    assert [at for at, _ in s.sent] == [20, 70, 70, 80, 100, 120]


async def test_it_stops_when_the_session_is_over(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    async def refuse(frame: bytes) -> None:
        await trio.lowlevel.checkpoint()
        raise SessionClosed("over")

    recording = Recording(tmp_path / "call.wav", began_ns=0)
    await PacedSender(refuse, lambda event: None, recording, began_ns=0).run()
    recording.close()


def joined(sent: list[tuple[int, bytes]], grid_ms: int) -> list[tuple[int, int]]:
    """When each `grid_ms` of sound has left, and how loud it is, as whoever joins frames would send it."""
    grid, waiting, left = 48 * grid_ms, b"", []
    for at_ms, piece in sent:
        waiting += piece
        while len(waiting) >= grid:
            left.append((at_ms, max(array.array("h", waiting[:grid]))))
            waiting = waiting[grid:]
    return left


@pytest.mark.parametrize("asked_ms", [(110, 1010), (103, 1217), (399, 1201), (511, 1333), (37, 1287)])
async def test_longer_pieces_leave_as_frames_would_have(
    asked_ms: tuple[int, ...], autojump_clock: trio.testing.MockClock
) -> None:
    async def all_of(**options: int) -> tuple[list[tuple[int, bytes]], list[CallEvent]]:
        sent: list[tuple[int, bytes]] = []
        told: list[CallEvent] = []
        began_ns = now_ns()

        async def send(piece: bytes) -> None:
            sent.append(((now_ns() - began_ns) // MS, piece))

        sender = PacedSender(send, lambda e: told.append(attrs.evolve(e, at_ns=e.at_ns - began_ns)), None,
                                began_ns=began_ns, pacing=Pacing(**options))  # fmt: skip
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sender.run)
            for at in asked_ms:
                await trio.sleep_until((began_ns + at * MS) / 1e9)
                said = Sound.of(sound(130) + sound(170, 0) + sound(130), in_frames=not options)
                nursery.start_soon(sender.say, said, "words")
            await trio.sleep_until((began_ns + 4010 * MS) / 1e9)
            nursery.cancel_scope.cancel()
        return sent, told

    frames, truth = await all_of()
    pieces, told = await all_of(longest_ms=400, grid_ms=100)
    audio = b"".join(piece for _, piece in pieces)
    assert b"".join(frame for _, frame in frames).startswith(audio)
    assert len(audio) >= 48 * 3500
    assert told == truth
    heard = [each for each in joined(frames, 100) if each[1]]
    assert [each for each in joined(pieces, 100) if each[1]] == heard
    assert len(pieces) < len(frames) / 2
