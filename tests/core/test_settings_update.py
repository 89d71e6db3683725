"""Settings go out, and what the server makes of them counts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.agent_spec import AgentSpec
from engine.core.effects import FormatsInUse
from engine.core.inputs import SendRaw, UpdateAgent, UpdateSettings
from engine.errors import ServerError, SettingsDiffer, SettingsError
from engine.events import AgentStart, AudioInterrupted, Error, SettingsUpdated
from engine.wire.asked_settings import settings_asked
from engine.wire.client_events import ConversationItemTruncate, RawClientEvent, SessionUpdate
from engine.wire.formats import G711_ULAW, PCM16, AudioFormat
from engine.wire.server_events import (
    ErrorDetail,
    ErrorEvent,
    InputAudioBufferSpeechStarted,
    MalformedEvent,
    ResponseOutputAudioDelta,
    ServerEvent,
    SessionCreated,
)
from engine.wire.server_events import SessionUpdated as Confirmed
from engine.wire.session import (
    Audio,
    AudioInput,
    AudioOutput,
    ServerVad,
    Session,
    TranscriptionSession,
    UnknownSetting,
)
from engine.wire.struct import UNSET, evolve
from tests.core.driving import Driven
from tests.support.talk import begins, ends, speaks

VAD = ServerVad()
STARTED = InputAudioBufferSpeechStarted(audio_start_ms=0, item_id="u")

Opened = partial(Driven, confirmed=False)
"""The server has not answered yet."""


def settings(**given: Any) -> Session:
    """Settings of both sides, by their own names."""
    user = {name: given.pop(name) for name in ("turn_detection", "transcription") if name in given}
    user |= {"format": given.pop("input_format")} if "input_format" in given else {}
    agent = {name: given.pop(name) for name in ("voice", "speed") if name in given}
    agent |= {"format": given.pop("output_format")} if "output_format" in given else {}
    audio = Audio(AudioInput(**user) if user else UNSET, AudioOutput(**agent) if agent else UNSET)
    return Session(audio=audio if user or agent else UNSET, **given)


def agent(name: str = "front", **given: Any) -> AgentSpec:
    return AgentSpec(name, name, settings(instructions=name, **given))


def raw(**session: Any) -> SendRaw:
    return SendRaw(RawClientEvent({"type": "session.update", "session": {"type": "realtime", **session}}))


def refusal(event_id: str | None = None, param: str | None = None, code: str | None = "invalid_value") -> ErrorEvent:
    return ErrorEvent(ErrorDetail("invalid_request_error", "it will not do", code, param, event_id))


def sent(d: Driven) -> list[Session]:
    return [event.session for event in d.sent(SessionUpdate) if isinstance(event.session, Session)]


def ids(d: Driven) -> list[str]:
    """The event ids of all updates that were sent."""
    updates = [event for event in d.wire if event.type == SessionUpdate.type]
    return [str(e.payload["event_id"] if isinstance(e, RawClientEvent) else e.event_id) for e in updates]  # type: ignore[union-attr]


# --- what differs is told once, and counts


def test_all_that_differs_is_one_error() -> None:
    d = Opened(agent(output_format=G711_ULAW, input_format=G711_ULAW, voice="ash", turn_detection=VAD))
    d.tell(Confirmed(settings(output_format=PCM16, input_format=PCM16, voice="coral", turn_detection=None)))
    (event,) = d.seen(Error)
    assert event.code == "settings_differ"
    assert isinstance(event.error, SettingsDiffer)
    assert [each.path for each in event.error.differences] == [
        "audio.input.format",
        "audio.output.format",
        "audio.output.voice",
        "audio.input.turn_detection",
    ]
    assert "audio.output.format: asked for audio/pcmu, the server uses audio/pcm at 24000" in str(event.error)
    (updated,) = d.seen(SettingsUpdated)
    assert (updated.input_format, updated.output_format) == (PCM16, PCM16)
    assert updated.settings.audio_output.voice == "coral"
    assert d.formats == [FormatsInUse(PCM16, PCM16)]


@given(st.lists(st.sampled_from(["ash", "coral", "sage", None]), min_size=1, max_size=8))
def test_each_difference_is_told_once(confirmed: Sequence[str | None]) -> None:
    d = Opened(agent(voice="ash"))
    for voice in confirmed:
        d.tell(Confirmed(settings(voice=voice) if voice else Session()), UpdateAgent(agent("back", voice="ash")))
    told = [difference.confirmed for event in d.seen(Error) for difference in event.error.differences]  # type: ignore[attr-defined]
    assert told == list(dict.fromkeys(voice for voice in confirmed if voice not in ("ash", None)))
    assert not d.seen(SettingsUpdated)


def test_a_server_that_does_as_it_was_asked_is_not_mentioned() -> None:
    asked = agent(output_format=G711_ULAW, voice="ash", turn_detection=VAD, tools=())
    d = Opened(asked).tell(SessionCreated(settings(output_format=PCM16, voice="coral", turn_detection=None)))
    d.tell(Confirmed(asked.session), UpdateAgent(asked), Confirmed(asked.session))
    assert not d.seen(Error)
    assert not d.seen(SettingsUpdated)
    assert not d.formats


def test_formats_that_nobody_asked_for_count_and_are_no_difference() -> None:
    d = Opened(agent()).tell(SessionCreated(settings(output_format=G711_ULAW, input_format=G711_ULAW)))
    (updated,) = d.seen(SettingsUpdated)
    assert (updated.input_format, updated.output_format) == (G711_ULAW, G711_ULAW)
    assert not d.tell(Confirmed(settings(output_format=G711_ULAW))).seen(Error)


def test_formats_that_are_asked_for_count_before_they_are_confirmed() -> None:
    d = Opened(agent(output_format=G711_ULAW)).tell(SessionCreated(settings(output_format=PCM16)))
    d.tell(begins("r"), *speaks("r", "a", "hi", 1.0), ends("r"))  # 48,000 bytes are six seconds of G.711
    d.take_audio(at_ms=0)
    d.tell(STARTED, at_ms=4000)
    assert [event.audio_end_ms for event in d.sent(ConversationItemTruncate)] == [4000]


def test_a_cut_lies_within_the_audio_that_was_confirmed() -> None:
    d = Opened(agent(output_format=G711_ULAW, turn_detection=VAD)).tell(Confirmed(settings(output_format=PCM16)))
    d.tell(begins("r"), *speaks("r", "a", "hi", 0.5))
    d.take_audio(at_ms=0)
    d.tell(STARTED, at_ms=300)
    assert [event.audio_end_ms for event in d.sent(ConversationItemTruncate)] == [300]
    assert [event.audio_end_ms for event in d.seen(AudioInterrupted)] == [300]


@given(
    st.lists(st.tuples(st.sampled_from([PCM16, G711_ULAW, AudioFormat("audio/pcm", 16000)]), st.integers(1, 40)),
             min_size=1, max_size=6),
    st.floats(0, 1.2),
)  # fmt: skip
def test_audio_keeps_the_format_in_which_it_came(pieces: list[tuple[AudioFormat, int]], share: float) -> None:
    """One item, whose server changes its format in the midst of it, cut anywhere."""
    d = Opened(agent(turn_detection=VAD)).tell(Confirmed(Session()), begins("r"))
    d.tell(*speaks("r", "a", "", 0))
    for audio_format, tens_of_ms in pieces:
        data = bytes(audio_format.bytes_of(tens_of_ms * 10))
        d.tell(Confirmed(settings(output_format=audio_format)), ResponseOutputAudioDelta("r", "a", 0, 0, data))
    d.take_audio(at_ms=0)
    received_ms = sum(tens * 10 for _, tens in pieces)
    at_ms = round(received_ms * share)
    d.tell(STARTED, at_ms=at_ms)
    expected = min(at_ms, received_ms)
    assert [event.audio_end_ms for event in d.sent(ConversationItemTruncate)] == [expected] * (expected > 0)


def test_a_confirmation_that_cannot_be_read_confirms() -> None:
    d = Opened(agent()).tell(Confirmed(Session()), UpdateAgent(agent("back")))
    d.tell(MalformedEvent("odd", b"{}", type=Confirmed.type), begins("own"))
    assert [event.agent for event in d.seen(AgentStart)] == ["back"]


def test_a_voice_that_the_server_does_not_have_is_told_once_and_not_with_every_handoff() -> None:
    d = Opened(agent(voice="ash")).tell(Confirmed(settings(voice="coral")))
    d.tell(begins("r"), *speaks("r", "a", "hi", 0.1), ends("r"))
    for name in ("back", "front"):
        d.tell(UpdateAgent(agent(name, voice="ash")), Confirmed(settings(voice="coral")))
    assert [event.code for event in d.seen(Error)] == ["settings_differ"]


# --- voice detection


@pytest.mark.parametrize("echo", [None, UnknownSetting({"type": None})])
@pytest.mark.parametrize("asked", [UNSET, VAD, ServerVad(create_response=False)])
@pytest.mark.parametrize("event", [SessionCreated, Confirmed])
def test_speech_proves_the_detection_that_the_server_denies(event: Any, asked: Any, echo: Any) -> None:
    d = Opened(agent(turn_detection=asked)).tell(event(settings(turn_detection=echo)))
    d.tell(begins("r"), *speaks("r", "a", "hi", 1.0))
    d.take_audio(at_ms=0)
    d.tell(STARTED, at_ms=500)
    assert len(d.seen(AudioInterrupted)) == 1
    rules = d.machine._state.turn_rules
    assert rules.creates_response is (asked is UNSET or asked.create_response is UNSET)
    d.tell(UpdateAgent(agent("back", turn_detection=asked)), Confirmed(settings(turn_detection=echo)))
    assert d.machine._state.turn_rules.interrupts


def test_detection_that_the_application_switched_off_stays_off() -> None:
    d = Opened(agent(turn_detection=None)).tell(Confirmed(settings(turn_detection=None)))
    d.tell(begins("r"), *speaks("r", "a", "hi", 1.0))
    d.take_audio(at_ms=0)
    assert not d.tell(STARTED, at_ms=500).seen(AudioInterrupted)


def test_detection_that_the_server_does_not_switch_off_interrupts() -> None:
    d = Opened(agent(turn_detection=None)).tell(Confirmed(settings(turn_detection=VAD)))
    assert d.machine._state.turn_rules.interrupts
    assert [event.code for event in d.seen(Error)] == ["settings_differ"]


def test_keys_that_a_confirmation_leaves_out_are_as_they_were_asked_for() -> None:
    asked = ServerVad(create_response=False, interrupt_response=False)
    d = Opened(agent(turn_detection=asked)).tell(Confirmed(settings(turn_detection=ServerVad(threshold=0.5))))
    rules = d.machine._state.turn_rules
    assert (rules.creates_response, rules.interrupts) == (False, False)
    assert not d.seen(Error)


# --- settings in mid-call

CHANGES = [UpdateSettings(settings(turn_detection=None)), raw(audio={"input": {"turn_detection": None}}),
           raw(turn_detection=None), SendRaw(SessionUpdate(settings(turn_detection=None)))]  # fmt: skip


def in_call() -> Driven:
    front = agent(turn_detection=VAD, speed=1.0)
    return Opened(front).tell(Confirmed(front.session)).forget()


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_counts_once_it_is_confirmed_and_outlasts_handoffs(change: Any) -> None:
    d = in_call().tell(change)
    assert d.machine._state.turn_rules.interrupts
    d.tell(Confirmed(settings(turn_detection=None)))
    assert not d.machine._state.turn_rules.interrupts
    (updated,) = d.seen(SettingsUpdated)
    assert updated.settings.audio_input.turn_detection is None
    assert not d.seen(Error)
    d.forget().tell(UpdateAgent(agent("back", turn_detection=VAD, speed=1.0)))
    assert [(each.instructions, each.audio_input.turn_detection) for each in sent(d)] == [("back", None)]
    d.tell(Confirmed(sent(d)[0]))
    assert not d.machine._state.turn_rules.interrupts
    assert not d.seen(SettingsUpdated)


REFUSALS = ("cannot_update_voice", "session_update_error", "invalid_session_type")
"""Codes that are about settings, whatever place they name or do not name."""


@pytest.mark.parametrize("named", ["id", "place", *REFUSALS])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_is_refused_is_forgotten(change: Any, named: str) -> None:
    d = in_call().tell(change)
    refused = {"id": refusal(ids(d)[-1]), "place": refusal(None, "session.audio.input.turn_detection"),
               **{code: refusal(None, None, code) for code in REFUSALS}}[named]  # fmt: skip
    d.tell(refused)
    assert [(type(event.error), event.code) for event in d.seen(Error)] == [(ServerError, refused.error.code)]
    assert not d.seen(SettingsUpdated)
    assert d.machine._state.turn_rules.interrupts
    d.forget().tell(UpdateAgent(agent("back", turn_detection=VAD)))
    assert sent(d)[0].audio_input.turn_detection == VAD
    d.tell(Confirmed(sent(d)[0]), begins("own"))
    assert [event.agent for event in d.seen(AgentStart)] == ["back"]


@pytest.mark.parametrize("confirmed", [True, False])
@pytest.mark.parametrize("change", CHANGES)
def test_a_handoff_does_not_speak_of_what_the_server_has_not_answered(change: Any, confirmed: bool) -> None:
    d = in_call().tell(change)
    change_id = ids(d)[-1]
    d.tell(UpdateAgent(agent("back", turn_detection=VAD, speed=1.0)))
    handoff = sent(d)[-1]
    assert handoff.audio_input.turn_detection is UNSET
    assert (handoff.instructions, handoff.audio_output.speed) == ("back", 1.0)
    now = None if confirmed else VAD
    d.tell(Confirmed(settings(turn_detection=None)) if confirmed else refusal(change_id))
    d.tell(Confirmed(evolve(handoff, audio=Audio(AudioInput(turn_detection=now)))), begins("own"))
    assert d.machine._state.turn_rules.interrupts is not confirmed
    assert [event.agent for event in d.seen(AgentStart)] == ["back"]
    assert len([event for event in d.seen(Error) if event.code == "settings_differ"]) == 0


def test_an_error_about_something_else_refuses_no_settings() -> None:
    d = in_call().tell(CHANGES[0]).tell(refusal(None, "item.content"), refusal("another"))
    d.tell(Confirmed(settings(turn_detection=None)))
    assert len(d.seen(SettingsUpdated)) == 1


def test_a_raw_change_has_an_id_and_is_otherwise_sent_as_it_is() -> None:
    d = in_call().tell(raw(temperature=0.7), SendRaw(RawClientEvent({"type": "session.update", "event_id": "mine"})))
    first, second = (event.payload for event in d.wire if isinstance(event, RawClientEvent))
    assert first["session"] == {"type": "realtime", "temperature": 0.7}
    assert isinstance(first["event_id"], str)
    assert second == {"type": "session.update", "event_id": "mine"}


def test_other_raw_events_go_out_as_they_are() -> None:
    event = RawClientEvent({"type": "something.new"})
    d = in_call().tell(SendRaw(event), SendRaw(RawClientEvent({"no": "type"})))
    assert d.wire[0] is event
    assert not d.machine._state.updates


def test_what_belongs_to_agents_does_not_outlast_them() -> None:
    d = in_call().tell(raw(instructions="be rude", tools=[], audio={"output": {"speed": 1.5}}), Confirmed(Session()))
    d.forget().tell(UpdateAgent(agent("back", speed=1.0)))
    assert (sent(d)[0].instructions, sent(d)[0].audio_output.speed) == ("back", 1.5)


def test_what_is_not_understood_of_a_raw_change_does_not_hide_the_rest() -> None:
    d = in_call().tell(raw(output_modalities=5, audio={"output": {"speed": 1.5}}), Confirmed(Session()))
    d.forget().tell(UpdateAgent(agent("back", speed=1.0)))
    assert sent(d)[0].audio_output.speed == 1.5
    assert sent(d)[0].output_modalities is UNSET


def test_a_voice_cannot_be_changed_after_speech_but_the_rest_can() -> None:
    d = Opened(agent(voice="ash")).tell(Confirmed(settings(voice="ash")))
    d.tell(begins("r"), *speaks("r", "a", "hi", 0.1), ends("r")).forget()
    d.tell(UpdateSettings(settings(voice="coral")))
    assert not d.sent(SessionUpdate)
    d.tell(UpdateSettings(settings(voice="coral", speed=1.5)))
    assert [each.audio_output for each in sent(d)] == [AudioOutput(speed=1.5)]
    assert [(type(event.error), event.code) for event in d.seen(Error)] == [(SettingsError, "voice_fixed")] * 2


def test_a_change_of_formats_is_told_when_it_is_confirmed() -> None:
    d = in_call().tell(UpdateSettings(settings(output_format=G711_ULAW)))
    assert not d.formats
    d.tell(Confirmed(Session()))
    (updated,) = d.seen(SettingsUpdated)
    assert (updated.input_format, updated.output_format) == (PCM16, G711_ULAW)
    assert d.formats == [FormatsInUse(PCM16, G711_ULAW)]


def test_settings_that_are_refused_at_the_beginning_leave_the_servers_own() -> None:
    d = Opened(agent(output_format=G711_ULAW))
    d.tell(SessionCreated(settings(output_format=PCM16)), refusal(None, "session.audio"))
    assert [event.output_format for event in d.seen(SettingsUpdated)] == [PCM16]


def test_updates_wait_with_the_time_at_which_they_were_sent() -> None:
    d = in_call().tell(CHANGES[0], at_ms=70).tell(CHANGES[1], at_ms=90)
    assert [update.sent_ns for update in d.machine._state.updates] == [70_000_000, 90_000_000]
    d.tell(Confirmed(Session()))
    assert [update.sent_ns for update in d.machine._state.updates] == [90_000_000]


def test_a_session_that_only_listens_is_confirmed_too() -> None:
    event = RawClientEvent({"type": "session.update", "session": {"type": "transcription"}})
    d = in_call().tell(SendRaw(event), Confirmed(TranscriptionSession()))
    assert not d.machine._state.updates
    assert len(d.seen(SettingsUpdated)) == 1


# --- drawn: any updates, any answers

values = st.sampled_from([0.5, 1.0, 1.5])
steps: st.SearchStrategy[tuple[str, float]] = st.tuples(
    st.sampled_from(["change", "raw", "handoff", "confirm", "confirm", "refuse", "refuse by place"]), values
)


@given(st.lists(steps, max_size=14))
def test_the_server_ends_with_what_was_last_agreed_on(script: list[tuple[str, float]]) -> None:
    """A server that answers in order. After a last handoff it has the speed of the last change that it confirmed."""
    d = Opened(agent(speed=1.0), opened=True)
    state = d.machine._state
    has, agreed = 1.0, 1.0
    under_way: list[tuple[str, float | None, bool]] = [("opening", 1.0, False)]

    def note(own: bool) -> None:
        for event, event_id in zip(d.wire, ids(d), strict=True):
            asked = settings_asked(event)
            assert isinstance(asked, Session)
            speed = asked.audio_output.speed
            under_way.append((event_id, speed if isinstance(speed, float) else None, own))
        d.forget()

    def answer(refuse: ServerEvent | None) -> None:
        nonlocal has, agreed
        _, speed, own = under_way.pop(0)
        if refuse is None:
            has = has if speed is None else speed
            agreed = has if own else agreed
        d.tell(Confirmed(settings(speed=has)) if refuse is None else refuse)

    for what, speed in script:
        match what:
            case "change":
                d.tell(UpdateSettings(settings(speed=speed)))
                note(own=True)
            case "raw":
                d.tell(raw(audio={"output": {"speed": speed}}))
                note(own=True)
            case "handoff":
                d.tell(UpdateAgent(agent("back", speed=1.0)))
                note(own=False)
            case "confirm" if under_way:
                answer(None)
            case "refuse" if under_way and under_way[0][2]:
                answer(refusal(under_way[0][0]))
            case "refuse by place" if under_way and under_way[0][2]:
                answer(refusal(None, "session.audio.output.speed"))
    while under_way:
        answer(None)
    d.tell(UpdateAgent(agent("back", speed=1.0)))
    note(own=False)
    answer(None)
    assert has == agreed
    assert not state.updates
