"""The log lines of a session cost nothing on the hot path while nobody wants decisions."""

from __future__ import annotations

import logging

from tests.hotpath.counting import calls
from tests.hotpath.line import audio, frames, line, words
from tests.session.test_logging import level


async def test_a_delta_costs_the_same_whether_warnings_are_logged_or_nothing_is() -> None:
    """Calls of the engine's functions, all the way from the socket to the application."""
    costs = []
    for of in (logging.WARNING, logging.CRITICAL + 1):
        with level(of):
            async with line() as held:
                count = len(held.taken)
                said = frames(audio(1), words(2))
                with calls() as (_, called):
                    await held.write(said)
                    await held.until(count + 2)
                costs.append(called)
    assert costs[0] == costs[1]
    assert not [name for name in costs[0] if "LogLines" in name]
