"""The session's end of the speech child: `hear` and `speak` as calls that can be awaited by any number of tasks."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from engine.errors import EngineError
from engine.local.speech.frames import Head, Unpacker, pack
from engine.local.speech.grammar import Grammar
from engine.local.speech.vad import VoiceClassifier
from engine.local.speech_parts import SpeechParts

NEEDED = ("pocketsphinx", "webrtcvad", "espeakng_loader")
START_LIMIT = 20.0
"""Seconds to start in; it takes less than one on an idle machine."""
STOP_LIMIT = 2.0
WAITING_REQUESTS = 64


def available() -> bool:
    """Whether the speech extra is installed."""
    return all(importlib.util.find_spec(name) is not None for name in NEEDED)


@asynccontextmanager
async def open_speech(grammar: Grammar) -> AsyncIterator[SpeechParts]:
    """Ears that know `grammar`, and a voice, in a child process that ends with the block.

    Raises:
        EngineError: the child does not start; the text says why.
    """
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "engine.local.speech.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    child = SpeechChild(process)
    failure: Exception | None = None
    try:
        await child.start(grammar)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child.read)
            nursery.start_soon(child.write)
            try:
                yield SpeechParts(child, child, VoiceClassifier)
            except Exception as error:  # the block's own, which a nursery would wrap in a group
                failure = error
            nursery.cancel_scope.cancel(reason="speech is no longer needed")
    finally:
        with trio.CancelScope(shield=True):
            await child.stop()
    if failure is not None:
        raise failure


class SpeechChild:
    """Requests and their answers. Implements `Ears` and `Voice`."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._unpacker = Unpacker()
        self._waiting: dict[int, trio.MemorySendChannel[tuple[Head, bytes]]] = {}
        self._count = 0
        self._to_write, self._requests = trio.open_memory_channel[bytes](WAITING_REQUESTS)

    async def hear(self, pcm: bytes) -> str | None:
        """The sentence in mono 16-bit PCM at 24 kHz, or None if it is none of the grammar's."""
        head, _ = await self._ask({"do": "hear"}, pcm)
        text: str | None = head["text"]
        return text

    async def speak(self, text: str, voice: str, speed: float) -> bytes:
        """`text` as mono 16-bit PCM at 24 kHz."""
        _, pcm = await self._ask({"do": "speak", "text": text, "voice": voice, "speed": speed}, b"")
        return pcm

    async def start(self, grammar: Grammar) -> None:
        """Hand over the grammar and wait until both engines stand."""
        assert self._process.stdin is not None
        slots = {name: list(values) for name, values in grammar.slots.items()}
        with trio.move_on_after(START_LIMIT) as patience:
            try:
                await self._process.stdin.send_all(pack({"templates": list(grammar.templates), "slots": slots}))
                for head, _ in await self._receive():
                    if "error" in head:
                        raise EngineError(f"speech does not start: {head['error']}")
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                raise EngineError("speech does not start: its process has ended") from None
        if patience.cancelled_caught:
            raise EngineError(f"speech does not start within {START_LIMIT:g} seconds")

    async def read(self) -> None:
        """Deliver answers until cancelled."""
        while True:
            for head, body in await self._receive():
                if answer := self._waiting.pop(head["id"], None):
                    answer.send_nowait((head, body))

    async def write(self) -> None:
        """Send requests, whole and one after another, until cancelled."""
        assert self._process.stdin is not None
        async for request in self._requests:
            try:
                await self._process.stdin.send_all(request)
            except trio.BrokenResourceError:
                raise EngineError("the speech process has ended") from None

    async def stop(self) -> None:
        """End the child: it stops when its input does, and is made to if it does not."""
        assert self._process.stdin is not None
        await self._process.stdin.aclose()
        with trio.move_on_after(STOP_LIMIT):
            await self._process.wait()
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._process.stdout is not None:
            await self._process.stdout.aclose()

    async def _ask(self, head: Head, body: bytes) -> tuple[Head, bytes]:
        self._count += 1
        number = self._count
        send, receive = trio.open_memory_channel[tuple[Head, bytes]](1)
        self._waiting[number] = send
        try:
            await self._to_write.send(pack({**head, "id": number}, body))
            return await receive.receive()
        finally:
            self._waiting.pop(number, None)

    async def _receive(self) -> list[tuple[Head, bytes]]:
        assert self._process.stdout is not None
        while True:
            data = await self._process.stdout.receive_some()
            if not data:
                raise EngineError("the speech process has ended")
            if frames := self._unpacker.feed(bytes(data)):
                return frames
