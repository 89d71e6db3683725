"""Hearing and speaking as calls that any number of tasks can await: one process for each, so that a long sentence heard
for one session does not hold up the words of another.

==========  ==========================================================================================
owns        its process
reads       requests, one of each client in turn; one whose task was cancelled meanwhile is passed over
writes      the answer, into the request
ends when   it is cancelled: the process is stopped, requests that wait fail
==========  ==========================================================================================

A request that its process did not survive is made once more, in a new process; if that dies too, the request fails and
the next one gets a new process.
"""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import attrs
import trio

from engine.errors import EngineError, SpeechFailed
from engine.local.speech.frames import Head
from engine.local.speech.grammar import Grammar
from engine.local.speech.parts import SpeechParts
from engine.local.speech.process import ProcessDied, SpeechProcess
from engine.local.speech.vad import VoiceClassifier
from engine.serving.rotation import Rotation

NEEDED = ("pocketsphinx", "webrtcvad", "espeakng_loader")
_CLOSED = "speech was closed"


def available() -> bool:
    """Whether the speech extra is installed."""
    return all(importlib.util.find_spec(name) is not None for name in NEEDED)


@asynccontextmanager
async def open_speech(grammar: Grammar) -> AsyncIterator[SpeechParts]:
    """A recognizer that knows `grammar`, and a synthesizer, for as long as the block.

    Raises:
        SettingsError: a word of the grammar has no pronunciation.
        SpeechFailed: a process does not start; the text says why.
    """
    slots = {name: list(values) for name, values in grammar.slots.items()}
    recognizer = _ChildRecognizer(SpeechChild("hear", {"templates": list(grammar.templates), "slots": slots}))
    synthesizer = _ChildSynthesizer(SpeechChild("speak", {}))
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        try:
            await nursery.start(recognizer.child.run)
            await nursery.start(synthesizer.child.run)
            yield SpeechParts(
                recognizer,
                synthesizer,
                VoiceClassifier,
                shared=lambda: (_ChildRecognizer(recognizer.child), _ChildSynthesizer(synthesizer.child)),
            )
        except Exception as error:  # the block's own, which the nursery would wrap in a group
            failure = error
        nursery.cancel_scope.cancel(reason="speech is no longer needed")
    if failure is not None:
        raise failure


@attrs.define(eq=False)
class _Request:
    head: Head
    body: bytes
    answer: tuple[Head, bytes] | EngineError | None = None
    answered: trio.Event = attrs.field(factory=trio.Event)
    wanted: bool = True

    def resolve(self, answer: tuple[Head, bytes] | EngineError) -> None:
        self.answer = answer
        self.answered.set()


class SpeechChild:
    """One process and its requests.

    Args:
        does: "hear" or "speak".
        hello: what every process of this child is told first.
    """

    def __init__(self, does: str, hello: Head) -> None:
        self._does = does
        self._hello = hello
        self._process: SpeechProcess | None = None
        self._requests = Rotation[_Request]()
        """As many for each client as its quotas let it have: `Quotas.responses`, and what it may have heard at once."""
        self._asked = trio.Event()
        self._closed = False

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled. Has started when the process is ready.

        Raises:
            SettingsError, SpeechFailed: the first process does not start.
        """
        try:
            self._process = await SpeechProcess.start(self._does, self._hello)
            task_status.started()
            while True:
                if not len(self._requests):
                    self._asked = trio.Event()
                    await self._asked.wait()
                request = self._requests.take()
                if request.wanted:
                    request.resolve(await self._serve(request))
        finally:
            await self._stop()
            self._fail_the_rest()

    async def ask(self, client: int, head: Head, body: bytes = b"") -> tuple[Head, bytes]:
        """Make a request for a client, which is served in turn with the others.

        Raises:
            SpeechFailed: it cannot be answered.
        """
        if self._closed:
            raise SpeechFailed(_CLOSED)
        request = _Request(head, body)
        self._requests.put(client, request)
        self._asked.set()
        try:
            await request.answered.wait()
        finally:
            request.wanted = False
            self._requests.drop(client, request)
        assert request.answer is not None
        if isinstance(request.answer, EngineError):
            raise request.answer
        return request.answer

    async def _serve(self, request: _Request) -> tuple[Head, bytes] | EngineError:
        death = ""
        for _ in range(2):
            try:
                if self._process is None:
                    self._process = await SpeechProcess.start(self._does, self._hello)
                answer = await self._process.ask(request.head, request.body)
            except ProcessDied as died:
                death = str(died)
                await self._stop()
            except EngineError as refusal:
                return refusal
            else:
                return SpeechFailed(answer[0]["error"]) if "error" in answer[0] else answer
        return SpeechFailed(f"speech broke down twice over one request: {death}")

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await process.stop()

    def _fail_the_rest(self) -> None:
        self._closed = True
        while len(self._requests):
            self._requests.take().resolve(SpeechFailed(_CLOSED))


_CLIENTS = count()


@attrs.frozen
class _ChildRecognizer:
    child: SpeechChild
    client: int = attrs.field(factory=lambda: next(_CLIENTS))

    async def hear(self, pcm: bytes) -> str | None:
        head, _ = await self.child.ask(self.client, {}, pcm)
        text: str | None = head["text"]
        return text


@attrs.frozen
class _ChildSynthesizer:
    child: SpeechChild
    client: int = attrs.field(factory=lambda: next(_CLIENTS))

    async def speak(self, text: str, voice: str, speed: float) -> bytes:
        _, pcm = await self.child.ask(self.client, {"text": text, "voice": voice, "speed": speed})
        return pcm
