"""A speech process, seen from the session: started, asked one thing at a time, stopped within a limit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import trio

from engine.errors import SettingsError, SpeechFailed
from engine.local.speech.environment import child_environment
from engine.local.speech.frames import Head, Unpacker, pack

START_LIMIT = 20.0
"""Seconds to start in; it takes less than one on an idle machine."""
ANSWER_LIMIT = 60.0
"""Seconds to answer in; a sentence takes a tenth of its length."""
STOP_LIMIT = 2.0
_PACKAGE_PARENT = str(Path(__file__).parents[3])


class ProcessDied(Exception):
    """The process is gone, or as good as gone."""


class SpeechProcess:
    """Runs `engine.local.speech.worker`. Make it with `start`, and `stop` it whatever happens."""

    def __init__(self, process: trio.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout
        self._unpacker = Unpacker()

    @classmethod
    async def start(cls, does: str, hello: Head) -> SpeechProcess:
        """Start a process that `does` one thing ("hear" or "speak"), and wait until it can.

        Raises:
            SettingsError: it cannot be done with what is in `hello`.
            SpeechFailed: the process does not start.
        """
        search_path = os.pathsep.join(filter(None, (_PACKAGE_PARENT, os.environ.get("PYTHONPATH"))))
        started = cls(
            await trio.lowlevel.open_process(
                # -P: a file of ours, not one that happens to lie in the working directory
                [sys.executable, "-P", "-m", "engine.local.speech.worker", does],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**child_environment(os.environ), "PYTHONPATH": search_path},
                # Ctrl-C in a terminal goes to a whole group: this process ends when its parent says so
                start_new_session=True,
            )
        )
        ready = False
        try:
            head, _ = await started._exchange(hello, b"", START_LIMIT)
            if "error" in head:
                refusal = SettingsError if head.get("settings") else SpeechFailed
                raise refusal(f"speech does not start: {head['error']}")
            ready = True
        except ProcessDied as death:
            raise SpeechFailed(f"speech does not start: {death}") from None
        finally:
            if not ready:
                await started.stop()
        return started

    async def ask(self, head: Head, body: bytes) -> tuple[Head, bytes]:
        """Send a request and wait for its answer.

        Raises:
            ProcessDied: there will be none.
        """
        return await self._exchange(head, body, ANSWER_LIMIT)

    async def stop(self) -> None:
        """End the process: it ends when its input does, and is killed if it does not. Not cancelled from outside."""
        with trio.move_on_after(STOP_LIMIT, shield=True):
            await self._stdin.aclose()
            await self._process.wait()
        if self._process.returncode is None:
            self._process.kill()
        with trio.move_on_after(STOP_LIMIT, shield=True):
            await self._process.wait()
            await self._stdout.aclose()

    async def _exchange(self, head: Head, body: bytes, limit: float) -> tuple[Head, bytes]:
        with trio.move_on_after(limit):
            try:
                await self._stdin.send_all(pack(head, body))
            except trio.BrokenResourceError:
                raise ProcessDied("its process has ended") from None
            while True:
                data = await self._stdout.receive_some()
                if not data:
                    raise ProcessDied("its process has ended")
                for answer in self._unpacker.feed(bytes(data)):
                    return answer
        raise ProcessDied(f"its process does not answer within {limit:g} seconds")
