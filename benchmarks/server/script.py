"""The events of one assistant turn, in the order of the wire and encoded once for all sessions of a run.

Order and fields are those of recorded conversations: response, item and part events, three transcript deltas ahead of
the first audio, audio and transcript interleaved, the closing events, usage, rate limits. A transcript delta carries
`obfuscation` that pads it to sixteen characters. Ids have the real lengths and differ from turn to turn, because
history grows by them; sessions of one run share them, since no client sees two sessions' wires.
"""

from __future__ import annotations

import base64
import itertools
import math
import struct
from collections.abc import Iterator
from typing import Any, Final

import attrs
import orjson

from benchmarks import stamp
from benchmarks.server.frames import frame, head

BYTES_PER_SECOND: Final = 48_000
WORDS: Final = (
    " the", " order", " will", " arrive", " on", " Thursday", ",", " and", " you", " can", " change", " the",
    " address", " until", " noon", " today", ".", " Is", " there", " anything", " else", " I", " can", " do", "?",
)  # fmt: skip
_PADDING: Final = "kQ7ZbM2xVt9LpRcY"

_numbers = itertools.count(1)


def identity(prefix: str) -> str:
    """An id of the real length: prefix and 21 characters."""
    return f"{prefix}_{next(_numbers):021d}"


def event(kind: str, **fields: Any) -> bytes:
    """One server event as a frame, `type` and `event_id` first as on the wire."""
    return frame(orjson.dumps({"type": kind, "event_id": identity("event"), **fields}))


@attrs.frozen
class AudioDelta:
    """An audio delta but for its stamp: what goes before it on the wire, and what follows."""

    before: bytes
    after: bytes

    def stamped(self, number: int, sent_ns: int, turn: int, flags: int) -> bytes:
        return b"".join((self.before, stamp.encode(number, sent_ns, turn, flags), self.after))


@attrs.frozen
class Turn:
    """What is sent before the first audio, then (audio delta, what follows it) and so on, then the closing events."""

    response_id: str
    item_id: str
    opening: bytes
    deltas: tuple[tuple[AudioDelta, bytes], ...]
    closing: bytes


def speech(nbytes: int) -> bytes:
    """Something like a voice: a gliding tone with a little hiss, 24 kHz PCM16."""
    count = nbytes // 2
    return struct.pack(
        f"<{count}h",
        *(int(6000 * math.sin(n * 0.03 + 2 * math.sin(n * 0.0004)) + (n * 7919) % 601 - 300) for n in range(count)),
    )


class Speech:
    """The constant part of all deltas of one size."""

    def __init__(self, delta_bytes: int) -> None:
        if delta_bytes % 6:
            raise ValueError("a delta must be whole samples and whole groups of base64: a multiple of 6 bytes")
        self.delta_bytes = delta_bytes
        self.tail = base64.b64encode(speech(delta_bytes)[stamp.SIZE :]) + b'"}'
        self.stamp_characters = stamp.SIZE // 3 * 4

    def delta(self, **where: Any) -> AudioDelta:
        begin = orjson.dumps(
            {"type": "response.output_audio.delta", "event_id": identity("event"), **where, "delta": ""}
        )[:-2]
        length = len(begin) + self.stamp_characters + len(self.tail)
        return AudioDelta(head(length) + begin, self.tail)


def obfuscation(delta: str) -> str:
    return _PADDING[: -len(delta) % 16]


def response(
    response_id: str,
    status: str,
    output: list[dict[str, Any]],
    usage: object,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "object": "realtime.response",
        "id": response_id,
        "status": status,
        "status_details": None,
        "output": output,
        "conversation_id": "conv_000000000000000000001",
        "output_modalities": ["audio"],
        "max_output_tokens": "inf",
        "audio": {"output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin"}},
        "usage": usage,
        "metadata": metadata,
    }


