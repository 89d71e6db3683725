"""What the conversation machine asks of its shell, and what the shell's workers report back.

Effects go out in order. `Send` is an event for the client; the others start or stop work that takes time:
recognising, deciding what to say, saying it. Each piece of work belongs to an item or a response, and its
report names it.
"""

from __future__ import annotations

import attrs

from engine.local.conversation.replies import PromptContext, Reply
from engine.wire.server_events import KnownServerEvent


# ---------------------------------------------------------------------------------------------- effects
@attrs.frozen
class Send:
    """An event for the client."""

    event: KnownServerEvent


@attrs.frozen
class Hear:
    """Find out what was said in a user's item. Answered by `SpeechRecognized`.

    `pcm` is mono 16-bit at 24 kHz.
    """

    item_id: str
    pcm: bytes


@attrs.frozen
class GenerateReply:
    """Decide on the reply. Answered by `ReplyReady` or `ReplyFailed`."""

    response_id: str
    context: PromptContext


@attrs.frozen
class Speak:
    """Say `text`. Answered by any number of `SpeechSynthesized`, the last of which says so, or by `SpeakingFailed`."""

    response_id: str
    output_index: int
    text: str
    voice: str
    speed: float


@attrs.frozen
class Stop:
    """Whatever is being generated or said for this response is not wanted any more."""

    response_id: str


@attrs.frozen
class CloseConnection:
    """Close the connection, after everything sent before."""

    code: int
    reason: str


Effect = Send | Hear | GenerateReply | Speak | Stop | CloseConnection


# ---------------------------------------------------------------------------------------------- reports
@attrs.frozen
class SpeechRecognized:
    """What was said in a user's item. None: it was not understood."""

    item_id: str
    text: str | None


@attrs.frozen
class ReplyReady:
    """The reply of a response."""

    response_id: str
    reply: Reply


@attrs.frozen
class ReplyFailed:
    """There is no reply: the response fails with this error."""

    response_id: str
    type: str
    code: str | None
    message: str


@attrs.frozen
class SpeechSynthesized:
    """The next audio of an output item (mono 16-bit PCM at 24 kHz). `last`: there is no more of it."""

    response_id: str
    output_index: int
    pcm: bytes
    last: bool


@attrs.frozen
class SpeakingFailed:
    """The rest of a response cannot be spoken: it fails with this message."""

    response_id: str
    message: str


Report = SpeechRecognized | ReplyReady | ReplyFailed | SpeechSynthesized | SpeakingFailed
