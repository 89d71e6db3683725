"""A busy session lets others run, and its application can be stopped between any two events."""

from __future__ import annotations

import trio

from engine.mailboxes import TAKES_PER_CHECKPOINT
from engine.transport.pipe import READ_SIZE
from engine.wire.codec import encode_server
from tests.hotpath.counting import others_run
from tests.hotpath.line import Line, audio, line, words

FLOOD = 10_000


async def test_a_busy_session_does_not_starve_another() -> None:
    """How many events a flooded application gets while another session's delta is on its way."""
    in_one_read = READ_SIZE // len(encode_server(words()))
    delays: list[int] = []
    async with line() as quiet, line(read=False) as busy, trio.open_nursery() as nursery:
        nursery.start_soon(busy.say, *[words(n) for n in range(FLOOD)])
        seen, asked_at = 0, 0
        count = len(quiet.taken)
        async for _ in busy.session:
            seen += 1
            if len(quiet.taken) > count:
                delays.append(seen - asked_at)
                count, asked_at = len(quiet.taken), 0
            if not asked_at:
                asked_at = seen
                await quiet.say(audio(seen, 240))
            if seen == FLOOD:
                break
    assert len(delays) >= FLOOD // (5 * in_one_read)
    # Two steps of the other session, each in a round of its own, and a burst of the size of a read in every round.
    assert max(delays) <= 5 * in_one_read


async def test_an_application_gets_its_events_in_bursts_and_lets_others_run_between_them() -> None:
    async with line(read=False) as held:
        await _fill(held, 400)
        async with others_run() as rounds:
            before, seen = rounds.count, 0
            async for _ in held.session:
                seen += 1
                if seen == 400:
                    break
            assert 3 <= rounds.count - before <= 400 // TAKES_PER_CHECKPOINT + 1


async def test_an_application_is_stopped_at_the_next_event_however_many_wait() -> None:
    async with line(read=False) as held:
        await _fill(held, 400)
        seen = 0
        with trio.CancelScope() as scope:
            async for _ in held.session:
                seen += 1
                if seen == 3:
                    scope.cancel()
        assert scope.cancelled_caught
        assert seen == 3


async def _fill(held: Line, count: int) -> None:
    await held.say(*[words(n) for n in range(count)])
    while {mailbox.name: mailbox.waiting for mailbox in held.session.mailboxes}["events"] < count:
        await trio.lowlevel.checkpoint()
