"""Waits: all that a session waits for from the server, each with a bound.

    name               waits for                         since                         s    at the bound
    response_begin     `response.created`, or a refusal  `response.create` was sent    10   ask again, or give up
    unclear_refusal    the same, after an unclear error  that error                    2    as if it were refused
    overtaken_request  the same, after another response  the end of that response      4    ask again, or give up
    response_progress  anything of a response            its last sign of life         60   cancel it
    untold_response    the same, its beginning untold    its last sign of life         2    nothing waits for its end
    response_end       `response.done`                   it was cancelled              10   it counts as ended
    turn_end           the end of the user's speech      the last audio that was sent  6    it counts as ended
    line_turn_end      the same, server hears the user   `speech_started`              120  it counts as ended
    turn_response      a response of the server's own    the end of the user's turn    4    ask for what is unanswered
    settings           `session.updated`                 `session.update` was sent     10   they count as confirmed

Each bound that is reached is one `error` event with the wait's code. What turns up later is recognised: a response
that nobody waits for any more is cancelled before anything of it is heard.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from engine.wire.units import NS_PER_S


@attrs.frozen
class Wait:
    """One kind of thing that the server owes."""

    name: str
    """Also the name of the setting."""
    seconds: float
    """The default bound."""
    code: str
    """The code of the `error` event when the bound is reached."""


RESPONSE_BEGIN: Final = Wait("response_begin", 10.0, "response_not_begun")
UNCLEAR_REFUSAL: Final = Wait("unclear_refusal", 2.0, "response_refused")
OVERTAKEN_REQUEST: Final = Wait("overtaken_request", 4.0, "request_overtaken")
RESPONSE_PROGRESS: Final = Wait("response_progress", 60.0, "response_stalled")
UNTOLD_RESPONSE: Final = Wait("untold_response", 2.0, "response_not_told")
RESPONSE_END: Final = Wait("response_end", 10.0, "response_not_ended")
TURN_END: Final = Wait("turn_end", 6.0, "turn_not_ended")
LINE_TURN_END: Final = Wait("line_turn_end", 120.0, "turn_not_ended")
TURN_RESPONSE: Final = Wait("turn_response", 4.0, "turn_not_answered")
SETTINGS: Final = Wait("settings", 10.0, "settings_not_confirmed")

ALL: Final = (
    RESPONSE_BEGIN,
    UNCLEAR_REFUSAL,
    OVERTAKEN_REQUEST,
    RESPONSE_PROGRESS,
    UNTOLD_RESPONSE,
    RESPONSE_END,
    TURN_END,
    LINE_TURN_END,
    TURN_RESPONSE,
    SETTINGS,
)

DEFAULTS: Final[Mapping[str, float]] = {wait.name: wait.seconds for wait in ALL}
"""Seconds by name."""


class Waits:
    """The waits of one session that are under way."""

    def __init__(self, seconds: Mapping[str, float] = DEFAULTS) -> None:
        """
        Args:
            seconds: the bound of each wait, by its name.
        """
        self.seconds = seconds
        self.moved = False
        """`wake_at` may have changed since this was last set to False."""
        self._due: dict[tuple[Wait, str], int] = {}

    def begin(self, wait: Wait, key: str, since: int) -> None:
        """Wait for something about `key` (an id) from `since` on, in nanoseconds. A wait that runs begins anew."""
        self._due[wait, key] = since + round(self.seconds[wait.name] * NS_PER_S)
        self.moved = True

    def end(self, wait: Wait, key: str) -> None:
        """Wait no longer; without effect if nobody waits."""
        if self._due.pop((wait, key), None) is not None:
            self.moved = True

    def under_way(self, wait: Wait, key: str) -> bool:
        """Return whether something is waited for."""
        return (wait, key) in self._due

    def take_overdue(self, now: int) -> list[tuple[Wait, str]]:
        """End the waits whose bound is reached, and return them, the longest overdue first."""
        overdue = sorted((key for key, due in self._due.items() if due <= now), key=lambda key: self._due[key])
        for key in overdue:
            del self._due[key]
        self.moved = self.moved or bool(overdue)
        return overdue

    def wake_at(self) -> int | None:
        """Return when the next bound is reached, in nanoseconds; None if nothing is waited for."""
        return min(self._due.values(), default=None)
