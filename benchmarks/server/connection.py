"""One client's connection on the load server: handshake, answers to what clients send, and what the modes need.

Everything that a client may send gets the answer that the service gives, so that no peer waits for an
acknowledgement in vain; what a mode measures (arrival of a truncate, of a tool's output) is kept with its time.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from typing import Any, Final, cast

import orjson

from benchmarks.server import frames, session_object
from benchmarks.server.script import event, identity, user_turn

HIGH_WATER: Final = 256 * 1024
LARGEST_REQUEST: Final = 64 * 1024
PING_EVERY_S: Final = 20.0
_APPEND: Final = b'"input_audio_buffer.append"'


def audio_characters(append: bytes) -> int:
    """How long the base64 of an append event is, found without parsing: there are thousands of them a second."""
    key = append.find(b'"audio"')
    begin = append.find(b'"', append.find(b":", key) + 1) + 1
    return append.find(b'"', begin) - begin


class Connection(asyncio.Protocol):
    """One session's socket. `kept[type]` holds (arrival in ns, event) of the kinds in `keep`."""

    def __init__(self, server: Listener) -> None:
        self.server = server
        self.seat = -1
        self.model = ""
        self.appends = 0
        self.append_characters = 0
        self.last_append_ns = 0
        self.last_item: str | None = None
        self.number = 0
        self.open = False
        self.lost = asyncio.Event()
        self.heard_something = asyncio.Event()
        self.kept: defaultdict[str, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
        self._buffer = bytearray()
        self._pong = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._session: dict[str, Any] = {}
        self._transport: asyncio.Transport | None = None
        self._pings: asyncio.TimerHandle | None = None

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports derive from neither class
        self._transport.set_write_buffer_limits(high=HIGH_WATER)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._pings is not None:
            self._pings.cancel()
        self._writable.set()
        self.lost.set()
        self.heard_something.set()
        self._pong.set()
        self.server.gone(self)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        self._buffer += data
        if not self.open:
            self._handshake()
            if not self.open:
                return
        for opcode, payload in frames.cut(self._buffer):
            if opcode == frames.TEXT:
                self._received(payload, now)
            elif opcode == frames.PING:
                self.write(frames.frame(payload, frames.PONG))
            elif opcode == frames.PONG:
                self._pong.set()
            elif opcode == frames.CLOSE:
                self.write(frames.frame(payload[:2], frames.CLOSE))
                self.close()

    # -- for the modes

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self.lost.is_set():
            self._transport.write(data)

    async def room(self) -> None:
        """Wait until the socket takes more, or is lost."""
        if not self._writable.is_set():
            await self._writable.wait()

    async def caught_up(self, limit_s: float = 20.0) -> None:
        """Wait until the client has read everything so far: a ping behind it all has been answered."""
        await self.room()
        self._pong.clear()
        self.write(frames.frame(b"read", frames.PING))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._pong.wait(), limit_s)

    async def acknowledged(self, limit_s: float = 30.0) -> None:
        """Wait until the application itself has answered a delta that asked it to."""
        deadline = time.monotonic() + limit_s
        before = self.appends
        while self.appends == before and not self.lost.is_set():
            self.heard_something.clear()
            try:
                await asyncio.wait_for(self.heard_something.wait(), max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                return

    async def kept_one(self, kind: str, count: int, limit_s: float) -> tuple[int, dict[str, Any]] | None:
        """The `count`-th event (from 1) of a kind, waiting for it at most `limit_s`; None if it did not come."""
        deadline = time.monotonic() + limit_s
        while len(self.kept[kind]) < count:
            left = deadline - time.monotonic()
            if left <= 0 or self.lost.is_set():
                return None
            self.heard_something.clear()
            try:
                await asyncio.wait_for(self.heard_something.wait(), left)
            except TimeoutError:
                return None
        return self.kept[kind][count - 1]

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def goodbye(self) -> None:
        """Close from the server's side, as at the end of a run."""
        self.write(frames.frame((1000).to_bytes(2, "big"), frames.CLOSE))
        self.close()

    # -- what clients send

    def _handshake(self) -> None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > LARGEST_REQUEST:
                self.close()
            return
        request = bytes(self._buffer[: end + 4])
        del self._buffer[: end + 4]
        answer, path = frames.accept(request)
        self.write(answer)
        query = dict(part.partition("=")[::2] for part in path.partition("?")[2].split("&"))
        self.model = query.get("model", "")
        tail = self.model.rpartition("-")[2]
        self.seat = int(tail) if tail.isdigit() else -1
        self._session = session_object.fresh(identity("sess"), self.model)
        self.open = True
        self.write(event("session.created", session=self._session))
        self._ping_later()

    def _ping_later(self) -> None:
        def ping() -> None:
            self.write(frames.frame(b"beat", frames.PING))
            self._ping_later()

        self._pings = asyncio.get_running_loop().call_later(PING_EVERY_S, ping)

    def _received(self, payload: bytes, now: int) -> None:
        if _APPEND in payload:
            self.appends += 1
            self.append_characters += audio_characters(payload)
            self.last_append_ns = now
            self.heard_something.set()
            return
        sent = orjson.loads(payload)
        kind = sent.get("type", "")
        self.kept[kind].append((now, sent))
        self._answer(kind, sent)
        self.heard_something.set()

    def _answer(self, kind: str, sent: dict[str, Any]) -> None:
        if kind == "session.update":
            session_object.merge(self._session, sent["session"])
            self.write(event("session.updated", session=self._session))
            self.server.ready(self)
        elif kind == "conversation.item.create":
            item = {"id": identity("item"), "status": "completed", **sent["item"]}
            for type_ in ("conversation.item.added", "conversation.item.done"):
                self.write(event(type_, previous_item_id=self.last_item, item=item))
            self.last_item = item["id"]
        elif kind == "conversation.item.truncate":
            echo = {key: sent[key] for key in ("item_id", "content_index", "audio_end_ms")}
            self.write(event("conversation.item.truncated", **echo))
        elif kind == "conversation.item.delete":
            self.write(event("conversation.item.deleted", item_id=sent["item_id"]))
        elif kind == "input_audio_buffer.clear":
            self.write(event("input_audio_buffer.cleared"))
        elif kind == "input_audio_buffer.commit":
            self.last_item, committed = user_turn(self.last_item)
            self.write(committed)
        elif kind == "response.cancel":
            self._refuse(sent, "response_cancel_not_active", "Cancellation failed: no active response found")
        elif kind == "conversation.item.retrieve":
            self._refuse(sent, "item_retrieve_invalid_item_id", "Error retrieving item: it does not exist.")

    def _refuse(self, sent: dict[str, Any], code: str, message: str) -> None:
        error = {
            "type": "invalid_request_error", "code": code, "message": message, "param": None,
            "event_id": sent.get("event_id"),
        }  # fmt: skip
        self.write(event("error", error=error))


class Listener:
    """What a connection tells the server; see `benchmarks.server.load`."""

    def ready(self, connection: Connection) -> None:
        """The session has its settings."""

    def gone(self, connection: Connection) -> None:
        """The socket is closed."""

    def all_heard(self) -> bool:
        """Every measured session has been played to its end."""
        return True
