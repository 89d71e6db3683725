"""Direct paths: what goes to the server is written in the step that brings it, without waking a task.

    application ─▶ microphone ── DirectAudio ─▶ outbound ── DirectWrite ─▶ link
    router ───────── control ─────────────────▶ outbound ── DirectWrite ─▶ link

Both objects have one rule: *try now; else wake the actor*. A full frame leaves the microphone if the connection has
room for audio, else the audio-in pump is woken. What is outbound is written if the link takes it without waiting, else
the connection's writer is woken. To wake a task for each write costs more than the write.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import trio

from engine.mailboxes.inline_event import InlineEvent
from engine.mailboxes.microphone import Microphone
from engine.mailboxes.outbound import Batch, Outbound
from engine.wire.client_events import ClientEvent


class DirectLink(Protocol):
    """An open connection that may be able to write without waiting."""

    def send_nowait(self, events: Sequence[ClientEvent]) -> bool:
        """Write events, in order, if that needs no waiting; return whether all of them were taken."""
        ...


class DirectWrite:
    """From outbound to the link: write now if the link takes it, else wake the connection's writer."""

    def __init__(self, outbound: Outbound, written: Callable[[Batch], None]) -> None:
        """`written` is called with each batch that was written here."""
        self._outbound = outbound
        self._written = written
        self._link: DirectLink | None = None

    def open(self, link: DirectLink) -> None:
        """Write to this link from now on."""
        self._link = link

    def close(self) -> None:
        """Leave everything to the writer from now on."""
        self._link = None

    @trio.lowlevel.enable_ki_protection
    def flush(self) -> None:
        """Write what waits; while somebody writes already, leave it for when that is done."""
        outbound = self._outbound
        if self._link is None:
            outbound.wake_writer()
            return
        if (batch := outbound.begin()) is None:
            return
        try:
            if self._link.send_nowait(batch.events):
                outbound.begun = None
                self._written(batch)
        finally:
            if outbound.begun is not None:
                outbound.wake_writer()


class DirectAudio:
    """From the microphone to outbound: move full frames now if there is room, else wake the audio-in pump."""

    def __init__(
        self, microphone: Microphone, outbound: Outbound, write: DirectWrite, drain_inbox: Callable[[], None]
    ) -> None:
        """`drain_inbox` routes what the application has told before: it goes to the server before this audio."""
        self._microphone = microphone
        self._outbound = outbound
        self._write = write
        self._drain_inbox = drain_inbox

    @trio.lowlevel.enable_ki_protection
    def put(self, entry: bytes | InlineEvent) -> None:
        """Add to the microphone, which has room, and move on a full frame, or what has a client event behind it."""
        microphone = self._microphone
        microphone.add(entry)
        if microphone.frame_ready:
            self.flush()
            if microphone.frame_ready:  # there was no room, or more than goes in one write
                microphone.wake_pump()

    def flush(self) -> None:
        """Move what there is, perhaps less than a frame, up to the longest write, if there is room for it."""
        self._drain_inbox()
        if self._outbound.has_room:
            self._outbound.put_uplink(*self._microphone.take())
            self._write.flush()
