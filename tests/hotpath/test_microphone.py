"""The shape of the hot path upwards: what 20 ms of microphone audio cost, in counts.

The clock stands still, so that no rest of a frame becomes due on a machine that is busy with something else.
"""

from __future__ import annotations

from functools import partial

import trio
import trio.testing
from trio.testing import MockClock

from engine.mailboxes.microphone import FRAMES_PER_CHECKPOINT
from engine.wire.client_events import ClientEvent, InputAudioBufferAppend, InputAudioBufferCommit
from engine.wire.codec import ClientError, decode_client
from tests.hotpath.counting import calls, others_run, steps
from tests.hotpath.line import Line, line

PIECE = b"\1\0" * 480
"""20 ms."""


async def _speak(held: Line, pieces: int) -> None:
    for _ in range(pieces):
        await held.session.send_audio(PIECE)


def _unmasked(frame: bytes) -> bytes:
    """The payload of one frame of medium length."""
    assert frame[:2] == b"\x81\xfe"
    assert len(frame) == 8 + int.from_bytes(frame[2:4], "big")
    return _xored(frame[4:8], frame[8:])


def _xored(key: bytes, masked: bytes) -> bytes:
    long = (key * (len(masked) // 4 + 1))[: len(masked)]
    return (int.from_bytes(masked, "big") ^ int.from_bytes(long, "big")).to_bytes(len(masked), "big")


async def test_five_pieces_are_one_frame_and_one_write(mock_clock: MockClock) -> None:
    async with line(read=False) as held:
        with steps() as taken, calls() as (made, _):
            await _speak(held, 4)
            await trio.testing.wait_all_tasks_blocked(0.001)
            assert not taken, "nobody wakes up for less than a frame"
            await _speak(held, 1)
            written = await held.written()
        assert not taken, "who brings the last piece writes the frame"
        assert made == {"InputAudioBufferAppend": 1}
        assert decode_client(_unmasked(written)) == InputAudioBufferAppend(PIECE * 5)


async def test_handing_over_a_piece_costs_a_few_calls_and_no_step(mock_clock: MockClock) -> None:
    async with line(read=False) as held:
        await _speak(held, 1)
        with calls() as (made, called):
            await _speak(held, 1)
        assert not made
        assert called.total() <= 12


async def test_pieces_as_long_as_a_frame_go_out_one_by_one(mock_clock: MockClock) -> None:
    async with line(read=False, config={"audio_frame_ms": 20}) as held:
        for _ in range(3):
            with steps() as taken:
                await _speak(held, 1)
                written = await held.written()
            assert not taken
            assert decode_client(_unmasked(written)) == InputAudioBufferAppend(PIECE)


async def test_a_commit_waits_for_nothing(mock_clock: MockClock) -> None:
    async with line(read=False) as held:
        await _speak(held, 1)
        with steps() as taken:
            await held.session.commit_audio()
            written = await held.written()
        length = 8 + int.from_bytes(written[2:4], "big")
        assert decode_client(_unmasked(written[:length])) == InputAudioBufferAppend(PIECE)
        assert len(written) > length, "the commit is behind it, in the same write"
        assert taken == {"run": 1}, "the router notes it"


async def test_what_the_socket_does_not_take_is_for_the_writer(mock_clock: MockClock) -> None:
    """However much stands in the way, everything arrives once and in order."""
    pieces = [bytes([number % 256, number // 256]) * 24_000 for number in range(150)]
    heard: list[bytes] = []
    async with line(read=False) as held, trio.open_nursery() as nursery:

        async def speak() -> None:
            for piece in pieces:
                await held.session.send_audio(piece)

        with steps() as taken:
            nursery.start_soon(speak)
            await trio.testing.wait_all_tasks_blocked(0.001)
            data = b""
            while len(heard) < len(pieces):
                data += await held.written()
                while len(data) >= 8 and len(data) >= (length := 8 + int.from_bytes(data[2:4], "big")):
                    event = decode_client(_unmasked(data[:length]))
                    assert isinstance(event, InputAudioBufferAppend)
                    heard.append(event.audio)
                    data = data[length:]
        assert taken["run"] > 0, "the pump and the writer had to help"
    assert heard == pieces


async def test_a_long_piece_and_its_commit_wait_for_nothing(mock_clock: MockClock) -> None:
    """A write carries one second at most; the others follow at once, although no more audio comes to push them."""
    said = bytes(range(256)) * 938
    async with line(read=False) as held, trio.open_nursery() as nursery:
        nursery.start_soon(partial(held.session.send_audio, said, commit=True))
        *appends, commit = await _everything(held)
        nursery.cancel_scope.cancel()
    assert commit == InputAudioBufferCommit()
    heard = b""
    for event in appends:
        assert isinstance(event, InputAudioBufferAppend)
        assert len(event.audio) <= 48_000
        heard += event.audio
    assert heard == said


async def test_what_was_told_before_the_audio_goes_before_it(mock_clock: MockClock) -> None:
    """Commands take another way than audio, to the router first; who does not wait in between is understood as well."""
    async with line(read=False) as held, trio.open_nursery() as nursery:

        async def application() -> None:
            await held.session.send_message("This is a photo of my room.", respond=False)
            await held.session.send_audio(PIECE * 5, commit=True)
            await held.session.send_event({"type": "response.cancel"})
            await held.session.send_audio(PIECE * 5)

        nursery.start_soon(application)
        written = [event.type for event in await _everything(held)]
    assert written == [
        "conversation.item.create",
        "input_audio_buffer.append",
        "input_audio_buffer.commit",
        "response.cancel",
        "input_audio_buffer.append",
    ]


async def _everything(held: Line) -> list[ClientEvent]:
    """What the session writes until it waits for something else than room."""
    data, events = b"", []
    while True:
        await trio.testing.wait_all_tasks_blocked(0.001)
        try:
            data += held.far.recv(2**20)
        except BlockingIOError:
            break
    while data:
        short = data[1] & 0x7F
        begin, length = (4, int.from_bytes(data[2:4], "big")) if short == 126 else (2, short)
        event = decode_client(_xored(data[begin : begin + 4], data[begin + 4 : begin + 4 + length]))
        assert not isinstance(event, ClientError)
        events.append(event)
        data = data[begin + 4 + length :]
    return events


async def test_a_file_lets_others_run(mock_clock: MockClock) -> None:
    """Audio that comes faster than anybody speaks goes straight to the socket, and others run all the same."""
    async with line(read=False) as held, others_run() as rounds:
        before = rounds.count
        for _ in range(100):
            await _speak(held, 5)
            held.far.recv(2**20)
        assert rounds.count - before >= 100 // FRAMES_PER_CHECKPOINT - 1