def usage(audio_bytes: int, words: int) -> dict[str, Any]:
    """Token counts as the service computes them: an assistant's audio token is 50 ms."""
    audio = audio_bytes * 20 // BYTES_PER_SECOND
    return {
        "total_tokens": 205 + audio + words,
        "input_tokens": 205,
        "output_tokens": audio + words,
        "input_token_details": {
            "text_tokens": 150,
            "audio_tokens": 55,
            "image_tokens": 0,
            "cached_tokens": 128,
            "cached_tokens_details": {"text_tokens": 128, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": words, "audio_tokens": audio},
    }


def rate_limits() -> bytes:
    limit = {"name": "tokens", "limit": 15_000_000, "remaining": 14_999_100, "reset_seconds": 0.004}
    return event("rate_limits.updated", rate_limits=[limit])


def user_turn(previous: str | None, text: str = "When does my order arrive?") -> tuple[str, bytes]:
    """A committed user item with its transcript, as after the end of speech: (item id, frames)."""
    item_id = identity("item")
    item = {
        "id": item_id,
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_audio", "transcript": None}],
    }
    where: dict[str, Any] = {"item_id": item_id, "content_index": 0}
    return item_id, b"".join(
        (
            event("input_audio_buffer.committed", item_id=item_id, previous_item_id=previous),
            event("conversation.item.added", previous_item_id=previous, item=item),
            event("conversation.item.done", previous_item_id=previous, item=item),
            event(
                "conversation.item.input_audio_transcription.completed",
                **where,
                transcript=text,
                usage={"type": "duration", "seconds": 3},
            ),
        )
    )


def words() -> Iterator[str]:
    return itertools.cycle(WORDS)


def spoken_turn(
    voice: Speech,
    deltas: int,
    words_per_second: float = 4.0,
    previous: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Turn:
    """One assistant turn of `deltas` audio deltas, its transcript running three words ahead of its audio.

    `metadata` is what the client's response.create carried; clients find their own response by its echo.
    """
    response_id, item_id = identity("resp"), identity("item")
    where: dict[str, Any] = {
        "response_id": response_id,
        "item_id": item_id,
        "output_index": 0,
        "content_index": 0,
    }
    source = words()
    said: list[str] = []

    def word() -> bytes:
        delta = next(source)
        said.append(delta)
        return event("response.output_audio_transcript.delta", **where, delta=delta, obfuscation=obfuscation(delta))

    empty = {"id": item_id, "type": "message", "status": "in_progress", "role": "assistant", "content": []}
    opening = b"".join(
        (
            event("response.created", response=response(response_id, "in_progress", [], None, metadata)),
            event("response.output_item.added", response_id=response_id, output_index=0, item=empty),
            event("conversation.item.added", previous_item_id=previous, item=empty),
            event("response.content_part.added", **where, part={"type": "audio", "transcript": ""}),
            word(), word(), word(),
        )
    )  # fmt: skip
    seconds = voice.delta_bytes / BYTES_PER_SECOND
    spoken: list[tuple[AudioDelta, bytes]] = []
    for n in range(deltas):
        due = int((n + 1) * seconds * words_per_second) - int(n * seconds * words_per_second)
        spoken.append((voice.delta(**where), b"".join(word() for _ in range(due))))
    transcript = "".join(said)
    item = {
        **empty,
        "status": "completed",
        "content": [{"type": "output_audio", "transcript": transcript}],
    }
    counts = usage(deltas * voice.delta_bytes, len(said))
    closing = b"".join(
        (
            event("response.output_audio.done", **where),
            event("response.output_audio_transcript.done", **where, transcript=transcript),
            event("response.content_part.done", **where, part={"type": "audio", "transcript": transcript}),
            event("conversation.item.done", previous_item_id=None, item=item),
            event("response.output_item.done", response_id=response_id, output_index=0, item=item),
            event("response.done", response=response(response_id, "completed", [item], counts, metadata)),
            rate_limits(),
        )
    )
    return Turn(response_id, item_id, opening, tuple(spoken), closing)


def transcript_turn(words_wanted: int) -> tuple[bytes, bytes, dict[str, Any]]:
    """The opening of a turn, `words_wanted` transcript deltas, and where they belong; closed by `close_turn`."""
    response_id, item_id = identity("resp"), identity("item")
    where: dict[str, Any] = {
        "response_id": response_id,
        "item_id": item_id,
        "output_index": 0,
        "content_index": 0,
    }
    empty = {"id": item_id, "type": "message", "status": "in_progress", "role": "assistant", "content": []}
    opening = b"".join(
        (
            event("response.created", response=response(response_id, "in_progress", [], None)),
            event("response.output_item.added", response_id=response_id, output_index=0, item=empty),
            event("conversation.item.added", previous_item_id=None, item=empty),
            event("response.content_part.added", **where, part={"type": "audio", "transcript": ""}),
        )
    )
    source = words()
    deltas = b"".join(
        event("response.output_audio_transcript.delta", **where, delta=word, obfuscation=obfuscation(word))
        for word in itertools.islice(source, words_wanted)
    )
    return opening, deltas, where


def tool_call(name: str, arguments: str) -> tuple[str, bytes]:
    """A whole response that is one function call: (call id, frames from response.created to rate_limits)."""
    response_id, item_id, call_id = identity("resp"), identity("item"), f"call_{next(_numbers):016d}"
    running = {
        "id": item_id, "type": "function_call", "status": "in_progress",
        "name": name, "call_id": call_id, "arguments": "",
    }  # fmt: skip
    finished = {**running, "status": "completed", "arguments": arguments}
    where: dict[str, Any] = {
        "response_id": response_id, "item_id": item_id, "output_index": 0, "call_id": call_id,
    }  # fmt: skip
    pieces = [arguments[n : n + 4] for n in range(0, len(arguments), 4)]
    return call_id, b"".join(
        (
            event("response.created", response=response(response_id, "in_progress", [], None)),
            event("response.output_item.added", response_id=response_id, output_index=0, item=running),
            event("conversation.item.added", previous_item_id=None, item=running),
            *(
                event("response.function_call_arguments.delta", **where, delta=p, obfuscation=obfuscation(p))
                for p in pieces
            ),
            event("response.function_call_arguments.done", **where, name=name, arguments=arguments),
            event("conversation.item.done", previous_item_id=None, item=finished),
            event("response.output_item.done", response_id=response_id, output_index=0, item=finished),
            event("response.done", response=response(response_id, "completed", [finished], usage(0, 20))),
            rate_limits(),
        )
    )
