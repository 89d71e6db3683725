"""How long a session waits for what the server owes."""

from __future__ import annotations

from typing import Annotated

import attrs

from engine.settings.checking import check_fields
from engine.wire.constraints import Range

Seconds = Annotated[float, Range(0.001)]


@attrs.frozen(kw_only=True)
class WaitSettings:
    """Bounds in seconds. When one is reached, an `error` event tells it and the session goes on. Raises SettingsError.

    `response_begin`: from `response.create` to the response or a refusal. `unclear_refusal`: the same, after an error
    that names no event. `overtaken_request`: the same, from the end of a response that came first. `response_progress`:
    between two signs of life of a response. `untold_response`: the same, of one that began without `response.created`.
    `response_end`: from the cancellation of a response to its end. `turn_end`: from the last audio that was sent to the
    end of the user's speech. `line_turn_end`: from the beginning of the speech to its end, where the server hears the
    user itself. `turn_response`: from the end of the user's turn to the response that the server makes by itself.
    `settings`: from `session.update` to its confirmation.
    """

    response_begin: Seconds = 10.0
    unclear_refusal: Seconds = 2.0
    overtaken_request: Seconds = 4.0
    response_progress: Seconds = 60.0
    untold_response: Seconds = 2.0
    response_end: Seconds = 10.0
    turn_end: Seconds = 6.0
    line_turn_end: Seconds = 120.0
    turn_response: Seconds = 4.0
    settings: Seconds = 10.0

    def __attrs_post_init__(self) -> None:
        check_fields(self, "waits", *(field.name for field in attrs.fields(WaitSettings)))
