"""Model settings: both forms, attrs classes and mappings, become the same session; what is wrong is named."""

from types import MappingProxyType
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Misuse, SettingsError
from engine.settings import RealtimeModelSettings, session_settings
from engine.wire.client_events import SessionUpdate
from engine.wire.codec import decode_client, encode_client
from engine.wire.formats import G711_ALAW, G711_ULAW, PCM16, AudioFormat
from engine.wire.session import (
    Audio,
    AudioInput,
    AudioOutput,
    FunctionToolDefinition,
    McpTool,
    NoiseReduction,
    Prompt,
    Reasoning,
    RetentionRatio,
    SemanticVad,
    ServerVad,
    Session,
    ToolChoiceFunction,
    TracingConfig,
    Transcription,
    VoiceId,
    format_of,
)
from engine.wire.struct import UNSET
from tests.strategies import damage, wire

_EVERYTHING_FLAT = {
    "model_name": "gpt-realtime-2.1",
    "instructions": "Be brief.",
    "modalities": ["audio"],
    "voice": "marin",
    "speed": 1.25,
    "input_audio_format": "pcm16",
    "output_audio_format": "g711_ulaw",
    "input_audio_transcription": {"model": "gpt-4o-transcribe", "language": "de", "prompt": "names"},
    "input_audio_noise_reduction": {"type": "near_field"},
    "turn_detection": {"type": "semantic_vad", "eagerness": "low", "create_response": True},
    "tool_choice": {"type": "function", "name": "f"},
    "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
    "parallel_tool_calls": False,
    "reasoning": {"effort": "low"},
    "max_output_tokens": 500,
    "tracing": {"workflow_name": "w", "group_id": "g", "metadata": {"a": 1}},
    "truncation": {"type": "retention_ratio", "retention_ratio": 0.8},
    "prompt": {"id": "p", "version": "2", "variables": {"x": "y"}},
    "include": ["item.input_audio_transcription.logprobs"],
}

_EVERYTHING = Session(
    model="gpt-realtime-2.1",
    output_modalities=("audio",),
    instructions="Be brief.",
    tools=(FunctionToolDefinition("f", parameters={"type": "object"}),),
    tool_choice=ToolChoiceFunction("f"),
    parallel_tool_calls=False,
    reasoning=Reasoning("low"),
    max_output_tokens=500,
    tracing=TracingConfig("w", "g", {"a": 1}),
    truncation=RetentionRatio(0.8),
    prompt=Prompt("p", "2", {"x": "y"}),
    audio=Audio(
        AudioInput(
            PCM16,
            Transcription("gpt-4o-transcribe", "de", "names"),
            NoiseReduction("near_field"),
            SemanticVad("low", create_response=True),
        ),
        AudioOutput(G711_ULAW, "marin", 1.25),
    ),
    include=("item.input_audio_transcription.logprobs",),
)


# ------------------------------------------------------------------------------------------------ what is accepted
def test_flat_form() -> None:
    assert session_settings(_EVERYTHING_FLAT) == _EVERYTHING


def test_nested_form() -> None:
    nested = orjson.loads(encode_client(SessionUpdate(_EVERYTHING)))["session"]
    assert session_settings(nested) == _EVERYTHING


def test_the_class_takes_mappings_and_objects() -> None:
    assert session_settings(RealtimeModelSettings(**_EVERYTHING_FLAT)) == _EVERYTHING
    assert session_settings(RealtimeModelSettings(voice="ash", audio=Audio(AudioInput(G711_ALAW)))) == Session(
        audio=Audio(AudioInput(G711_ALAW), AudioOutput(voice="ash"))
    )


def test_other_mappings_and_tuples() -> None:
    frozen = MappingProxyType({"turn_detection": MappingProxyType({"type": "server_vad"}), "modalities": ("text",)})
    assert session_settings(frozen) == Session(
        output_modalities=("text",), audio=Audio(AudioInput(turn_detection=ServerVad()))
    )


@pytest.mark.parametrize("nothing", [None, {}, RealtimeModelSettings(), Session()])
def test_nothing_is_nothing(nothing: Any) -> None:
    assert session_settings(nothing) == Session()


