"""Model settings as an application writes them, and what they are on the wire.

Two forms are accepted, and mixtures of them: the nested GA form (`audio.input.turn_detection`) and the flat form of the
guide (`turn_detection`). Both become one `engine.wire.session.Session`. The same setting given twice must agree.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import attrs
import orjson

from engine._messages import KeyPath, json_type, suggest, write_path
from engine.errors import SettingsError
from engine.secret.discretion import discreet, discreet_class
from engine.secret.value import Secret, opened
from engine.settings.checking import check, describe_problem, describe_setting, may_be_secret
from engine.wire.beta import SESSION_KEYS
from engine.wire.check import Problem, ProblemKind
from engine.wire.constraints import OneOf
from engine.wire.converter import converter
from engine.wire.extra import Extra, find_disagreement
from engine.wire.formats import FORMAT_NAMES, PCM16, AudioFormat, format_object, parse_format
from engine.wire.session import (
    Audio,
    Includes,
    MaxOutputTokens,
    Modalities,
    NoiseReduction,
    Prompt,
    Reasoning,
    SemanticVad,
    ServerVad,
    Session,
    Speed,
    ToolChoice,
    ToolDefinition,
    Tracing,
    Transcription,
    Truncation,
    TurnDetection,
    Voice,
    sealed_definitions,
)
from engine.wire.struct import UNSET, UnsetType, evolve

_Format = AudioFormat | Annotated[str, OneOf(*FORMAT_NAMES)]


def _sealed_tools(value: Any) -> Any:
    return sealed_definitions(value) if isinstance(value, list | tuple | Mapping) else value


def _sealed_extra(value: Any) -> Any:
    return Extra.of(value) if isinstance(value, Mapping) else value


@discreet_class
@attrs.frozen(kw_only=True)
class RealtimeModelSettings:
    """How the model listens, thinks and speaks. A field that is left `UNSET` keeps the server's default; None is null,
    which turns noise reduction, transcription or turn detection off.

    Formats may be written as "pcm16", "g711_ulaw", "g711_alaw" too; every object may be a plain mapping. Raises
    SettingsError for what `session_settings` would not accept.
    """

    model_name: str | UnsetType | None = UNSET
    model: str | UnsetType | None = UNSET
    instructions: str | UnsetType | None = UNSET
    output_modalities: Modalities | UnsetType | None = UNSET
    modalities: Modalities | UnsetType | None = UNSET
    """As in the beta: `["text", "audio"]` means audio, which always comes with its transcript."""
    voice: Voice | UnsetType | None = UNSET
    speed: Speed | UnsetType | None = UNSET
    input_audio_format: _Format | UnsetType | None = UNSET
    output_audio_format: _Format | UnsetType | None = UNSET
    input_audio_transcription: Transcription | UnsetType | None = UNSET
    input_audio_noise_reduction: NoiseReduction | UnsetType | None = UNSET
    turn_detection: TurnDetection | UnsetType | None = UNSET
    tools: tuple[ToolDefinition, ...] | UnsetType | None = attrs.field(default=UNSET, converter=_sealed_tools)
    """Definitions as on the wire, MCP servers for instance. The tools of an agent are added by the session."""
    tool_choice: ToolChoice | UnsetType | None = UNSET
    parallel_tool_calls: bool | UnsetType | None = UNSET
    reasoning: Reasoning | UnsetType | None = UNSET
    max_output_tokens: MaxOutputTokens | UnsetType | None = UNSET
    tracing: Tracing | UnsetType | None = UNSET
    truncation: Truncation | UnsetType | None = UNSET
    prompt: Prompt | UnsetType | None = UNSET
    include: Includes | UnsetType | None = UNSET
    audio: Audio | UnsetType | None = UNSET
    extra: Mapping[str, object] | UnsetType | None = attrs.field(default=UNSET, converter=_sealed_extra)
    """What only this server knows: keys that are sent as they are, nested like the protocol's, beside those above.
    Extra `tools` are added to the agent's. It wins over what a default or another layer of settings gives a key."""

    def __attrs_post_init__(self) -> None:
        session_settings(self)


ModelSettings = RealtimeModelSettings | Session | Mapping[str, object]
"""What is accepted wherever model settings are asked for."""


_NONE: Final = Session()
_SIDES = ("input", "output")
_UNPUBLISHED = "; a key that only this server knows goes under 'extra'"


@discreet
def session_settings(value: ModelSettings | None, name: str = "model_settings") -> Session:
    """The wire's form of `value`.

    Raises SettingsError with the path (starting with `name`) of the first thing that is wrong: an unknown key, a value
    of the wrong type or out of range, a setting given in both forms with different values, or in `extra` as well.
    """
    if value is None:
        return _NONE
    if isinstance(value, Session):
        value = evolve(value, object=UNSET, id=UNSET, expires_at=UNSET)
    elif not isinstance(value, RealtimeModelSettings | Mapping):
        given = describe_setting(value, secret=may_be_secret(value))
        raise SettingsError(f"{name}: expected model settings or a mapping, got {given}")
    try:
        settings = _plain(value)
        if "tools" in settings:
            settings["tools"] = sealed_definitions(settings["tools"])
    except RecursionError as error:
        raise SettingsError(f"{name}: nested too deeply, or contains itself") from error
    kind = settings.pop("type", Session.type)
    if kind != Session.type:
        raise SettingsError(f"{name}.type: expected '{Session.type}', got {describe_setting(kind)}")
    _spell_out(settings, (name,))
    check(settings, RealtimeModelSettings, (name,), hint=_UNPUBLISHED)
    _check_rates(settings, name)
    _check_json(settings, name)
    extra = settings.pop("extra", None)
    nested = _nested(settings, name)
    if extra:
        _check_extra(opened(extra), nested, name)
    session: Session = converter.structure(nested, Session)
    return evolve(session, extra=Extra(extra)) if extra else session


