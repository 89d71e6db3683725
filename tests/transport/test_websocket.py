"""What only a WebSocket can do, and do wrong: control frames, fragments, faults."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from websockets.extensions.permessage_deflate import enable_server_permessage_deflate
from websockets.frames import Frame, Opcode

from engine.errors import TransportClosed, TransportLost
from engine.transport.pipe import READ_SIZE
from engine.transport.sansio import MOST_UNREAD_REPLIES
from tests.transport.links import OVER_TCP, all_and_end, collect, cut_when_stuck, dialled
from tests.transport.peer import Peer

every_kind = pytest.mark.parametrize("kind", OVER_TCP)
own_core = pytest.mark.parametrize("kind", ["sansio", "sansio-tls"])


def raw(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=False)


@every_kind
async def test_a_ping_is_answered_inside_receive_and_is_no_message(kind: str) -> None:
    async with dialled(kind) as (transport, peer):
        await peer.write(raw(Opcode.PING, b"1234"))
        await peer.say("hello")
        assert await transport.receive() == ["hello"]
        pong = await peer.frame()
        assert (pong.opcode, bytes(pong.data)) == (Opcode.PONG, b"1234")


@every_kind
async def test_a_pong_never_cuts_a_frame_in_two(kind: str) -> None:
    big = "x" * 8_000_000
    async with dialled(kind) as (transport, peer), trio.open_nursery() as nursery:
        nursery.start_soon(transport.send, [big.encode()])
        await trio.testing.wait_all_tasks_blocked(0.01)
        if kind.startswith("sansio"):
            # The other package waits for the sender here, and stops reading meanwhile.
            await peer.write(raw(Opcode.PING, b"?"))
            await peer.say("not held up")
            assert await transport.receive() == ["not held up"]
            assert await peer.hear() == big
            assert (await peer.frame()).opcode is Opcode.PONG
        else:
            await peer.write(raw(Opcode.PING, b"?"))
            assert await peer.hear() == big
            assert (await peer.frame()).opcode is Opcode.PONG
        nursery.start_soon(transport.send, [b"after"])
        assert await peer.hear() == "after"


async def test_pongs_that_nobody_reads_do_not_pile_up() -> None:
    big, pings = "x" * 8_000_000, b"".join([raw(Opcode.PING, b"?" * 100)] * 4_000)
    async with dialled("sansio") as (transport, peer), trio.open_nursery() as nursery:
        nursery.start_soon(transport.send, [big.encode()])
        await trio.testing.wait_all_tasks_blocked(0.01)
        nursery.start_soon(peer.write, pings + raw(Opcode.TEXT, b"not held up"))
        assert await transport.receive() == ["not held up"]
        one_read = READ_SIZE * 2
        assert transport._unread_replies <= MOST_UNREAD_REPLIES + one_read < len(pings)  # type: ignore[attr-defined]
        assert await peer.hear() == big
        assert (await peer.frame()).opcode is Opcode.PONG


@every_kind
async def test_fragments_become_one_message_even_with_a_ping_between_and_a_letter_cut_in_two(kind: str) -> None:
    async with dialled(kind) as (transport, peer):
        text = "ein schöner Tag".encode()
        cut = text.index("ö".encode()) + 1
        await peer.write(raw(Opcode.TEXT, text[:cut], fin=False))
        await peer.write(raw(Opcode.PING, b"") + raw(Opcode.CONT, text[cut:-1], fin=False))
        await peer.write(raw(Opcode.CONT, text[-1:]))
        await peer.write(raw(Opcode.BINARY, b"\x00", fin=False) + raw(Opcode.CONT, b"\xff"))
        assert await collect(transport, 2) == ["ein schöner Tag", b"\x00\xff"]


@every_kind
async def test_a_binary_message_is_bytes(kind: str) -> None:
    async with dialled(kind) as (transport, peer):
        await peer.write(raw(Opcode.BINARY, b"\x00\x01\xfe\xff"))
        assert await transport.receive() == [b"\x00\x01\xfe\xff"]


@every_kind
async def test_a_goodbye_without_a_code_is_1005(kind: str) -> None:
    async with dialled(kind) as (transport, peer):
        await peer.write(raw(Opcode.CLOSE, b""))
        with pytest.raises(TransportClosed) as told:
            await transport.receive()
        assert (told.value.code, told.value.reason) == (1005, "")


async def code_told_to(peer: Peer) -> int:
    with trio.fail_after(2):
        code, _ = await peer.hear_goodbye()
    return code


@every_kind
async def test_garbage_ends_it_with_1002(kind: str) -> None:
    async with dialled(kind) as (transport, peer):
        await peer.write(raw(Opcode.TEXT, b"good") + b"\xff\xff\xff\xff garbage")
        messages, ending = await all_and_end(transport)
        assert messages == ["good"]
        assert ending.code == 1002
        if kind.startswith("sansio"):  # the other package tells its user, and forgets its peer
            assert await code_told_to(peer) == 1002


@every_kind
async def test_text_that_is_not_utf8_ends_it_with_1007(kind: str) -> None:
    async with dialled(kind) as (transport, peer):
        await peer.write(raw(Opcode.TEXT, b"good") + raw(Opcode.TEXT, b"\xff\xfe"))
        messages, ending = await all_and_end(transport)
        assert messages == ["good"]
        assert ending.code == 1007
        if kind.startswith("sansio"):
            assert "UTF-8" in str(ending)
            assert await code_told_to(peer) == 1007


@every_kind
@pytest.mark.parametrize("fragments", [1, 4])
async def test_a_message_over_the_limit_ends_it_with_1009(kind: str, fragments: int) -> None:
    async with dialled(kind, max_message_size=1000) as (transport, peer):
        await peer.say("y" * 1000)
        assert await transport.receive() == ["y" * 1000]
        piece = b"z" * (1004 // fragments)
        for n in range(fragments):
            await peer.write(raw(Opcode.CONT if n else Opcode.TEXT, piece, fin=n == fragments - 1))
        _, ending = await all_and_end(transport)
        assert ending.code == 1009
        assert await code_told_to(peer) == 1009


@every_kind
async def test_an_end_without_a_goodbye_is_a_loss(kind: str) -> None:
    async with dialled(kind) as (transport, peer):
        await peer.write(raw(Opcode.TEXT, b"whole") + raw(Opcode.TEXT, b"half of it")[:-4])
        await peer.stream.aclose()
        messages, ending = await all_and_end(transport)
        assert messages == ["whole"]
        assert not isinstance(ending, TransportClosed)


@own_core
async def test_a_send_cancelled_half_way_is_completed_by_what_follows(kind: str) -> None:
    big = "x" * 8_000_000
    async with dialled(kind) as (transport, peer):
        await cut_when_stuck(transport.send, [big.encode(), b"second of the batch"])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(transport.send, [b"after"])
            assert await peer.hear() == big
            assert await peer.hear() == "second of the batch"
            assert await peer.hear() == "after"


@own_core
async def test_what_a_cancelled_send_left_leaves_while_we_only_receive(kind: str) -> None:
    big = "x" * 6_000_000
    async with dialled(kind) as (transport, peer):
        await cut_when_stuck(transport.send, [big.encode()])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(transport.receive)
            assert await peer.hear() == big
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("kind", ["trio-websocket"])
async def test_a_send_cancelled_half_way_ends_sending_but_not_receiving(kind: str) -> None:
    async with dialled(kind) as (transport, peer):
        await cut_when_stuck(transport.send, [b"x" * 8_000_000])
        with pytest.raises(TransportLost, match="cancelled half-way"):
            await transport.send([b"after"])
        await peer.say("go on")
        assert await transport.receive() == ["go on"]


@own_core
async def test_silence_is_asked_about_and_a_pong_is_a_sign_of_life(kind: str) -> None:
    async with dialled(kind, ping_interval=0.01, ping_timeout=60) as (transport, peer):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(transport.receive)
            for _ in range(3):
                assert (await peer.frame()).opcode is Opcode.PING
                await peer.flush()
            nursery.cancel_scope.cancel()
        await peer.say("hello")
        assert await transport.receive() == ["hello"]


@own_core
async def test_silence_after_a_ping_is_a_loss_and_closing_then_takes_no_time(kind: str) -> None:
    async with dialled(kind, ping_interval=0.01, ping_timeout=0.01, close_timeout=60) as (transport, _):
        with trio.fail_after(2):
            _, ending = await all_and_end(transport)
            assert not isinstance(ending, TransportClosed)
            await transport.aclose()


@own_core
async def test_a_stalled_caller_does_not_take_its_own_delay_for_the_peers_silence(kind: str) -> None:
    async with dialled(kind, ping_interval=0.01, ping_timeout=0.01) as (transport, peer):
        await peer.say("in time")
        await trio.sleep(0.05)
        assert await transport.receive() == ["in time"]


@own_core
@pytest.mark.parametrize("offered", [True, False])
@pytest.mark.parametrize("supported", [True, False])
async def test_compression_is_used_only_when_both_want_it(kind: str, offered: bool, supported: bool) -> None:
    extensions = enable_server_permessage_deflate(None) if supported else None
    async with dialled(kind, compression=offered, extensions=extensions) as (transport, peer):
        assert bool(peer.protocol.extensions) is (offered and supported)
        await transport.send([b"there" * 1000])
        assert await peer.hear() == "there" * 1000
        await peer.say("back" * 1000)
        assert await transport.receive() == ["back" * 1000]
