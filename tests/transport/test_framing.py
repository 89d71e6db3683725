"""What framing reads and writes by hand is what the core of `websockets` alone would have read and written."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Close, CloseCode, Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from engine.transport.assembly import Assembly
from engine.transport.framing import LONGEST_BY_HAND, Inbound, text_frame

SIZES = [0, 1, 125, 126, 127, 300, LONGEST_BY_HAND, LONGEST_BY_HAND + 1]


def new_core(max_size: int | None) -> ClientProtocol:
    return ClientProtocol(parse_uri("ws://peer/"), state=State.OPEN, max_size=max_size)


def serialized(frame: Frame, mask: bool) -> bytes:
    """A frame as it would look on the wire, whether it may be there or not."""
    whole = Frame(Opcode.BINARY, frame.data).serialize(mask=mask)
    bits = (frame.fin << 7) | (frame.rsv1 << 6) | frame.opcode
    return bytes([bits]) + whole[1:]


payloads = st.sampled_from(SIZES).map(lambda size: b"a" * size) | st.binary(max_size=8) | st.just("ü€".encode())
frames = st.builds(
    serialized,
    st.builds(Frame, st.sampled_from(Opcode), payloads, fin=st.booleans(), rsv1=st.integers(0, 9).map(lambda n: n == 0))
    | st.builds(Frame, st.just(Opcode.TEXT), payloads)
    | st.builds(Frame, st.just(Opcode.CLOSE), st.just(Close(1000, "done").serialize())),
    st.integers(0, 19).map(lambda n: n == 0),
)


def by_the_core(data: bytes, max_size: int | None) -> tuple[list[str | bytes], ClientProtocol]:
    """Byte by byte, so that nothing that comes later can be seen before what comes first."""
    core, assembly = new_core(max_size), Assembly()
    messages: list[str | bytes] = []
    for n in range(len(data)):
        core.receive_data(data[n : n + 1])
        try:
            for event in core.events_received():
                if isinstance(event, Frame) and (message := assembly.add(event)) is not None:
                    messages.append(message)
        except UnicodeDecodeError:
            core.fail(CloseCode.INVALID_DATA)
    return messages, core


@given(
    sent=st.lists(frames, max_size=6),
    damage=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=1),
    places=st.lists(st.integers(0, 2**17), max_size=6) | st.just(list(range(400))),
    max_size=st.sampled_from([None, 126]),
)
@example(sent=[b"\x81\x05hello", b"\x88\x00"], damage=[], places=[], max_size=None)
@example(sent=[b"\x01\x02be", b"\x81\x05tween", b"\x80\x00"], damage=[], places=[], max_size=None)
def test_any_bytes_mean_the_same(
    sent: list[bytes], damage: list[tuple[int, int]], places: list[int], max_size: int | None
) -> None:
    data = bytearray(b"".join(sent))
    for place, byte in damage:
        if place < len(data):
            data[place] = byte
    core = new_core(max_size)
    inbound = Inbound(core)
    received: list[str | bytes] = []
    for start, end in pairwise(sorted({place for place in places if place < len(data)} | {0, len(data)})):
        received += inbound.take(bytes(data[start:end]))

    expected, alone = by_the_core(bytes(data), max_size)
    assert received == expected
    assert core.state is alone.state
    assert core.close_rcvd == alone.close_rcvd
    assert (core.close_sent and core.close_sent.code) == (alone.close_sent and alone.close_sent.code)


@pytest.mark.parametrize("size", SIZES)
def test_a_server_reads_what_is_written(size: int) -> None:
    server = ServerProtocol(state=State.OPEN, max_size=None)
    server.receive_data(text_frame(b"a" * size))
    (frame,) = server.events_received()
    assert isinstance(frame, Frame)
    assert (frame.opcode, frame.fin, bytes(frame.data)) == (Opcode.TEXT, True, b"a" * size)


def test_every_frame_has_a_mask_of_its_own() -> None:
    assert text_frame(b"hello") != text_frame(b"hello")