# ------------------------------------------------------------------------------------------------ to plain values
def _plain(value: Any) -> Any:
    """Attrs instances as what they are on the wire, `UNSET` left out; containers likewise, all of them new."""
    if isinstance(value, AudioFormat):
        return format_object(value)
    if attrs.has(type(value)):
        tag = getattr(type(value), "type", None)
        named = {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}
        kept = {name: _plain(each) for name, each in named.items() if each is not UNSET}
        return {"type": tag, **kept} if isinstance(tag, str) else kept
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items() if each is not UNSET}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


# ------------------------------------------------------------------------------------------------ short spellings
def _spell_out(settings: dict[str, Any], path: KeyPath) -> None:
    """Names of formats become objects, audio with text becomes audio, turn detection gets the type its keys imply."""
    if settings.get("modalities") in (["audio", "text"], ["text", "audio"]):
        settings["modalities"] = ["audio"]
    audio = settings.get("audio")
    nested = audio if isinstance(audio, dict) else {}
    for direction in _SIDES:
        _spell_format(settings, f"{direction}_audio_format", path)
        if isinstance(inner := nested.get(direction), dict):
            _spell_format(inner, "format", (*path, "audio", direction))
    for place in (settings, nested.get("input")):
        detection = place.get("turn_detection") if isinstance(place, dict) else None
        if isinstance(detection, dict) and "type" not in detection:
            detection["type"] = SemanticVad.type if "eagerness" in detection else ServerVad.type


def _spell_format(place: dict[str, Any], key: str, path: KeyPath) -> None:
    value = place.get(key)
    if not isinstance(value, str):
        return
    if value not in FORMAT_NAMES:
        where, names = write_path((*path, key)), ", ".join(FORMAT_NAMES)
        raise SettingsError(
            f"{where}: expected one of {names}, got {describe_setting(value)}{suggest(value, FORMAT_NAMES, '')}"
        )
    place[key] = format_object(FORMAT_NAMES[value])


# ------------------------------------------------------------------------------------------------ flat to nested
_FLAT_KEYS: Mapping[str, tuple[str, ...]] = {
    **{key: path for key, path in SESSION_KEYS.items() if key != "max_response_output_tokens"},
    "model_name": ("model",),
}


def _nested(settings: dict[str, Any], name: str) -> dict[str, Any]:
    nested = {key: value for key, value in settings.items() if key not in _FLAT_KEYS}
    for key in _FLAT_KEYS.keys() & settings.keys():
        _move(settings[key], nested, (name, key), _FLAT_KEYS[key])
    return nested


def _move(value: object, nested: dict[str, Any], flat: KeyPath, path: tuple[str, ...]) -> None:
    place = nested
    for step in path[:-1]:
        if place.get(step) is None:
            place[step] = {}
        place = place[step]
    if path[-1] in place and place[path[-1]] != value:
        given, other = describe_setting(value), describe_setting(place[path[-1]])
        raise SettingsError(
            f"{write_path(flat)}: {given} disagrees with {write_path((flat[0], *path))}, {other}: give one of them"
        )
    place[path[-1]] = value


# ------------------------------------------------------------------------------------------------ further checks
def _check_rates(settings: Mapping[str, Any], name: str) -> None:
    """Check that the rate of PCM, which is up to the server, is a rate."""
    audio = settings.get("audio") or {}
    places: list[tuple[KeyPath, Any]] = []
    for side in _SIDES:
        flat = f"{side}_audio_format"
        places += [((flat,), settings.get(flat)), (("audio", side, "format"), (audio.get(side) or {}).get("format"))]
    for path, value in places:
        rate = value.get("rate") if value else None
        if rate is not None and rate < 1:
            raise SettingsError(describe_problem(Problem(ProblemKind.BELOW, (name, *path, "rate"), rate, limit=1)))


def _check_extra(extra: Mapping[str, Any], nested: Mapping[str, Any], name: str) -> None:
    if (path := find_disagreement(nested, extra)) is not None:
        raise SettingsError(
            f"{write_path((name, 'extra', *path))} disagrees with {write_path((name, *path))}: give one of them"
        )
    for side in _SIDES:
        given, added = _format_in(nested, side), _format_in(extra, side)
        if added is None:
            continue
        counted = PCM16 if given is None else parse_format(given)
        try:
            changed = not isinstance(added, Mapping) or parse_format({**format_object(counted), **added}) != counted
        except ValueError:
            changed = True
        if changed:
            raise SettingsError(
                f"{write_path((name, 'extra', 'audio', side, 'format'))}: the engine counts in this format: give it as "
                f"{write_path((name, 'audio', side, 'format'))}, and only what else the server wants in extra"
            )


def _format_in(settings: Mapping[str, Any], side: str) -> Any:
    place: Any = settings
    for key in ("audio", side):
        place = place.get(key)
        if not isinstance(place, Mapping):
            return None
    return place.get("format")


def _check_json(settings: Mapping[str, object], name: str) -> None:
    """Schemas, prompt variables and trace metadata are open: they must at least have a JSON form."""
    for key, value in settings.items():
        try:
            # In the event it stands up to four levels deeper, and orjson counts levels.
            orjson.dumps([[[[value]]]], default=_for_the_check)
        except TypeError as error:
            given = json_type(value) if key == "extra" else describe_setting(value)
            raise SettingsError(f"{name}.{key}: expected what JSON can hold, got {given}: {error}") from error


def _for_the_check(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"Type is not JSON serializable: {type(value).__name__}")
