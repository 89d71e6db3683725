"""Acceptance: what an application gives to a session is checked in the call that gives it.

Whatever passed here can be sent; what cannot would otherwise fail later, in a task of the session, and end it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from engine.agents.guardrail import OutputGuardrail
from engine.agents.tool import FunctionTool
from engine.errors import AudioError, MessageError, SettingsError
from engine.mailboxes.playback_reports import RealtimePlaybackTracker
from engine.wire.client_events import ClientEvent
from engine.wire.codec import encode_client

E = TypeVar("E", bound=ClientEvent)


def audio_bytes(audio: object) -> bytes:
    """A bytearray, a memoryview or an array as bytes. A number is not: `bytes(9)` would be nine bytes of silence.

    Raises:
        AudioError: it is none of these.
    """
    if isinstance(audio, bytes):
        return audio
    try:
        return bytes(memoryview(audio))  # type: ignore[arg-type]
    except TypeError:
        raise AudioError(f"audio is bytes, not {type(audio).__name__}") from None


def sendable(event: E) -> E:
    """The event, if it can be written at all.

    Raises:
        MessageError: it has no JSON form.
    """
    try:
        encode_client(event)
    except (TypeError, ValueError) as error:
        raise MessageError(f"the event cannot be made into JSON: {error}") from error
    return event


def response_tools(given: Sequence[object]) -> tuple[FunctionTool, ...]:
    """The tools of one response. Raises SettingsError."""
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
