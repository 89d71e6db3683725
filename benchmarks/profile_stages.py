"""What an audio delta costs, stage by stage, for the engine and for the floor: microseconds of CPU for each delta.

    python -m benchmarks.profile_stages [BYTES]

BYTES of PCM in a delta, 12000 by default. The stages are timed by themselves, in hot loops, on what one load server's
turn brings for each delta (its words, its share of the other events). The two totals are whole clients on a loopback
socket, in this process, without a handshake: one reads 64 KiB at a time, the other is woken for each delta. What a
total has above the sum of its stages is scheduling: task switches, epoll, and caches that are not hot.
"""

from __future__ import annotations

import gc
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
import orjson
import pybase64
import trio
from rich.console import Console
from rich.table import Table
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from benchmarks.server import script
from engine import RealtimeAgent, RealtimeRunner
from engine.core.agent_spec import AgentSpec
from engine.core.inputs import AudioConsumed
from engine.core.machine import Machine
from engine.core.playback import PlaybackLedger
from engine.core.state import Rules
from engine.events import Audio
from engine.mailboxes import EventQueue
from engine.models.interface import RealtimeModel
from engine.models.wire_connection import WireConnection
from engine.settings import RealtimeModelConfig
from engine.transport.framing import Inbound
from engine.transport.pipe import READ_SIZE, Pipe
from engine.transport.sansio import WebSocketTransport
from engine.wire.codec import decode_server
from engine.wire.server_events import ServerEvent
from engine.wire.session import Session

TURNS, TURN_BYTES = 3, 480_000
EVENTS_IN_A_READ = 10
REPEATS = 15
DELTA = "response.output_audio.delta"
Row = tuple[str, float | None, float | None]


@attrs.frozen
class Traffic:
    """What the server writes: one piece of bytes for each delta (the first and the last of a turn are longer)."""

    pieces: list[bytes]

    @property
    def deltas(self) -> int:
        return len(self.pieces)

    def reads(self) -> list[bytes]:
        """The same in pieces of one read."""
        data = b"".join(self.pieces)
        return [data[at : at + READ_SIZE] for at in range(0, len(data), READ_SIZE)]


