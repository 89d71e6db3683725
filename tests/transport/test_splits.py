"""However the network cuts the bytes, the same messages come out."""

from __future__ import annotations

import socket
from itertools import pairwise

import trio
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from engine.transport.pipe import Pipe
from engine.transport.sansio import WebSocketTransport
from tests.transport.links import all_and_end

messages = st.lists(st.one_of(st.text(max_size=300), st.binary(max_size=300)), max_size=8)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """`data` in pieces that begin at `places`, which may lie anywhere."""
    borders = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    if not data:
        return [data]
    return [data[start:end] for start, end in pairwise(borders)]


def frames_of(message: str | bytes, pieces: list[bytes]) -> list[Frame]:
    first = Opcode.TEXT if isinstance(message, str) else Opcode.BINARY
    return [Frame(Opcode.CONT if n else first, piece, fin=n == len(pieces) - 1) for n, piece in enumerate(pieces)]


@given(
    messages=messages,
    fragment_places=st.lists(st.integers(0, 300), max_size=4),
    pings=st.booleans(),
    network_places=st.lists(st.integers(0, 5000), max_size=12),
)
def test_any_cut_gives_the_same_messages(
    messages: list[str | bytes], fragment_places: list[int], pings: bool, network_places: list[int]
) -> None:
    sent = b""
    for message in messages:
        data = message.encode() if isinstance(message, str) else message
        for frame in frames_of(message, cut(data, fragment_places)):
            sent += frame.serialize(mask=False)
            if pings:
                sent += Frame(Opcode.PING, b"?").serialize(mask=False)
    sent += Frame(Opcode.CLOSE, Close(4001, "done").serialize()).serialize(mask=False)

    received = trio.run(receive_all, cut(sent, network_places))
    assert received == messages


async def receive_all(pieces: list[bytes]) -> list[str | bytes]:
    near, far = socket.socketpair()
    core = ClientProtocol(parse_uri("ws://peer/"), state=State.OPEN, max_size=None)
    transport = WebSocketTransport(Pipe(near), core, close_timeout=1.0)

    async def feed() -> None:
        for piece in pieces:
            far.send(piece)
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed)
        received, ending = await all_and_end(transport)
    assert (ending.code, ending.reason) == (4001, "done")
    await transport.aclose()
    far.close()
    return received
