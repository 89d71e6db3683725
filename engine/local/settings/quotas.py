"""What one client may ask of the local model, and what happens when it asks for more.

quota                  when it is reached
`event_values`         `error` event `event_above_max_values`; nothing of the event is done
`text_characters`      `error` event `string_above_max_length`; nothing of the event is done
`tools`                `error` event `array_above_max_length`; nothing of the event is done
`input_items`          the same
`content_parts`        the same
`item_audio_bytes`     `error` event `string_above_max_length`; nothing of the event is done
`items`                `error` event `conversation_above_max_items`; no item is made until one was deleted
`kept_characters`      `error` event `conversation_above_max_length`; the same
`responses`            `error` event `rate_limit_exceeded`; no response begins until one has ended
`reply_characters`     the reply is cut there, and the response ends `incomplete` (`max_output_tokens`)
`reply_parts`          the same, for further messages and calls of one reply
`spoken_characters`    a longer sentence is spoken in several pieces
`utterance_seconds`    a longer utterance is not understood
`events_at_once`       further events wait: the client's socket is read at `events_per_second`

Besides, `LocalOptions` bounds the audio that waits for a commit, and the audio that is kept of items.
"""

from __future__ import annotations

import attrs

_positive = attrs.validators.gt(0)
_positive_seconds = attrs.validators.gt(0.0)


@attrs.frozen(kw_only=True)
class Quotas:
    """How much one client may ask for."""

    event_values: int = attrs.field(default=20_000, validator=_positive)
    """Values in one event, counted by commas and opening brackets."""
    text_characters: int = attrs.field(default=100_000, validator=_positive)
    """Characters of all texts in one event; audio and images are no texts."""
    tools: int = attrs.field(default=128, validator=_positive)
    """Tools of a session or a response."""
    input_items: int = attrs.field(default=128, validator=_positive)
    """Items in the input of a response."""
    content_parts: int = attrs.field(default=64, validator=_positive)
    """Parts of one message."""
    item_audio_bytes: int = attrs.field(default=15 * 2**20, validator=_positive)
    """Bytes of audio in the items of one event."""
    items: int = attrs.field(default=5_000, validator=_positive)
    """Items in the conversation."""
    kept_characters: int = attrs.field(default=32 * 2**20, validator=_positive)
    """Characters in the items that the client created, images included."""
    responses: int = attrs.field(default=64, validator=_positive)
    """Responses that run at once, outside the conversation or in it."""
    reply_characters: int = attrs.field(default=8_000, validator=_positive)
    """Characters of one reply: its messages, names and arguments of its calls."""
    reply_parts: int = attrs.field(default=16, validator=_positive)
    """Messages and calls in one reply."""
    spoken_characters: int = attrs.field(default=300, validator=_positive)
    """Characters that the voice is given at once: the longest that one client keeps another waiting for it."""
    utterance_seconds: float = attrs.field(default=30.0, validator=_positive_seconds)
    """Seconds of audio in an utterance that is heard: the longest that one client keeps another waiting to be heard."""
    events_at_once: int = attrs.field(default=5_000, validator=_positive)
    """Events that a client may send without a pause."""
    events_per_second: float = attrs.field(default=1000.0, validator=_positive_seconds)
    """Events that a client may send each second, beyond that. Audio in pieces of 20 ms is 50."""


USUAL_QUOTAS = Quotas()
"""More than any caller needs."""