def traffic(delta_bytes: int) -> Traffic:
    voice = script.Speech(delta_bytes)
    pieces: list[bytes] = []
    previous = None
    for number in range(TURNS):
        user_item, said = script.user_turn(previous)
        turn = script.spoken_turn(voice, TURN_BYTES // delta_bytes, previous=user_item)
        spoken = [delta.stamped(at, 1, number, 0) + after for at, (delta, after) in enumerate(turn.deltas)]
        spoken[0] = said + turn.opening + spoken[0]
        spoken[-1] += turn.closing
        pieces += spoken
        previous = turn.item_id
    return Traffic(pieces)


def best(work: Callable[[], object], deltas: int) -> float:
    """The fastest of some repetitions, in microseconds for each delta."""
    fastest = float("inf")
    for _ in range(REPEATS):
        gc.collect()
        begun = time.thread_time_ns()
        work()
        fastest = min(fastest, (time.thread_time_ns() - begun) / 1e3 / deltas)
    return fastest


def open_core() -> ClientProtocol:
    return ClientProtocol(parse_uri("ws://peer/"), state=State.OPEN, max_size=None)


# --- the stages


def messages_of(given: Traffic) -> list[str]:
    inbound = Inbound(open_core())
    return [str(message) for data in given.reads() for message in inbound.take(data)]


def engine_frames(given: Traffic) -> None:
    inbound = Inbound(open_core())
    for data in given.reads():
        inbound.take(data)


def floor_frames(given: Traffic) -> None:
    core = open_core()
    for data in given.reads():
        core.receive_data(data)
        core.events_received()


def receiving(given: Traffic) -> float:
    near, far = _pair()
    data = b"".join(given.pieces)
    thread = threading.Thread(target=far.sendall, args=(data,))
    thread.start()
    left, spent = len(data), 0
    while left:
        near.recv(1, socket.MSG_PEEK)
        time.sleep(0.0005)
        begun = time.thread_time_ns()
        left -= len(near.recv(READ_SIZE))
        spent += time.thread_time_ns() - begun
    thread.join()
    near.close()
    far.close()
    return spent / 1e3 / given.deltas


def decide(events: Sequence[ServerEvent]) -> list[Sequence[Any]]:
    """What the machine tells the application, a read at a time. What is taken of one goes in with the next."""
    machine = Machine(Rules(context=None), AgentSpec("A", None, Session()), PlaybackLedger())
    told: list[Sequence[Any]] = []
    taken: list[AudioConsumed] = []
    for at in range(0, len(events), EVENTS_IN_A_READ):
        for given in [*taken, *events[at : at + EVENTS_IN_A_READ]]:
            machine.handle(given, at)
        told.append(machine.take_effects().events)
        taken = [
            AudioConsumed(one.response_id, one.item_id, one.content_index, len(one.data), at)
            for one in told[-1]
            if type(one) is Audio
        ]
    return told


def hand_over(told: Sequence[Sequence[Any]]) -> None:
    async def main() -> None:
        queue = EventQueue()
        for events in told:
            if events:
                queue.put(events)
            for _ in events:
                await queue.take()
            queue.reports()

    trio.run(main)


def stages(given: Traffic) -> list[Row]:
    count = given.deltas
    messages = messages_of(given)
    payloads = [orjson.loads(message) for message in messages]
    encoded = [payload["delta"] for payload in payloads if payload["type"] == DELTA]
    without_audio = [
        orjson.dumps({**payload, "delta": "*"}) if payload["type"] == DELTA else message
        for message, payload in zip(messages, payloads, strict=True)
    ]
    events = [decode_server(message) for message in messages]
    told = decide(events)
    read = min(receiving(given) for _ in range(3))
    base64 = best(lambda: [pybase64.b64decode(each, validate=True) for each in encoded], count)
    json = best(lambda: [orjson.loads(each) for each in without_audio], count)
    decoding = best(lambda: [decode_server(each) for each in messages], count)
    nothing = best(lambda: trio.run(trio.lowlevel.checkpoint), count)
    return [
        ("socket: recv, 64 KiB at a time", read, read),
        ("frames", best(lambda: engine_frames(given), count), best(lambda: floor_frames(given), count)),
        ("JSON (the engine: without the base64)", json, best(lambda: [orjson.loads(each) for each in messages], count)),
        ("base64", base64, best(lambda: [pybase64.b64decode(each) for each in encoded], count)),
        ("events of the wire, checked", decoding - json - base64, None),
        ("core: state, history, playback, session events", best(lambda: decide(events), count), None),
        ("event queue, and the application's iteration", best(lambda: hand_over(told), count) - nothing, None),
    ]


# --- the whole


def _pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        return near, server.accept()[0]


class _OneEnd(RealtimeModel):
    def __init__(self, near: socket.socket) -> None:
        super().__init__()
        self._near = near

    @asynccontextmanager
    async def connect(self, config: RealtimeModelConfig) -> AsyncIterator[WireConnection]:
        transport = WebSocketTransport(Pipe(self._near), open_core(), close_timeout=0.1)
        try:
            yield WireConnection(transport)
        finally:
            await transport.aclose()


async def engine_client(near: socket.socket, take: Callable[[bytes], bool]) -> None:
    async with await RealtimeRunner(RealtimeAgent(name="A"), model=_OneEnd(near)).run() as session:
        async for event in session:
            if event.type == "audio" and take(event.data):
                return


async def floor_client(near: socket.socket, take: Callable[[bytes], bool]) -> None:
    core = open_core()
    async with trio.SocketStream(trio.socket.from_stdlib_socket(near)) as stream:
        while True:
            core.receive_data(await stream.receive_some(READ_SIZE))
            for frame in core.events_received():
                if isinstance(frame, Frame) and frame.opcode is Opcode.TEXT:
                    event = orjson.loads(frame.data)
                    if event["type"] == DELTA and take(pybase64.b64decode(event["delta"])):
                        return


Client = Callable[[socket.socket, Callable[[bytes], bool]], Awaitable[None]]


def whole(client: Client, given: Traffic, *, paced: bool) -> float:
    """A client takes everything; `paced`, each delta is written when the one before has been taken."""
    near, far = _pair()
    wanted = threading.Event()
    count = begun = spent = 0

    def write() -> None:
        for piece in given.pieces if paced else given.reads():
            far.sendall(piece)
            if paced:
                wanted.wait()
                wanted.clear()

    def take(audio: bytes) -> bool:
        nonlocal count, begun, spent
        count += 1
        if count == 1:
            begun = time.thread_time_ns()
        spent = time.thread_time_ns() - begun
        wanted.set()
        return count == given.deltas

    thread = threading.Thread(target=write)
    thread.start()
    trio.run(client, near, take)
    thread.join()
    far.close()
    return spent / 1e3 / (given.deltas - 1)


def main() -> None:
    delta_bytes = int(sys.argv[1]) if len(sys.argv) > 1 else 12_000
    given = traffic(delta_bytes)
    rows = stages(given)
    rows.append(("sum", sum(row[1] or 0 for row in rows), sum(row[2] or 0 for row in rows)))
    for title, paced in (("total, as fast as it goes", False), ("total, woken for each delta", True)):
        engine = min(whole(engine_client, given, paced=paced) for _ in range(REPEATS))
        rows.append((title, engine, min(whole(floor_client, given, paced=paced) for _ in range(REPEATS))))
    table = Table("us for each delta", "engine", "floor", title=f"deltas of {delta_bytes} bytes")
    for title, engine, floor in rows:
        table.add_row(title, *("" if cost is None else f"{cost:.1f}" for cost in (engine, floor)))
    Console().print(table)


if __name__ == "__main__":
    main()