def test_null_switches_off_and_unset_says_nothing() -> None:
    session = session_settings({"turn_detection": None, "input_audio_noise_reduction": None, "voice": UNSET})
    assert session == Session(audio=Audio(AudioInput(noise_reduction=None, turn_detection=None)))


@pytest.mark.parametrize(
    ("given_format", "expected"),
    [
        ("pcm16", PCM16),
        ("g711_alaw", G711_ALAW),
        ("audio/pcmu", G711_ULAW),
        (PCM16, PCM16),
        ({"type": "audio/pcm", "rate": 24000}, PCM16),
        ({"type": "audio/pcm", "rate": 16000}, AudioFormat("audio/pcm", 16000)),
        (AudioFormat("audio/pcm", 8000), AudioFormat("audio/pcm", 8000)),
        ({"type": "audio/pcmu"}, G711_ULAW),
    ],
)
def test_formats(given_format: object, expected: object) -> None:
    wanted = Session(audio=Audio(AudioInput(expected), AudioOutput(expected)))
    assert session_settings({"input_audio_format": given_format, "output_audio_format": given_format}) == wanted
    nested = {"audio": {"input": {"format": given_format}, "output": {"format": given_format}}}
    assert session_settings(nested) == wanted


@pytest.mark.parametrize(
    ("detection", "expected"),
    [
        ({}, ServerVad()),
        ({"silence_duration_ms": 300}, ServerVad(silence_duration_ms=300)),
        ({"eagerness": "high"}, SemanticVad("high")),
    ],
)
def test_turn_detection_may_leave_its_type_to_its_keys(detection: dict[str, Any], expected: object) -> None:
    wanted = Session(audio=Audio(AudioInput(turn_detection=expected)))
    assert session_settings({"turn_detection": detection}) == wanted
    assert session_settings({"audio": {"input": {"turn_detection": detection}}}) == wanted


def test_beta_modalities() -> None:
    assert session_settings({"modalities": ["text", "audio"]}) == Session(output_modalities=("audio",))
    assert session_settings({"modalities": ["text"]}) == Session(output_modalities=("text",))


def test_voices_and_models_that_nobody_has_heard_of() -> None:
    session = session_settings({"model": "my-model", "voice": {"id": "voice_1"}})
    assert session == Session(model="my-model", audio=Audio(output=AudioOutput(voice=VoiceId("voice_1"))))
    assert session_settings({"voice": "grandma"}).audio_output.voice == "grandma"


def test_mcp_tool() -> None:
    tool = {"type": "mcp", "server_label": "docs", "server_url": "https://x", "allowed_tools": ["a"]}
    assert session_settings({"tools": [tool]}).tools == (McpTool("docs", "https://x", allowed_tools=("a",)),)


def test_both_forms_may_agree() -> None:
    session = session_settings({"voice": "ash", "audio": {"output": {"voice": "ash", "speed": 1}}, "model": "m"})
    assert session == Session(model="m", audio=Audio(output=AudioOutput(voice="ash", speed=1)))


def test_what_the_caller_gave_is_not_changed() -> None:
    settings: dict[str, Any] = {"voice": "ash", "turn_detection": {}, "audio": {"output": {"format": "pcm16"}}}
    session_settings(settings)
    assert settings == {"voice": "ash", "turn_detection": {}, "audio": {"output": {"format": "pcm16"}}}


@given(wire.sessions())
def test_a_session_is_itself(session: Session) -> None:
    assert session_settings(session) == session


@given(wire.sessions())
def test_what_is_accepted_here_is_accepted_by_the_server(session: Session) -> None:
    assert decode_client(encode_client(SessionUpdate(session_settings(session)))) == SessionUpdate(session)


