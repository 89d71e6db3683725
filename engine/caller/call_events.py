"""What a call knows beyond its session: what the caller really did, and what really came out of the player.

A session's events say what the server heard and sent. Honest times need the other ends too: the moment at which the
caller's voice began and ended, and the moments at which the agent's became audible and fell silent. Everybody who
watches a call (screen, transcript, recording, table) gets both kinds as one stream.

``at_ns`` is on the session's clock. Those of the caller's voice are moments in the audio itself: they may lie up to
one frame (20 ms) before the event.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import attrs

from engine.events import RealtimeSessionEvent
from engine.latency.turns import Purpose
from engine.wire.formats import PCM16, AudioFormat


@attrs.frozen(kw_only=True)
class CallBegan:
    """The connection stands and the line is open."""

    type: ClassVar[Literal["call_began"]] = "call_began"
    at_ns: int
    """The first sample of the recording."""
    agent: str
    model: str
    wall_clock: str
    """Local time, ISO 8601."""
    output_format: AudioFormat = PCM16
    """Of the agent's audio."""
    schema: int = 1
    """Of the JSON lines; counts up when a field changes its meaning."""


@attrs.frozen(kw_only=True)
class CallerSpeechBegan:
    """The first audible sample of something the caller says."""

    type: ClassVar[Literal["caller_speech_began"]] = "caller_speech_began"
    at_ns: int
    text: str | None
    """What is being said, if that is known."""
    purpose: Purpose = "turn"
    """What the caller means by it."""


@attrs.frozen(kw_only=True)
class CallerSpeechEnded:
    """The last audible sample of it."""

    type: ClassVar[Literal["caller_speech_ended"]] = "caller_speech_ended"
    at_ns: int


@attrs.frozen(kw_only=True)
class CallerTyped:
    """The caller sent a line of text instead."""

    type: ClassVar[Literal["caller_typed"]] = "caller_typed"
    at_ns: int
    text: str


@attrs.frozen(kw_only=True)
class PlaybackStarted:
    """The first sample of one of the agent's items reaches the ear, audible or not."""

    type: ClassVar[Literal["playback_started"]] = "playback_started"
    at_ns: int
    response_id: str
    item_id: str


@attrs.frozen(kw_only=True)
class PlaybackStalled:
    """There was nothing to play in the middle of an item; now there is."""

    type: ClassVar[Literal["playback_stalled"]] = "playback_stalled"
    at_ns: int
    response_id: str
    item_id: str
    silent_ms: float
    """For how long."""


@attrs.frozen(kw_only=True)
class PlaybackBegan:
    """The first audible sample of one of the agent's items reaches the ear."""

    type: ClassVar[Literal["playback_began"]] = "playback_began"
    at_ns: int
    response_id: str
    item_id: str


@attrs.frozen(kw_only=True)
class PlaybackEnded:
    """The last sample of an item was played, or playback was cut."""

    type: ClassVar[Literal["playback_ended"]] = "playback_ended"
    at_ns: int
    response_id: str
    item_id: str
    played_ms: int
    interrupted: bool
    silent_ms: float = 0.0
    """For how long nothing audible had been played by then: who is cut in a pause has fallen silent before."""


@attrs.frozen(kw_only=True)
class CallNote:
    """Something that whoever watches the call should know."""

    type: ClassVar[Literal["call_note"]] = "call_note"
    at_ns: int
    text: str


@attrs.frozen(kw_only=True)
class CallEnded:
    """Nothing follows."""

    type: ClassVar[Literal["call_ended"]] = "call_ended"
    at_ns: int
    reason: str


OwnEvent = (
    CallBegan
    | CallerSpeechBegan
    | CallerSpeechEnded
    | CallerTyped
    | PlaybackStarted
    | PlaybackStalled
    | PlaybackBegan
    | PlaybackEnded
    | CallNote
    | CallEnded
)
CallEvent = RealtimeSessionEvent | OwnEvent

Tell = Callable[[CallEvent], None]
"""Whoever wants to know of a call's events is such a function."""
