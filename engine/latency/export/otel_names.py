"""The names that telemetry conventions have for what a turn holds, by version.

The conventions for generative AI are being renamed and none is stable, and voice is not in any of them yet. So the
log keeps the field's own words, and a name is chosen at export:

- `semconv-1.44`: what `opentelemetry-semantic-conventions` 0.66b2 (schema 1.44.0) has;
- `genai-dev`: the head of open-telemetry/semantic-conventions-genai (schema gen-ai-dev/1.42.0-dev), off by default.

What no convention has (turns, playout, interruptions) is under our own prefix, `engine.`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

PREFIX: Final = "engine."
DEFAULT: Final = "semconv-1.44"


@attrs.frozen(kw_only=True)
class Names:
    """One version of the conventions."""

    schema_url: str
    operation_duration: str
    """Histogram, s: a response from its creation to its end."""
    time_to_first_chunk: str
    """Histogram, s: from the creation of a response to its first output."""
    operation_name: str = "gen_ai.operation.name"
    provider: str = "gen_ai.provider.name"
    model: str = "gen_ai.request.model"
    conversation: str = "gen_ai.conversation.id"
    output_type: str = "gen_ai.output.type"
    response_id: str = "gen_ai.response.id"
    finish_reasons: str = "gen_ai.response.finish_reasons"
    input_tokens: str = "gen_ai.usage.input_tokens"
    output_tokens: str = "gen_ai.usage.output_tokens"
    input_audio_tokens: str = PREFIX + "usage.audio.input_tokens"
    output_audio_tokens: str = PREFIX + "usage.audio.output_tokens"
    tool_name: str = "gen_ai.tool.name"
    tool_call_id: str = "gen_ai.tool.call.id"
    error_type: str = "error.type"


VERSIONS: Final[Mapping[str, Names]] = MappingProxyType(
    {
        DEFAULT: Names(
            schema_url="https://opentelemetry.io/schemas/1.44.0",
            operation_duration="gen_ai.client.operation.duration",
            time_to_first_chunk="gen_ai.client.operation.time_to_first_chunk",
        ),
        "genai-dev": Names(
            schema_url="https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev",
            operation_duration="gen_ai.client.inference.duration",
            time_to_first_chunk="gen_ai.client.inference.time_to_first_chunk",
            input_audio_tokens="gen_ai.usage.audio.input_tokens",
            output_audio_tokens="gen_ai.usage.audio.output_tokens",
        ),
    }
)
