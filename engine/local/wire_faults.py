"""Faults of the wire: what goes wrong with events on their way out, as `Faults` asks for it."""

from __future__ import annotations

import attrs
import orjson

from engine.local.settings.faults import Faults
from engine.wire.codec import encode_server
from engine.wire.server_events import (
    ErrorDetail,
    ErrorEvent,
    KnownServerEvent,
    ResponseCreated,
    SessionCreated,
)
from engine.wire.struct import evolve

_MALFORMED = (b'{"type":"response.output_audio.delta","event_id":', b'{"type":"response.done"}', b"null", b"[]")
_UNKNOWN = b'{"type":"server.tea_time","event_id":"event_unknown","kettle":{"boils":true}}'


@attrs.frozen
class Outgoing:
    """Messages for the wire, and whether the connection breaks behind them."""

    messages: tuple[bytes, ...]
    breaks: bool = False


class FaultyWire:
    """Writes events as messages, with the faults that were asked for. Counts events over the whole
    session."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._events = 0
        self._responses = 0

    def write(self, events: list[KnownServerEvent]) -> Outgoing:
        """The messages for `events`."""
        messages: list[bytes] = []
        for event in events:
            if self._withheld(event):
                continue
            faults = self._faults
            if faults.mute_after is not None and self._events >= faults.mute_after:
                break
            self._events += 1
            messages.append(encode_server(self._changed(event)))
            messages.extend(self._additions(event))
            if faults.drop_after is not None and self._events >= faults.drop_after:
                return Outgoing(tuple(messages), breaks=True)
        return Outgoing(tuple(messages))

    def _withheld(self, event: KnownServerEvent) -> bool:
        if not isinstance(event, ResponseCreated):
            return False
        self._responses += 1
        return self._responses in self._faults.without_created

    def _changed(self, event: KnownServerEvent) -> KnownServerEvent:
        if not isinstance(event, ErrorEvent) or not self._faults.null_error_codes:
            return event
        detail: ErrorDetail = evolve(event.error, code=None)
        return evolve(event, error=detail)

    def _additions(self, event: KnownServerEvent) -> list[bytes]:
        faults, added = self._faults, []
        if faults.huge_event_bytes is not None and isinstance(event, SessionCreated):
            added.append(orjson.dumps({"type": "server.heap", "heap": "x" * faults.huge_event_bytes}))
        if faults.unknown_event_every is not None and self._events % faults.unknown_event_every == 0:
            added.append(_UNKNOWN)
        if faults.malformed_event_every is not None and self._events % faults.malformed_event_every == 0:
            added.append(_MALFORMED[self._events // faults.malformed_event_every % len(_MALFORMED)])
        return added
