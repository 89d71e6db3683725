"""Handshakes, frames and messages at a server: the caller beside notices nothing, and nothing is a fault."""

from __future__ import annotations

import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile import SETTINGS, time_is_left
from tests.hostile.beside import PATIENCE, REQUEST, beside, frame
from tests.hostile.drawn import MESSAGES, frames, handshakes


def test_drawn_handshakes():
    go_on = time_is_left()

    @SETTINGS
    @given(st.lists(handshakes(), min_size=1, max_size=6))
    def drawn(requests: list[bytes]) -> None:
        async def main() -> None:
            with trio.fail_after(PATIENCE):
                async with beside() as here:
                    for request in requests:
                        said = await here.attack(request)
                        assert not said or said.startswith(b"HTTP/1.1 "), said
                        assert not said.startswith(b"HTTP/1.1 5"), said
                    await here.notices_nothing()

        if go_on():
            trio.run(main)

    drawn()


def test_drawn_frames():
    go_on = time_is_left()

    @SETTINGS
    @given(st.lists(frames(), min_size=1, max_size=6))
    def drawn(sent: list[bytes]) -> None:
        async def main() -> None:
            with trio.fail_after(PATIENCE):
                async with beside() as here:
                    said = await here.attack(REQUEST, *sent)
                    assert b"internal error" not in said
                    await here.notices_nothing()

        if go_on():
            trio.run(main)

    drawn()


def test_drawn_messages(caplog):
    go_on = time_is_left()

    @SETTINGS
    @given(st.lists(MESSAGES, min_size=1, max_size=8))
    def drawn(messages: list[bytes]) -> None:
        async def main() -> None:
            with trio.fail_after(PATIENCE):
                async with beside() as here:
                    said = await here.attack(REQUEST, *(frame(message) for message in messages), seconds=0.1)
                    assert b"internal error" not in said
                    await here.notices_nothing()

        if go_on():
            trio.run(main)

    drawn()
    assert [record for record in caplog.records if record.name == "engine.serving"] == [], (
        "each has an answer of its own"
    )
