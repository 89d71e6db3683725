"""What it costs that every session records what happened when.

    python -m benchmarks.recorder_cost [--deltas N] [--rounds N]

The same answer, delta by delta, is given to a session with the recorder and to one without (its edges do nothing), by
turns in one process, and the CPU time of both is compared. The server is in the same process and its messages are read
from their JSON as always, but there is no socket and no TLS: what an application pays besides is not counted, so the
ratio is larger than any that one will see. Every delta is 20 ms of audio with a word, read at once, taken as it comes.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import trio
from trio.testing import MockClock

from engine import RealtimeAgent, RealtimeModel, RealtimeModelConfig, RealtimeRunner
from engine.errors import TransportClosed
from engine.recorder import Recorder
from engine.session import wiring
from engine.wire.client_events import ClientEvent
from engine.wire.codec import decode_server, encode_server
from engine.wire.server_events import ResponseOutputAudioDelta, ResponseOutputAudioTranscriptDelta, ServerEvent

AUDIO = b"\x00\x10" * 480


class NoRecorder(Recorder):
    """Sees everything and does nothing."""

    def stepped(self, *_: object) -> None: ...
    def written(self, *_: object) -> None: ...
    def taken(self, *_: object) -> None: ...
    def end(self, *_: object) -> None: ...


class Speaker(RealtimeModel):
    """Says a whole answer, a delta at each read, and hangs up."""

    def __init__(self, deltas: int) -> None:
        super().__init__()
        self._delta = [
            encode_server(ResponseOutputAudioTranscriptDelta("response", "item", 0, 0, "word ")),
            encode_server(ResponseOutputAudioDelta("response", "item", 0, 0, AUDIO)),
        ]
        self._left = deltas

    @asynccontextmanager
    async def connect(self, config: RealtimeModelConfig) -> AsyncIterator[Speaker]:
        yield self

    async def receive(self) -> list[ServerEvent]:
        await trio.lowlevel.checkpoint()
        self._left -= 1
        if self._left < 0:
            raise TransportClosed
        return [decode_server(text) for text in self._delta]

    async def send(self, events: Sequence[ClientEvent]) -> None:
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


@contextmanager
def recorder(kind: type[Recorder]) -> Iterator[None]:
    made = wiring.new_recorder

    def other(*given: Any, **told: Any) -> Recorder:
        recorder = made(*given, **told)
        recorder.__class__ = kind
        return recorder

    wiring.new_recorder = other
    try:
        yield
    finally:
        wiring.new_recorder = made


def cost(kind: type[Recorder], deltas: int) -> float:
    """Seconds of CPU for the whole answer."""

    async def main() -> float:
        agent: RealtimeAgent[Any] = RealtimeAgent(name="Clerk")
        async with await RealtimeRunner(agent, model=Speaker(deltas)).run() as session:
            begun = time.process_time()
            async for _ in session:
                pass
            return time.process_time() - begun

    with recorder(kind):
        return trio.run(main, clock=MockClock(autojump_threshold=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deltas", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    cost(Recorder, given.deltas), cost(NoRecorder, given.deltas)
    pairs = [(cost(Recorder, given.deltas), cost(NoRecorder, given.deltas)) for _ in range(given.rounds)]
    ratios = [recorded / bare for recorded, bare in pairs]
    us = 1e6 / given.deltas
    recorded, bare = (statistics.median(side) * us for side in zip(*pairs, strict=True))
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(f"{given.rounds} pairs of {given.deltas} deltas, by turns; medians, CPU of one process")
    print(f"  without the recorder  {bare:6.2f} us a delta")
    print(f"  with it               {recorded:6.2f} us a delta")
    print(f"  ratio                 {middle:6.3f}      (half of the pairs lie between {low:.3f} and {high:.3f})")


if __name__ == "__main__":
    main()
