"""What a confirmation says otherwise than was asked: formats, voice, modalities, turn detection, tools.

    setting                    differs where
    audio.*.format             another type, or another rate where the server names one
    audio.output.voice         another name (upper and lower case are the same)
    output_modalities          speech was asked for and there is none, or the other way round
    audio.input.turn_detection on instead of off or the other way round, another type, or another value of a key that
                               was asked for; what else the server fills in is no difference
    tools                      another set of names

A confirmation that leaves a setting out says nothing about it; so does null, but for turn detection, where it means
off. Settings of a shape that is not known cannot be compared, and nobody can differ from what was not asked for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import attrs

from engine.errors import SettingDifference
from engine.wire.formats import PCM_OF_UNNAMED_RATE, AudioFormat
from engine.wire.session import (
    AudioInput,
    AudioOutput,
    FunctionToolDefinition,
    McpTool,
    SemanticVad,
    ServerVad,
    Session,
    ToolDefinition,
    TurnDetection,
    UnknownSetting,
    VoiceId,
)
from engine.wire.struct import UNSET, UnsetType

_Side = AudioInput | AudioOutput

OFF = "off"
_CLOSE = 1e-4
"""Servers keep numbers in single precision: 0.6 comes back as 0.6000000238."""


def differences(asked: Session, confirmed: Session) -> tuple[SettingDifference, ...]:
    """Return every setting of `asked` that `confirmed` contradicts, in the order of the table."""
    return tuple(_differences(asked, confirmed))


def _differences(asked: Session, confirmed: Session) -> Iterator[SettingDifference]:
    user, said_of_user = asked.audio_input, confirmed.audio_input
    agent, said_of_agent = asked.audio_output, confirmed.audio_output
    yield from _format("audio.input.format", user, said_of_user)
    yield from _format("audio.output.format", agent, said_of_agent)
    if not same_voice(agent.voice, said_of_agent.voice):
        yield SettingDifference("audio.output.voice", _text(agent.voice), _text(said_of_agent.voice))
    wanted, used = asked.output_modalities, confirmed.output_modalities
    if wanted and used and ("audio" in wanted) is not ("audio" in used):
        yield SettingDifference("output_modalities", ", ".join(wanted), ", ".join(used))
    yield from _detection(user.turn_detection, said_of_user.turn_detection)
    if isinstance(asked.tools, tuple) and isinstance(confirmed.tools, tuple):
        yield from _tools(asked.tools, confirmed.tools)


# --- formats and voices


def _format(
    path: str, asked: AudioInput | AudioOutput, confirmed: AudioInput | AudioOutput
) -> Iterator[SettingDifference]:
    wanted, used = asked.format, confirmed.format
    if isinstance(wanted, AudioFormat) and isinstance(used, AudioFormat) and said_format(wanted, used) != wanted:
        yield SettingDifference(path, format_text(wanted), format_text(used))


def said_format(known: AudioFormat | UnknownSetting | UnsetType | None, said: AudioFormat) -> AudioFormat:
    """Return the format that a confirmation means: the known one where it only names the same type without a rate."""
    if said is PCM_OF_UNNAMED_RATE and isinstance(known, AudioFormat) and known.type == said.type:
        return known
    return said


def format_text(audio_format: AudioFormat) -> str:
    """Return a format in words: PCM with its rate, which G.711 need not name."""
    if audio_format == AudioFormat(audio_format.type) and not audio_format.type.endswith("pcm"):
        return audio_format.type
    return f"{audio_format.type} at {audio_format.rate}"


def same_voice(asked: object, confirmed: object) -> bool:
    """Return whether a confirmed voice is no other than the one asked for, as far as both can be told."""
    wanted, used = _voice_name(asked), _voice_name(confirmed)
    return wanted is None or used is None or wanted.casefold() == used.casefold()


def _voice_name(voice: object) -> str | None:
    if isinstance(voice, VoiceId):
        return voice.id
    return voice if isinstance(voice, str) else None


# --- turn detection


def detection_is_off(detection: TurnDetection | UnsetType | None) -> bool:
    """Return whether this means no turn detection; some servers write it as an object whose type is null."""
    if isinstance(detection, UnknownSetting):
        return isinstance(detection.raw, Mapping) and detection.raw.get("type", "") in (None, "none")
    return detection is None


def _detection(
    asked: TurnDetection | UnsetType | None, confirmed: TurnDetection | UnsetType | None
) -> Iterator[SettingDifference]:
    path = "audio.input.turn_detection"
    wanted, used = _detection_name(asked), _detection_name(confirmed)
    if wanted is None or used is None:
        return
    if wanted != used:
        yield SettingDifference(path, wanted, used)
        return
    for field in attrs.fields(type(asked)) if isinstance(asked, ServerVad | SemanticVad) else ():
        value, said = getattr(asked, field.name), getattr(confirmed, field.name)
        if value in (UNSET, None) or said is UNSET or _same(value, said):
            continue
        yield SettingDifference(f"{path}.{field.name}", _text(value), _text(said))


def _detection_name(detection: TurnDetection | UnsetType | None) -> str | None:
    """Return the kind of detection; None where nothing is said, or what is not understood."""
    if detection_is_off(detection):
        return OFF
    return detection.type if isinstance(detection, ServerVad | SemanticVad) else None


def _same(value: object, said: object) -> bool:
    if isinstance(value, float) and isinstance(said, int | float) and not isinstance(said, bool):
        return math.isclose(value, said, rel_tol=_CLOSE)
    return value == said


# --- tools


def _tools(asked: Iterable[ToolDefinition], confirmed: Iterable[ToolDefinition]) -> Iterator[SettingDifference]:
    wanted, used = {_tool_name(tool) for tool in asked}, {_tool_name(tool) for tool in confirmed}
    missing = wanted - used if None not in used else set()
    if missing - {None} or used - wanted - {None}:
        yield SettingDifference("tools", _names(wanted), _names(used))


def _tool_name(tool: ToolDefinition) -> str | None:
    """Return the name to compare a tool by, or None. Some servers nest a function within its definition."""
    match tool:
        case FunctionToolDefinition():
            return tool.name
        case McpTool():
            return f"mcp:{tool.server_label}"
    raw = tool.raw if isinstance(tool.raw, Mapping) else {}
    nested = raw.get(FunctionToolDefinition.type)
    name = (nested if isinstance(nested, Mapping) else raw).get("name")
    return name if raw.get("type") == FunctionToolDefinition.type and isinstance(name, str) else None


def _names(names: Iterable[str | None]) -> str:
    return ", ".join(sorted(name for name in names if name is not None)) or "none"


def _text(value: object) -> str:
    if isinstance(value, VoiceId):
        return value.id
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