# ------------------------------------------------------------------------------------------------ what is refused
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"voise": "a"}, ["model_settings.voise: unknown key", "a string", "did you mean 'voice'?"]),
        ({"audio": {"inptu": {}}}, ["model_settings.audio.inptu: unknown key", "'input'"]),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "silence_duration": 5}}}},
            ["model_settings.audio.input.turn_detection.silence_duration:", "did you mean 'silence_duration_ms'?"],
        ),
        (
            {"turn_detection": {"silence_duration_ms": "500"}},
            ["model_settings.turn_detection.silence_duration_ms: expected an integer, got '500' (a string)"],
        ),
        ({"turn_detection": {"type": "server_vda"}}, ["turn_detection.type", "did you mean 'server_vad'?"]),
        ({"turn_detection": {"type": "semantic_vad", "threshold": 0.5}}, ["turn_detection.threshold: unknown key"]),
        ({"turn_detection": {"threshold": 1.5}}, ["turn_detection.threshold: expected at most 1, got 1.5 (a decimal)"]),
        ({"turn_detection": {"threshold": float("nan")}}, ["turn_detection.threshold: expected a finite number"]),
        ({"turn_detection": {"idle_timeout_ms": 4999}}, ["idle_timeout_ms: expected at least 5000, got 4999"]),
        ({"turn_detection": {"prefix_padding_ms": -1}}, ["prefix_padding_ms: expected at least 0, got -1"]),
        ({"turn_detection": {"create_response": 1}}, ["create_response: expected a boolean, got 1 (an integer)"]),
        ({"turn_detection": "server_vad"}, ["turn_detection: expected an object, got 'server_vad' (a string)"]),
        ({"speed": 0.2}, ["model_settings.speed: expected at least 0.25, got 0.2 (a decimal)"]),
        ({"speed": True}, ["model_settings.speed: expected a number, got True (a boolean)"]),
        ({"max_output_tokens": 0}, ["max_output_tokens: expected at least 1, got 0"]),
        ({"max_output_tokens": 4097}, ["max_output_tokens: expected at most 4096, got 4097"]),
        ({"max_output_tokens": "info"}, ["expected an integer or 'inf', got 'info'", "did you mean 'inf'?"]),
        ({"output_modalities": ["audio", "text"]}, ["output_modalities: expected ['audio'] or ['text'], got"]),
        ({"modalities": []}, ["modalities: expected ['audio'] or ['text'], got [] (an array)"]),
        ({"modalities": "audio"}, ["modalities: expected an array, got 'audio' (a string)"]),
        ({"input_audio_format": "pcm15"}, ["input_audio_format: expected one of pcm16,", "did you mean 'pcm16'?"]),
        (
            {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 0}}}},
            ["model_settings.audio.input.format.rate: expected at least 1, got 0 (an integer)"],
        ),
        (
            {"output_audio_format": {"type": "audio/pcm", "rate": -8000}},
            ["model_settings.output_audio_format.rate: expected at least 1, got -8000 (an integer)"],
        ),
        (
            {"input_audio_format": {"type": "audio/pcm", "rate": "16000"}},
            ["model_settings.input_audio_format.rate: expected an integer, got '16000' (a string)"],
        ),
        (
            {"audio": {"input": {"format": {"type": "audio/pcmu", "rate": 16000}}}},
            ["model_settings.audio.input.format.rate: expected at most 8000, got 16000 (an integer)"],
        ),
        ({"audio": {"output": {"format": "opus"}}}, ["model_settings.audio.output.format: expected one of pcm16"]),
        ({"tool_choice": "atuo"}, ["tool_choice: expected 'auto', 'none', or 'required' or an object", "'auto'?"]),
        ({"tools": [{"type": "function"}]}, ["model_settings.tools[0].name: missing"]),
        ({"tools": [{"name": "f"}]}, ["model_settings.tools[0].type: missing, 'function' or 'mcp'"]),
        ({"reasoning": {"effort": "hihg"}}, ["reasoning.effort", "did you mean 'high'?"]),
        ({"truncation": {"type": "retention_ratio", "retention_ratio": 2}}, ["retention_ratio: expected at most 1"]),
        ({"include": ["logprobs"]}, ["model_settings.include[0]: expected 'item.input_audio_transcription.logprobs'"]),
        ({"prompt": {"version": "1"}}, ["model_settings.prompt.id: missing"]),
        ({"prompt": {"id": "p", "variables": {"x": {1, 2}}}}, ["model_settings.prompt: expected what JSON can hold"]),
        ({"instructions": "\ud800"}, ["model_settings.instructions: expected what JSON can hold"]),
        ({"type": "transcription"}, ["model_settings.type: expected 'realtime', got 'transcription'"]),
        (
            {"voice": "a", "audio": {"output": {"voice": "b"}}},
            ["model_settings.voice: 'a' (a string) disagrees with model_settings.audio.output.voice, 'b' (a string)"],
        ),
        ({"model": "a", "model_name": "b"}, ["model_settings.model_name: 'b'", "disagrees with model_settings.model"]),
        ({1: 2}, ["model_settings.1: unknown key"]),
        (5, ["model_settings: expected model settings or a mapping, got 5 (an integer)"]),
        ("voice", ["model_settings: expected model settings or a mapping, got 'voice' (a string)"]),
    ],
)
def test_refusal(settings: Any, words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        session_settings(settings)
    for word in words:
        assert word in str(caught.value)


def test_settings_that_contain_themselves() -> None:
    loop: dict[str, Any] = {}
    loop["tracing"] = {"metadata": loop}
    with pytest.raises(SettingsError, match="nested too deeply"):
        session_settings(loop)


@pytest.mark.parametrize("depth", range(230, 260, 2))
def test_what_is_accepted_can_be_sent(depth: int) -> None:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    try:
        session = session_settings({"tools": [{"type": "function", "name": "f", "parameters": {"x": value}}]})
    except SettingsError:
        return
    encode_client(SessionUpdate(session))


def test_the_error_is_misuse_and_a_value_error() -> None:
    with pytest.raises(SettingsError, match="speed") as caught:
        RealtimeModelSettings(speed=9)
    assert isinstance(caught.value, Misuse)
    assert isinstance(caught.value, ValueError)


def test_the_path_starts_where_the_settings_were_given() -> None:
    with pytest.raises(SettingsError, match=r"^initial_model_settings\.speed:"):
        session_settings({"speed": 9}, "initial_model_settings")


def test_secrets_are_not_shown() -> None:
    tool = {"type": "mcp", "server_label": "x", "authorization": ["Bearer secret"]}
    with pytest.raises(SettingsError) as caught:
        session_settings({"tools": [tool]})
    assert "secret" not in str(caught.value)


@given(st.data(), wire.sessions())
def test_damaged_settings_are_accepted_or_refused(data: st.DataObject, session: Session) -> None:
    settings = orjson.loads(encode_client(SessionUpdate(session)))["session"]
    try:
        accepted = session_settings(data.draw(damage.damaged_values(settings)))
    except SettingsError:
        return
    if {format_of(side) for side in (accepted.audio_input, accepted.audio_output)} - {PCM16, G711_ULAW, G711_ALAW}:
        return  # the rates of PCM that other servers take
    assert decode_client(encode_client(SessionUpdate(accepted))) == SessionUpdate(accepted)


# ------------------------------------------------------------------------------------------------ extra keys
def test_extra_keys() -> None:
    extra = {"audio": {"input": {"foo": 1}}, "resumption": {"enabled": True}, "nothing": None}
    wanted = Session(audio=Audio(output=AudioOutput(voice="ash")), extra=extra)
    for given_settings in (
        {"voice": "ash", "extra": extra},
        MappingProxyType({"audio": {"output": {"voice": "ash"}}, "extra": MappingProxyType(extra)}),
        RealtimeModelSettings(voice="ash", extra=extra),
        Session(audio=Audio(output=AudioOutput(voice="ash")), extra=extra),
    ):
        session = session_settings(given_settings)
        assert session == wanted
        sent = orjson.loads(encode_client(SessionUpdate(session)))["session"]
        assert sent == {
            "type": "realtime",
            "audio": {"output": {"voice": "ash"}, "input": {"foo": 1}},
            "resumption": {"enabled": True},
            "nothing": None,
        }
        assert session_settings(session) == session


@pytest.mark.parametrize("extra", [None, {}, UNSET])
def test_no_extra_keys(extra: Any) -> None:
    assert session_settings({"extra": extra}) == Session()


@pytest.mark.parametrize(
    "settings",
    [
        {"turn_detection": {"type": "server_vad", "threshold": 0.5}},
        {"audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 0.5}}}},
    ],
)
def test_extra_keys_inside_of_published_objects(settings: dict[str, Any]) -> None:
    extra = {"audio": {"input": {"turn_detection": {"type": "server_vad", "interrupt_min_ms": 200}}}}
    sent = orjson.loads(encode_client(SessionUpdate(session_settings({**settings, "extra": extra}))))
    assert sent["session"]["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "interrupt_min_ms": 200,
    }


def test_extra_keys_where_the_published_form_is_too_narrow() -> None:
    voice = {"type": "azure-standard", "name": "en-US-AvaNeural"}
    sent = session_settings({"extra": {"audio": {"output": {"voice": voice, "speed": 3}}, "modalities": ["text", "x"]}})
    assert orjson.loads(encode_client(SessionUpdate(sent)))["session"] == {
        "type": "realtime",
        "audio": {"output": {"voice": voice, "speed": 3}},
        "modalities": ["text", "x"],
    }


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"voice": "ash", "extra": {"audio": {"output": {"voice": {"name": "hush"}}}}},
            ["model_settings.extra.audio.output.voice disagrees with model_settings.audio.output.voice"],
        ),
        (
            {"turn_detection": None, "extra": {"audio": {"input": {"turn_detection": {"type": "hush"}}}}},
            ["model_settings.extra.audio.input.turn_detection disagrees with"],
        ),
        (
            {"speed": 1.0, "extra": {"audio": {"output": {"speed": 3, "voice": "hush"}}}},
            ["model_settings.extra.audio.output.speed disagrees with"],
        ),
        ({"audio": {"input": {}}, "extra": {"audio": "hush"}}, ["model_settings.extra.audio disagrees with"]),
        ({"extra": ["hush"]}, ["model_settings.extra: expected an object"]),
        ({"extra": {1: "hush"}}, ["model_settings.extra: expected a string as key"]),
        ({"extra": {"x": {2: "hush"}}}, ["model_settings.extra: expected what JSON can hold, got an object"]),
        ({"extra": {"x": {"hush"}}}, ["model_settings.extra: expected what JSON can hold, got an object"]),
        ({"extar": {}}, ["model_settings.extar: unknown key", "did you mean 'extra'?"]),
        ({"turn_detecton": {}, "extra": {"x": 1}}, ["model_settings.turn_detecton", "did you mean 'turn_detection'?"]),
        ({"zzz": 1}, ["model_settings.zzz: unknown key", "valid keys: ", "goes under 'extra'"]),
        ({"audio": {"input": {"zzz": 1}}}, ["model_settings.audio.input.zzz", "goes under 'extra'"]),
        ({"audio": {"extra": {}}}, ["model_settings.audio.extra: unknown key", "goes under 'extra'"]),
        (
            {"extra": {"audio": {"output": {"format": {"type": "audio/pcm", "rate": 8000}}}}},
            ["model_settings.extra.audio.output.format", "give it as model_settings.audio.output.format"],
        ),
        ({"extra": {"audio": {"input": {"format": "opus"}}}}, ["give it as model_settings.audio.input.format"]),
        (
            {"extra": {"audio": {"input": {"format": {"type": "audio/opus"}}}}},
            ["model_settings.extra.audio.input.format"],
        ),
    ],
)
def test_extra_keys_that_are_refused(settings: Any, words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        session_settings(settings)
    for word in words:
        assert word in str(caught.value)
    assert "hush" not in str(caught.value)


def test_an_extra_key_of_a_format_leaves_the_format_alone() -> None:
    extra = {"audio": {"input": {"format": {"channels": 1}}, "output": {"format": {"rate": 8000}}}}
    session = session_settings({"input_audio_format": "pcm16", "output_audio_format": "g711_ulaw", "extra": extra})
    sent = orjson.loads(encode_client(SessionUpdate(session)))["session"]["audio"]
    assert sent["input"]["format"] == {"type": "audio/pcm", "rate": 24000, "channels": 1}
    assert sent["output"]["format"] == {"type": "audio/pcmu", "rate": 8000}
