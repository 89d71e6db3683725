"""The feed: what waits is bounded by bytes of every kind of content, and counted out as it was counted in."""

from __future__ import annotations

from contextlib import suppress

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from engine.core.effects import Discard
from engine.errors import EngineError, SlowConsumer
from engine.events import Audio, AudioEnd, Error, RawModelEvent, RealtimeSessionEvent, TranscriptDelta, TranscriptDone
from engine.mailboxes import EventQueue
from engine.wire.server_events import UnknownEvent

MIB = 2**20


def audio(size: int, response_id: str) -> Audio:
    return Audio(context=None, at_ns=0, response_id=response_id, item_id="item", content_index=0, data=bytes(size))


def of_size(kind: str, size: int) -> RealtimeSessionEvent:
    text = "x" * size
    match kind:
        case "audio":
            return audio(size, "r")
        case "delta":
            return TranscriptDelta(context=None, at_ns=0, role="assistant", item_id="i", response_id="r", delta=text)
        case "done":
            return TranscriptDone(
                context=None, at_ns=0, role="assistant", item_id="i", response_id="r", transcript=text
            )
        case "error":
            return Error(context=None, at_ns=0, error=EngineError(text), code=None)
        case _:
            return RawModelEvent(
                context=None, at_ns=0, data=UnknownEvent("new", {"type": "new", "deep": [{"text": text}]})
            )


KINDS = ["audio", "delta", "done", "error", "raw"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_content_counts(kind: str) -> None:
    queue = EventQueue(max_bytes=MIB)
    queue.put([of_size(kind, MIB // 2)])
    with pytest.raises(SlowConsumer, match="iterate over the session"):
        queue.put([of_size(kind, MIB)])


steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(KINDS), st.integers(0, 2000)),
        st.tuples(st.just("take"), st.integers(1, 5)),
        st.tuples(st.just("discard"), st.just(0)),
        st.tuples(st.just("end of audio"), st.just(0)),
    ),
    max_size=60,
)


@given(steps, st.booleans())
def test_what_is_counted_in_is_counted_out(given: list[tuple[str, int]], by_application: bool) -> None:
    async def main() -> None:
        queue = EventQueue()
        for what, number in given:
            match what:
                case "take":
                    with trio.move_on_after(1):
                        for _ in range(number):
                            await queue.take()
                case "discard":
                    queue.put([Discard("r")])
                case "end of audio":
                    queue.put([AudioEnd(context=None, at_ns=0, response_id="r", item_id="item", content_index=0)])
                case _:
                    queue.put([of_size(what, number)])
        queue.close(None, by_application=by_application)
        with suppress(StopAsyncIteration):
            while True:
                await queue.take()
        assert queue._bytes == 0

    trio.run(main, clock=MockClock(autojump_threshold=0))
