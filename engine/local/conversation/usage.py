"""What a response is billed for, and what is left of the rate limit.

Input is everything the model reads: instructions, tools and the conversation, by modality; what it read in
the last response of the same session comes from the cache, in steps of 64 tokens, as the service's numbers
do.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import orjson

from engine.local.conversation.items import ItemEntry
from engine.local.conversation.tokens import assistant_audio_tokens, text_tokens, user_audio_tokens
from engine.wire.items import (
    FunctionCall,
    FunctionCallOutput,
    InputAudio,
    InputImage,
    InputText,
    Message,
    OutputAudio,
    OutputText,
)
from engine.wire.response import CachedTokensDetails, InputTokenDetails, OutputTokenDetails, Usage
from engine.wire.server_events import RateLimit
from engine.wire.session import FunctionToolDefinition, ToolDefinition

_CACHE_STEP = 64
_ITEM_OVERHEAD = 4
"""Text tokens that a message costs beyond its words: the service's smallest turn costs more than its text."""
_IMAGE_TOKENS = {"low": 85}
_IMAGE_TOKENS_OTHERWISE = 765
_TEXTS_KNOWN = 256
_LIMIT = 15_000_000
_REFILL_PER_S = _LIMIT / 60


def input_tokens(
    instructions: str, tools: Iterable[ToolDefinition], entries: Iterable[ItemEntry]
) -> tuple[int, int, int]:
    """Text, audio and image tokens of what a response reads."""
    text = _tokens_known(instructions)
    audio = image = 0
    for tool in tools:
        text += _tool_tokens(tool)
    for entry in entries:
        entry_text, entry_audio, entry_image = _entry_tokens(entry)
        text, audio, image = text + entry_text, audio + entry_audio, image + entry_image
    return text, audio, image


def usage(read: tuple[int, int, int], written: tuple[int, int], *, read_before: int, reasons: bool) -> Usage:
    """The usage of a response.

    Args:
        read: text, audio and image tokens of its input.
        written: text and audio tokens of its output.
        read_before: input tokens of the response before, which may be cached.
        reasons: whether the model counts reasoning tokens.
    """
    text, audio, image = read
    total = text + audio + image
    cached = min(read_before, total) // _CACHE_STEP * _CACHE_STEP
    cached_text = min(cached, text)
    cached_audio = min(cached - cached_text, audio)
    cached_image = cached - cached_text - cached_audio
    details = OutputTokenDetails(*written, reasoning_tokens=0) if reasons else OutputTokenDetails(*written)
    return Usage(
        total_tokens=total + sum(written),
        input_tokens=total,
        output_tokens=sum(written),
        input_token_details=InputTokenDetails(
            text, audio, image, cached, CachedTokensDetails(cached_text, cached_audio, cached_image)
        ),
        output_token_details=details,
    )


def rate_limits(total_tokens: int) -> tuple[RateLimit, ...]:
    """The limits after a response of `total_tokens`: the service tells of tokens only."""
    return (
        RateLimit(
            name="tokens",
            limit=_LIMIT,
            remaining=max(_LIMIT - total_tokens, 0),
            reset_seconds=round(total_tokens / _REFILL_PER_S, 3),
        ),
    )


def _tool_tokens(tool: ToolDefinition) -> int:
    if not isinstance(tool, FunctionToolDefinition):
        return 0
    schema = orjson.dumps(tool.parameters).decode() if tool.parameters else ""
    return text_tokens(tool.name) + _tokens_known(tool.description or "") + _tokens_known(schema)


def typed_tokens(message: Message) -> int:
    """Return how many tokens the typed text of a message counts for."""
    return sum(text_tokens(part.text) for part in message.content if isinstance(part, (InputText, OutputText)))


@lru_cache(maxsize=_TEXTS_KNOWN)
def _tokens_known(text: str) -> int:
    """Return the tokens of a text that every response of a session reads, counted once."""
    return text_tokens(text)


def _entry_tokens(entry: ItemEntry) -> tuple[int, int, int]:
    item = entry.item
    if isinstance(item, FunctionCall):
        return text_tokens(item.name) + text_tokens(item.arguments), 0, 0
    if isinstance(item, FunctionCallOutput):
        return text_tokens(item.output) + _ITEM_OVERHEAD, 0, 0
    if not isinstance(item, Message):
        return 0, 0, 0
    text, audio, image = _ITEM_OVERHEAD, 0, 0
    text += typed_tokens(item) if entry.typed_tokens is None else entry.typed_tokens
    for part in item.content:
        if isinstance(part, InputAudio):
            audio += user_audio_tokens(entry.audio_ms)
        elif isinstance(part, OutputAudio):
            text += 0 if entry.truncated else text_tokens(part.transcript or "")
            audio += assistant_audio_tokens(entry.audio_ms)
        elif isinstance(part, InputImage):
            image += _IMAGE_TOKENS.get(part.detail or "auto", _IMAGE_TOKENS_OTHERWISE)
    return text, audio, image
