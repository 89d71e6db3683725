"""Repeats: events that a server, or a relay before it, delivers twice.

The same `event_id` with the same contents is the same event, told again. An `event_id` that comes with other contents
says that this server's ids mean nothing (some give every event the same one): from then on they are not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.wire.server_events import ResponseOutputAudioDelta, ServerEvent

REMEMBERED_EVENTS = 64
"""How many events are remembered at least, and twice as many at most: repeats follow soon."""


class Repeats:
    """The latest events by id."""

    def __init__(self) -> None:
        self._latest: dict[str, ServerEvent | tuple[str, str, int]] = {}
        self._before: dict[str, ServerEvent | tuple[str, str, int]] = {}
        self._trusted = True

    def without(self, events: Sequence[ServerEvent]) -> Sequence[ServerEvent]:
        """Return events without those that have been told before."""
        if not self._trusted:
            return events
        repeated: list[int] = []
        for at, event in enumerate(events):
            if not (event_id := event.event_id):
                continue
            # Of audio its length is kept: the audio itself is most of what there is.
            kept = (
                (event.response_id, event.item_id, len(event.delta))
                if type(event) is ResponseOutputAudioDelta
                else event
            )
            known = self._latest.get(event_id) or self._before.get(event_id)
            if known is None:
                self._latest[event_id] = kept
            elif known == kept:
                repeated.append(at)
            else:
                self._trusted = False
                self._latest.clear()
                self._before.clear()
                break
        if len(self._latest) > REMEMBERED_EVENTS:
            self._latest, self._before = {}, self._latest
        return [event for at, event in enumerate(events) if at not in repeated] if repeated else events
