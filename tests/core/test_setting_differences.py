"""What counts as a difference between settings that were asked for and those that were confirmed."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.setting_differences import differences
from engine.wire.codec import decode_server
from engine.wire.converter import converter
from engine.wire.formats import G711_ALAW, G711_ULAW, PCM16, AudioFormat
from engine.wire.server_events import SessionUpdated
from engine.wire.session import (
    Audio,
    AudioInput,
    AudioOutput,
    FunctionToolDefinition,
    McpTool,
    SemanticVad,
    ServerVad,
    Session,
    UnknownSetting,
    VoiceId,
)
from engine.wire.struct import UNSET, evolve
from tests.recordings import Recording, folder, load, recorded

UNKNOWN = UnknownSetting({"type": "telepathy"})
formats = st.sampled_from([PCM16, AudioFormat("audio/pcm", 16000), G711_ULAW, G711_ALAW])
detections: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.builds(
        ServerVad,
        threshold=st.sampled_from([UNSET, 0.5, 0.6]),
        silence_duration_ms=st.sampled_from([UNSET, 200, 500]),
        interrupt_response=st.sampled_from([UNSET, True, False]),
    ),
    st.builds(SemanticVad, eagerness=st.sampled_from([UNSET, "low", "high"])),
)
tools = st.lists(st.sampled_from("abc"), unique=True).map(
    lambda names: tuple(FunctionToolDefinition(name, description=name) for name in names)
)


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.just(UNSET) | values


sessions = st.builds(
    lambda user_format, detection, agent_format, voice, modalities, tools: Session(
        output_modalities=modalities,
        tools=tools,
        audio=Audio(
            AudioInput(format=user_format, turn_detection=detection), AudioOutput(format=agent_format, voice=voice)
        ),
    ),
    optional(formats),
    optional(detections),
    optional(formats),
    optional(st.sampled_from(["ash", "coral"])),
    optional(st.sampled_from([("audio",), ("text",)])),
    optional(tools),
)


def of_user(**settings: Any) -> Session:
    return Session(audio=Audio(AudioInput(**settings)))


def of_agent(**settings: Any) -> Session:
    return Session(audio=Audio(output=AudioOutput(**settings)))


# --- what is no difference


@given(sessions)
def test_what_was_asked_for_is_no_difference(asked: Session) -> None:
    assert differences(asked, asked) == ()


@given(sessions)
def test_what_nobody_speaks_of_is_no_difference(session: Session) -> None:
    assert differences(Session(), session) == ()
    assert differences(session, Session()) == ()


@given(sessions, st.sampled_from(["tools", "audio", "output_modalities"]))
def test_null_is_no_word_about_a_setting(asked: Session, name: str) -> None:
    assert differences(asked, evolve(asked, **{name: None})) == ()


@given(sessions)
def test_defaults_that_the_server_fills_in_are_no_difference(asked: Session) -> None:
    detection = asked.audio_input.turn_detection
    if isinstance(detection, ServerVad):
        filled = {field.name: getattr(detection, field.name) for field in attrs.fields(ServerVad)}
        defaults = {"threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200, "interrupt_response": True}
        full = ServerVad(**{**defaults, **{name: value for name, value in filled.items() if value is not UNSET}})
        user = evolve(asked.audio_input, turn_detection=full)
        assert differences(asked, evolve(asked, audio=Audio(user, asked.audio_output))) == ()


@pytest.mark.parametrize(
    ("asked", "confirmed"),
    [
        (of_agent(voice="ash"), of_agent(voice=UNKNOWN)),
        (of_agent(voice="ash"), of_agent(voice="Ash")),
        (of_agent(voice="ash"), of_agent(voice=VoiceId("ash"))),
        (of_agent(voice="ash"), of_agent(voice=None)),
        (of_agent(format=G711_ULAW), of_agent(format=UnknownSetting("pcm24"))),
        (of_user(turn_detection=ServerVad()), of_user(turn_detection=UNKNOWN)),
        (of_user(turn_detection=UNKNOWN), of_user(turn_detection=ServerVad())),
        (of_user(turn_detection=None), of_user(turn_detection=UnknownSetting({"type": None}))),
        (of_user(turn_detection=ServerVad(threshold=0.6)), of_user(turn_detection=ServerVad(threshold=0.6000000238))),
        (Session(output_modalities=("audio",)), Session(output_modalities=("text", "audio"))),
        (
            Session(tools=(FunctionToolDefinition("a"), McpTool("docs", authorization="secret"))),
            Session(tools=(McpTool("docs"), FunctionToolDefinition("a", description="", parameters={}))),
        ),
        (
            Session(tools=(FunctionToolDefinition("a"),)),
            Session(tools=(UnknownSetting({"type": "function", "function": {"name": "a"}}),)),
        ),
        (
            Session(tools=(FunctionToolDefinition("a"),)),
            Session(tools=(FunctionToolDefinition("a"), UnknownSetting({"type": "web_search"}))),
        ),
        (Session(tools=(FunctionToolDefinition("a"),)), Session(tools=(UNKNOWN,))),
    ],
)
def test_what_says_the_same_in_other_words_or_cannot_be_compared(asked: Session, confirmed: Session) -> None:
    assert differences(asked, confirmed) == ()


@pytest.mark.parametrize(
    "said", [{"type": "audio/pcm"}, "pcm16", {"type": "audio/pcm", "rate": None}, {"type": "audio/pcm", "rate": 16000}]
)
def test_a_rate_that_is_not_named_is_not_another_one(said: object) -> None:
    confirmed = converter.structure({"audio": {"output": {"format": said}}}, Session)
    assert differences(of_agent(format=AudioFormat("audio/pcm", 16000)), confirmed) == ()


def test_a_rate_beside_the_format_is_the_formats() -> None:
    flat = {"input_audio_format": "pcm16", "input_audio_sampling_rate": 16000}
    (difference,) = differences(of_user(format=PCM16), converter.structure(flat, Session))
    assert difference.confirmed == "audio/pcm at 16000"


# --- what is one


@pytest.mark.parametrize(
    ("asked", "confirmed", "words"),
    [
        (
            of_agent(format=G711_ULAW),
            of_agent(format=PCM16),
            "audio.output.format: asked for audio/pcmu, the server uses audio/pcm at 24000",
        ),
        (
            of_user(format=AudioFormat("audio/pcm", 16000)),
            of_user(format=PCM16),
            "audio.input.format: asked for audio/pcm at 16000, the server uses audio/pcm at 24000",
        ),
        (
            of_agent(voice=VoiceId("mine")),
            of_agent(voice="ash"),
            "audio.output.voice: asked for mine, the server uses ash",
        ),
        (
            Session(output_modalities=("audio",)),
            Session(output_modalities=("text",)),
            "output_modalities: asked for audio, the server uses text",
        ),
        (
            of_user(turn_detection=ServerVad()),
            of_user(turn_detection=None),
            "audio.input.turn_detection: asked for server_vad, the server uses off",
        ),
        (
            of_user(turn_detection=None),
            of_user(turn_detection=SemanticVad()),
            "audio.input.turn_detection: asked for off, the server uses semantic_vad",
        ),
        (
            of_user(turn_detection=ServerVad(interrupt_response=False)),
            of_user(turn_detection=ServerVad(interrupt_response=True)),
            "audio.input.turn_detection.interrupt_response: asked for false, the server uses true",
        ),
        (
            of_user(turn_detection=ServerVad(idle_timeout_ms=6000)),
            of_user(turn_detection=ServerVad(idle_timeout_ms=None)),
            "audio.input.turn_detection.idle_timeout_ms: asked for 6000, the server uses none",
        ),
        (
            Session(tools=(FunctionToolDefinition("a"), FunctionToolDefinition("b"))),
            Session(tools=(FunctionToolDefinition("b"),)),
            "tools: asked for a, b, the server uses b",
        ),
        (
            Session(tools=()),
            Session(tools=(FunctionToolDefinition("b"),)),
            "tools: asked for none, the server uses b",
        ),
    ],
)
def test_what_differs_is_named(asked: Session, confirmed: Session, words: str) -> None:
    assert [str(difference) for difference in differences(asked, confirmed)] == [words]


@given(sessions, sessions)
def test_each_place_is_named_where_both_speak_of_it_and_disagree(asked: Session, confirmed: Session) -> None:
    named = {difference.path for difference in differences(asked, confirmed)}
    for path, wanted, used in (
        ("audio.input.format", asked.audio_input.format, confirmed.audio_input.format),
        ("audio.output.format", asked.audio_output.format, confirmed.audio_output.format),
        ("audio.output.voice", asked.audio_output.voice, confirmed.audio_output.voice),
        ("output_modalities", asked.output_modalities, confirmed.output_modalities),
        ("tools", _names(asked), _names(confirmed)),
    ):
        assert (path in named) is (UNSET not in (wanted, used) and wanted != used), path


def _names(session: Session) -> object:
    if session.tools is UNSET or session.tools is None:
        return UNSET
    return frozenset(tool.name for tool in session.tools if isinstance(tool, FunctionToolDefinition))


# --- real servers


def confirmations(recording: Recording) -> list[tuple[Session, Session]]:
    """What each recorded update asked for, all before it included, and its confirmation."""
    asked = [line.data["session"] for line in recording.sent if line.data["type"] == "session.update"]
    said = [decode_server(line.text) for line in recording.received]
    echoes = [event.session for event in said if isinstance(event, SessionUpdated)]
    return [
        (converter.structure(update, Session), echo)
        for update, echo in zip(asked, echoes, strict=False)
        if isinstance(echo, Session)
    ]


@recorded
def test_recorded_servers_do_as_they_were_asked(recording: Recording) -> None:
    vendors = sorted((folder() / "vendors").glob("*.jsonl"))
    for each in (recording, *map(load, vendors)):
        for asked, echo in confirmations(each):
            assert differences(asked, echo) == (), each.name
