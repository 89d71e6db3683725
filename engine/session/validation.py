"""Acceptance: what an application gives to a session is checked in the call that gives it.

Whatever passed here can be sent; what cannot would otherwise fail later, in a task of the session, and end it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from engine._messages import show, write_path
from engine.agents.guardrail import OutputGuardrail
from engine.agents.tool import FunctionTool
from engine.errors import MessageError, SettingsError
from engine.mailboxes.playback_reports import RealtimePlaybackTracker
from engine.models.interface import ModelCapabilities
from engine.settings import ModelSettings, merge, session_settings
from engine.settings.checking import check
from engine.wire.client_events import ClientEvent, ResponseCreate
from engine.wire.codec import encode_client
from engine.wire.converter import converter
from engine.wire.extra import find_disagreement
from engine.wire.formats import PCM16, AudioFormat
from engine.wire.response import ResponseAudio, ResponseAudioOutput, ResponseParams
from engine.wire.session import Session
from engine.wire.struct import UNSET, evolve

E = TypeVar("E", bound=ClientEvent)


def sendable(event: E) -> E:
    """The event, if it can be written at all.

    Raises:
        MessageError: it has no JSON form.
    """
    try:
        encode_client(event)
    except RecursionError:
        raise MessageError("the event cannot be made into JSON: it is nested too deep, or holds itself") from None
    except (TypeError, ValueError) as error:
        raise MessageError(f"the event cannot be made into JSON: {error}") from error
    return event


def usable_format(audio_format: object, capabilities: ModelCapabilities, path: str) -> None:
    """Make sure that the server takes PCM at the rate of a format. `path` is where the format was given.

    Raises:
        SettingsError: it does not.
    """
    if not isinstance(audio_format, AudioFormat) or audio_format.type != PCM16.type:
        return
    if audio_format.rate not in capabilities.pcm_rates:
        rates = " or ".join(str(rate) for rate in sorted(capabilities.pcm_rates)) or "no rate"
        raise SettingsError(
            f"{path}.rate: the model's server takes PCM at {rates}, not at {audio_format.rate}: resample the audio, "
            f"or, if the server takes this rate, give the model ModelCapabilities(pcm_rates={{{audio_format.rate}}})"
        )


def usable_formats(session: Session, capabilities: ModelCapabilities, name: str = "model_settings") -> None:
    """Make sure that the server takes the formats of both sides. Raises SettingsError."""
    usable_format(session.audio_input.format, capabilities, f"{name}.audio.input.format")
    usable_format(session.audio_output.format, capabilities, f"{name}.audio.output.format")


def response_params(params: ResponseParams, capabilities: ModelCapabilities) -> ResponseParams:
    """Return the options of a response, if they can be asked for.

    Raises:
        MessageError: they have no JSON form.
        SettingsError: one of them is not what the protocol allows; `extra` has what the engine has to know, or gives an
            option that is given already another value; or the server does not take the audio format.
    """
    if not isinstance(params, ResponseParams):
        raise SettingsError(f"params: expected ResponseParams, not {type(params).__name__}")
    sendable(ResponseCreate(params))
    published = converter.unstructure(evolve(params, extra=UNSET))
    check(published, ResponseParams, ("params",))
    if isinstance(params.audio, ResponseAudio) and isinstance(params.audio.output, ResponseAudioOutput):
        usable_format(params.audio.output.format, capabilities, "params.audio.output.format")
    if params.extra:
        for known in ("conversation", "metadata", "input"):
            if known in params.extra:
                raise SettingsError(f"params.extra.{known}: the engine has to know this: give it as params.{known}")
        if (path := find_disagreement(published, params.extra)) is not None:
            where = write_path(path)
            raise SettingsError(f"params.extra.{where} disagrees with params.{where}: give one of them")
    return params


def settings_change(
    settings: ModelSettings | None, changes: Mapping[str, object], capabilities: ModelCapabilities
) -> Session:
    """Return the settings that an application changes in mid-call. Raises SettingsError."""
    name = "update_settings"
    changed = merge(session_settings(settings, name), session_settings(changes, name))
    for key in ("model", "instructions", "tools", "prompt"):
        if getattr(changed, key) is not UNSET:
            way = "open another session" if key == "model" else "use session.update_agent()"
            raise SettingsError(f"{name}.{key}: cannot be changed here: {way}")
    usable_formats(changed, capabilities, name)
    if changed == Session():
        raise SettingsError(f"{name}: there is nothing to change")
    return changed


def response_metadata(given: object) -> dict[str, str]:
    """Return the metadata of a response. Raises SettingsError if it is no mapping, MessageError if it has no text."""
    if not isinstance(given, Mapping):
        raise SettingsError(f"respond: metadata: expected a mapping of text to text, not {type(given).__name__}")
    for key, value in given.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise MessageError(f"respond: metadata[{show(key)}]: expected text, not {type(value).__name__}")
    return dict(given)


def response_tools(given: Sequence[object]) -> tuple[FunctionTool, ...]:
    """The tools of one response. Raises SettingsError."""
    if not isinstance(given, Sequence) or isinstance(given, str | bytes):
        raise SettingsError(f"respond: tools: expected a sequence of tools, not {type(given).__name__}")
    for at, tool in enumerate(given):
        if not isinstance(tool, FunctionTool):
            hint = "; decorate it with @function_tool" if callable(tool) else ""
            raise SettingsError(f"respond: tools[{at}]: expected a FunctionTool, not {type(tool).__name__}{hint}")
    return tuple(tool for tool in given if isinstance(tool, FunctionTool))


def run_guardrails(given: Sequence[object]) -> tuple[OutputGuardrail, ...]:
    """The output guardrails of a run. Raises SettingsError."""
    for at, guardrail in enumerate(given):
        if not isinstance(guardrail, OutputGuardrail):
            raise SettingsError(
                f"run_config.output_guardrails[{at}]: expected an output guardrail, not {type(guardrail).__name__}; "
                "decorate the function with @output_guardrail"
            )
    return tuple(guardrail for guardrail in given if isinstance(guardrail, OutputGuardrail))


def playback_tracker(given: object) -> RealtimePlaybackTracker:
    """The application's tracker, or a new one. Raises SettingsError."""
    if given is None:
        return RealtimePlaybackTracker()
    if not isinstance(given, RealtimePlaybackTracker):
        raise SettingsError(
            f"model_config.playback_tracker: expected a RealtimePlaybackTracker, not {type(given).__name__}"
        )
    return given
