"""What a response is made of, and what is known when it is decided: the language between the machine and a
responder.

A responder is anything that turns a `PromptContext` into a `Reply`: the dialogue description, a chat-completions
endpoint, a test's own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from engine.wire.session import FunctionToolDefinition, ToolChoice


# ---------------------------------------------------------------------------------------------- the reply
@attrs.frozen
class SayText:
    """An assistant message."""

    text: str


@attrs.frozen
class CallTool:
    """A function call. `arguments` is JSON text, written to the wire as it stands."""

    name: str
    arguments: str


Reply = tuple[SayText | CallTool, ...]
"""The output items of a response, in order. Empty: the response has no output."""


# ---------------------------------------------------------------------------------------------- the context
@attrs.frozen
class HistoryLine:
    """Something said or written in the conversation.

    `text` is None for speech that was not understood, and for assistant audio whose transcript a truncation
    removed. `spoken` tells speech from typed text; `images` counts the pictures sent with it.
    """

    role: str
    text: str | None
    spoken: bool = False
    images: int = 0


@attrs.frozen
class Called:
    """A function call made earlier."""

    call_id: str
    name: str
    arguments: str


@attrs.frozen
class Answered:
    """The output of a function call."""

    call_id: str
    output: str


@attrs.frozen
class PromptContext:
    """Everything a responder may look at."""

    instructions: str
    tools: tuple[FunctionToolDefinition, ...]
    tool_choice: ToolChoice
    history: tuple[HistoryLine | Called | Answered, ...]
    """The conversation, oldest first, as far back as the machine shows it."""
    audio: bool = True
    """Whether the reply will be spoken."""
    parallel_calls: bool = True


class NoReply(Exception):
    """A responder has no reply: the response fails with this error."""

    def __init__(self, message: str, *, code: str | None = "server_error", type_: str = "server_error") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.type = type_


Responder = Callable[[PromptContext], Awaitable[Reply]]
"""Decides on a reply; raises `NoReply` if there is none. Cancelled when the response is."""
