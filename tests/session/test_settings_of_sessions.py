"""Settings of whole sessions: what is asked for at the beginning, confirmed, and changed in mid-call."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

from engine import (
    ModelCapabilities,
    RealtimeAgent,
    RealtimeModelSettings,
    RealtimePlaybackTracker,
    RealtimeRunner,
    RealtimeSession,
    ScriptedModel,
)
from engine.errors import AudioError, SettingsDiffer, SettingsError
from engine.events import Error, RealtimeSessionEvent, SettingsUpdated
from engine.latency.instants import Instant
from engine.models.scripted import Expect, HangUp, Pause, Say, Step
from engine.wire.client_events import InputAudioBufferAppend, InputAudioBufferCommit, SessionUpdate
from engine.wire.formats import G711_ULAW, PCM16, AudioFormat
from engine.wire.server_events import ErrorDetail, ErrorEvent, SessionCreated
from engine.wire.server_events import SessionUpdated as Confirmed
from engine.wire.session import Audio, AudioInput, AudioOutput, ServerVad, Session
from engine.wire.struct import UNSET
from tests.support.talk import begins, ends, speaks

Body = Callable[[RealtimeSession[Any]], Awaitable[None]]
ULAW = {"input_audio_format": "g711_ulaw", "output_audio_format": "g711_ulaw"}


def both(audio_format: AudioFormat) -> Session:
    return Session(audio=Audio(AudioInput(format=audio_format), AudioOutput(format=audio_format)))


@attrs.define
class Played:
    model: ScriptedModel
    session: RealtimeSession[Any]
    events: list[RealtimeSessionEvent] = attrs.field(factory=list)

    def sent(self) -> list[Session]:
        updates = [event.session for event in self.model.sent if isinstance(event, SessionUpdate)]
        return [session for session in updates if isinstance(session, Session)]

    def seen(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def play(
    steps: Sequence[Step],
    body: Body | None = None,
    *,
    settings: Any = None,
    model_config: dict[str, Any] | None = None,
    capabilities: ModelCapabilities | None = None,
    agent: RealtimeAgent[Any] | None = None,
) -> Played:
    """A session that lives as long as the script."""

    async def main() -> Played:
        model = ScriptedModel([*steps, HangUp()], capabilities=capabilities)
        config = {"model_settings": settings or {}}
        runner = RealtimeRunner(agent or RealtimeAgent(name="A"), model=model, config=config)
        session = await runner.run(model_config=model_config or {})
        played = Played(model, session)
        async with session, trio.open_nursery() as nursery:
            if body is not None:
                nursery.start_soon(body, session)
            async for event in session:
                played.events.append(event)
        return played

    return trio.run(main, clock=MockClock(autojump_threshold=0))


# --- the line's formats


ATTACHED: list[dict[str, Any]] = [
    {"model_config": {"call_id": "rtc_1"}},
    {"capabilities": ModelCapabilities(plays_audio_itself=True)},
]


@pytest.mark.parametrize("attached", ATTACHED)
def test_formats_are_not_named_where_the_line_decides(attached: dict[str, Any]) -> None:
    async def hand_over(session: RealtimeSession[Any]) -> None:
        await session.update_agent(RealtimeAgent(name="B"))

    played = play([Expect(SessionUpdate), Say([Confirmed(both(G711_ULAW))]), Pause(0.1)], hand_over, **attached)
    assert len(played.sent()) == 2
    for session in played.sent():
        assert session.audio_input.format is UNSET
        assert session.audio_output.format is UNSET
        assert session.audio_input.transcription is not UNSET
    assert not played.seen(Error)
    assert (played.session.input_format, played.session.output_format) == (G711_ULAW, G711_ULAW)
    assert len(played.seen(SettingsUpdated)) == 1


@pytest.mark.parametrize("attached", ATTACHED)
def test_formats_that_the_application_asks_for_are_named_there_too(attached: dict[str, Any]) -> None:
    played = play([Expect(SessionUpdate)], settings={"output_audio_format": "g711_ulaw"}, **attached)
    (session,) = played.sent()
    assert session.audio_output.format == G711_ULAW
    assert session.audio_input.format is UNSET


def test_elsewhere_the_defaults_are_named() -> None:
    (session,) = play([Expect(SessionUpdate)]).sent()
    assert (session.audio_input.format, session.audio_output.format) == (PCM16, PCM16)


# --- what was confirmed


def test_what_was_confirmed_is_what_the_session_takes_and_gives() -> None:
    formats = []

    async def speak(session: RealtimeSession[Any]) -> None:
        formats.append((session.input_format, session.output_format))
        await trio.sleep(0.1)
        formats.append((session.input_format, session.output_format))
        with pytest.raises(AudioError):
            await session.send_audio(bytes(3))
        await session.send_audio(bytes(4800))

    steps = [Expect(SessionUpdate), Pause(0.05), Say([Confirmed(both(PCM16))]), Expect(InputAudioBufferAppend)]
    played = play([Say([SessionCreated(both(PCM16))]), *steps, Pause(0.5)], speak, settings=ULAW)
    assert formats == [(G711_ULAW, G711_ULAW), (PCM16, PCM16)]
    (error,) = played.seen(Error)
    assert isinstance(error.error, SettingsDiffer)
    assert error.code == "settings_differ"
    assert "send_audio takes audio in session.input_format" in str(error.error)
    (updated,) = played.seen(SettingsUpdated)
    assert (updated.input_format, updated.output_format) == (PCM16, PCM16)


@pytest.mark.parametrize("confirmed", [PCM16, G711_ULAW, AudioFormat("audio/pcm", 16000)])
def test_the_microphone_cuts_frames_of_the_confirmed_format(confirmed: AudioFormat) -> None:
    async def speak(session: RealtimeSession[Any]) -> None:
        await trio.sleep(0.1)
        for _ in range(10):
            await session.send_audio(bytes(confirmed.bytes_of(20)))
            await trio.sleep(0.02)

    steps = [Expect(SessionUpdate), Say([Confirmed(both(confirmed))]), Pause(1.0)]
    played = play(steps, speak, settings=ULAW)
    sizes = [len(event.audio) for event in played.model.sent if isinstance(event, InputAudioBufferAppend)]
    assert sizes == [confirmed.bytes_of(100)] * 2


def test_playback_is_reported_in_the_format_of_the_audio() -> None:
    """Half a second of PCM, though G.711 was asked for: it is reported by bytes."""

    async def report(session: RealtimeSession[Any]) -> None:
        await trio.sleep(0.2)
        session.playback.on_play_bytes("a", 0, bytes(PCM16.bytes_of(200)))
        session.playback.on_play_ms("a", 0, 100)
        await session.interrupt()

    said = [Confirmed(both(PCM16)), begins("r"), *speaks("r", "a", "hi", 0.5)]
    played = play(
        [Expect(SessionUpdate), Say(said), Pause(0.5), Say([ends("r")])],
        report,
        settings=ULAW,
        model_config={"playback_tracker": RealtimePlaybackTracker()},
    )
    assert [event.audio_end_ms for event in played.events if event.type == "audio_interrupted"] == [300]


def test_latency_is_computed_in_the_confirmed_formats() -> None:
    async def commit(session: RealtimeSession[Any]) -> None:
        await trio.sleep(0.1)
        await session.send_audio(bytes(PCM16.bytes_of(200)), commit=True)

    said = [begins("r"), *speaks("r", "a", "hi", 0.5), ends("r")]
    steps = [
        Expect(SessionUpdate),
        Say([Confirmed(both(PCM16))]),
        Expect(InputAudioBufferCommit),
        Say(said),
        Pause(2.0),
    ]
    instants: list[Instant] = []

    async def watch(session: RealtimeSession[Any]) -> None:
        recorder = session._runtime.wiring.recorder  # type: ignore[union-attr]
        take = recorder._state._take
        recorder._state._take = lambda instant, at: (instants.append(instant), take(instant, at))[1]  # type: ignore[method-assign, func-returns-value]
        await commit(session)

    play(steps, watch, settings={**ULAW, "turn_detection": None})
    stopped = [instant for instant in instants if instant.kind == "playout.stop"]
    assert [round(float(instant.fields["ms"] or 0)) for instant in stopped] == [500]
    last = [instant for instant in instants if instant.kind == "user.audio.sent"][-1]
    assert math.isclose(float(last.fields["position_ms"] or 0), 200)


# --- settings in mid-call


CHANGES: list[Body] = [
    lambda session: session.update_settings(turn_detection=None),
    lambda session: session.update_settings({"audio": {"input": {"turn_detection": None}}}),
    lambda session: session.update_settings(RealtimeModelSettings(turn_detection=None)),
    lambda session: session.update_settings(Session(audio=Audio(AudioInput(turn_detection=None)))),
    lambda session: session.send_event(SessionUpdate(Session(audio=Audio(AudioInput(turn_detection=None))))),
    lambda session: session.send_event(
        {"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"turn_detection": None}}}}
    ),
]
VAD = Session(audio=Audio(AudioInput(turn_detection=ServerVad())))
OFF = Session(audio=Audio(AudioInput(turn_detection=None)))


def changing(change: Body, answer: Any) -> Played:
    async def body(session: RealtimeSession[Any]) -> None:
        await trio.sleep(0.1)
        await change(session)
        await trio.sleep(0.2)
        await session.update_agent(RealtimeAgent(name="B"))

    steps = [Expect(SessionUpdate), Say([Confirmed(VAD)]), Pause(0.15), Say([answer]), Pause(0.3)]
    return play(steps, body, settings={"turn_detection": {"type": "server_vad"}})


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_confirmed_by_an_event_and_outlasts_the_agent(change: Body) -> None:
    played = changing(change, Confirmed(OFF))
    (updated,) = played.seen(SettingsUpdated)
    assert updated.settings.audio_input.turn_detection is None
    assert played.sent()[-1].audio_input.turn_detection is None
    assert not played.seen(Error)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_is_refused_is_told_and_not_repeated(change: Body) -> None:
    detail = ErrorDetail("invalid_request_error", "no", "invalid_value", "session.audio.input.turn_detection")
    played = changing(change, ErrorEvent(detail))
    assert [event.code for event in played.seen(Error)] == ["invalid_value"]
    assert not played.seen(SettingsUpdated)
    assert played.sent()[-1].audio_input.turn_detection == ServerVad()


@pytest.mark.parametrize(
    ("given", "named", "words"),
    [
        ({}, {}, "there is nothing to change"),
        (None, {"turn_detecton": None}, "turn_detecton.*did you mean.*turn_detection"),
        ({"speed": 9.0}, {}, "update_settings.speed"),
        (None, {"instructions": "be rude"}, r"update_settings.instructions.*update_agent"),
        (None, {"tools": []}, r"update_settings.tools.*update_agent"),
        (None, {"prompt": {"id": "p"}}, r"update_settings.prompt.*update_agent"),
        (None, {"model_name": "other"}, r"update_settings.model.*another session"),
        (7, {}, "update_settings: expected"),
    ],
)
def test_a_change_that_is_wrong_is_refused_in_the_call(given: Any, named: dict[str, Any], words: str) -> None:
    async def body(session: RealtimeSession[Any]) -> None:
        with pytest.raises(SettingsError, match=f"(?s){words}"):
            await session.update_settings(given, **named)

    assert len(play([Expect(SessionUpdate), Pause(0.1)], body).sent()) == 1


def test_names_are_laid_over_the_mapping() -> None:
    async def body(session: RealtimeSession[Any]) -> None:
        await session.update_settings({"speed": 0.5, "voice": "ash"}, speed=1.5)

    played = play([Expect(SessionUpdate), Expect(SessionUpdate), Pause(0.1)], body)
    assert played.sent()[1] == Session(audio=Audio(output=AudioOutput(voice="ash", speed=1.5)))
