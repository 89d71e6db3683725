"""Adding up what responses cost."""

from __future__ import annotations

from engine.wire.response import CachedTokensDetails, InputTokenDetails, OutputTokenDetails, Usage
from engine.wire.struct import UnsetType


def add_usage(a: Usage, b: Usage) -> Usage:
    """The sum of two, by modality."""
    i, j = a.input_token_details, b.input_token_details
    c, d = i.cached_tokens_details, j.cached_tokens_details
    o, p = a.output_token_details, b.output_token_details
    return Usage(
        total_tokens=a.total_tokens + b.total_tokens,
        input_tokens=a.input_tokens + b.input_tokens,
        output_tokens=a.output_tokens + b.output_tokens,
        input_token_details=InputTokenDetails(
            text_tokens=i.text_tokens + j.text_tokens,
            audio_tokens=i.audio_tokens + j.audio_tokens,
            image_tokens=i.image_tokens + j.image_tokens,
            cached_tokens=i.cached_tokens + j.cached_tokens,
            cached_tokens_details=CachedTokensDetails(
                text_tokens=c.text_tokens + d.text_tokens,
                audio_tokens=c.audio_tokens + d.audio_tokens,
                image_tokens=c.image_tokens + d.image_tokens,
            ),
        ),
        output_token_details=OutputTokenDetails(
            text_tokens=o.text_tokens + p.text_tokens,
            audio_tokens=o.audio_tokens + p.audio_tokens,
            reasoning_tokens=_reasoning(o) + _reasoning(p),
        ),
    )


def _reasoning(details: OutputTokenDetails) -> int:
    return 0 if isinstance(details.reasoning_tokens, UnsetType) else details.reasoning_tokens
