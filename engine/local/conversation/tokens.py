"""Text cut into the pieces a model would write it in, and how many tokens text and audio count for.

The pieces are words with their leading space, runs of up to three digits, and single signs: what the
service's deltas look like. They join to the text again, exactly.
"""

from __future__ import annotations

import re

_PIECE = re.compile(r" ?[^\W\d_]{1,12}|\d{1,3}|\s+|[^\s]", re.UNICODE)
USER_AUDIO_TOKENS_PER_S = 10
"""One token for 100 ms of the user's audio, as the service's price guide says."""
ASSISTANT_AUDIO_TOKENS_PER_S = 20
"""One token for 50 ms of the assistant's audio."""


def pieces(text: str) -> list[str]:
    """Cut `text` into deltas."""
    return _PIECE.findall(text)


def text_tokens(text: str) -> int:
    """How many tokens `text` counts for: its pieces."""
    return len(_PIECE.findall(text))


def user_audio_tokens(ms: int) -> int:
    """How many tokens `ms` of the user's audio count for, begun hundreds of milliseconds not counted."""
    return ms * USER_AUDIO_TOKENS_PER_S // 1000


def assistant_audio_tokens(ms: int) -> int:
    """How many tokens `ms` of the assistant's audio count for, rounded up."""
    return -(-ms * ASSISTANT_AUDIO_TOKENS_PER_S // 1000)
