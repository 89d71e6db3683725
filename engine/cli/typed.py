"""``--text``: the caller types.

Standard input is read without a thread and without changing its mode: a thread that waits in a read keeps a program
from ending, and a terminal shares its mode with standard output.
"""

from __future__ import annotations

import os
import stat

import attrs
import trio

from engine.caller.caller import CallerActions

_READ_SIZE = 4096


class TypedLines:
    """Lines of text from a file descriptor: a terminal, a pipe or a file. An asynchronous iterator."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pending = b""
        self._ended = False
        mode = os.fstat(descriptor).st_mode
        self._must_wait = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)

    def __aiter__(self) -> TypedLines:
        return self

    async def __anext__(self) -> str:
        """The next line that is not empty, without its line break."""
        while True:
            line, found, rest = self._pending.partition(b"\n")
            if found or (self._ended and line):
                self._pending = rest
                if text := line.decode(errors="replace").strip():
                    await trio.lowlevel.checkpoint()
                    return text
            elif self._ended:
                raise StopAsyncIteration
            else:
                await self._read()

    async def _read(self) -> None:
        if self._must_wait:
            await trio.lowlevel.wait_readable(self._descriptor)
        else:
            await trio.lowlevel.checkpoint()
        piece = os.read(self._descriptor, _READ_SIZE)
        self._ended = not piece
        self._pending += piece


@attrs.frozen
class TypedCaller:
    """Sends lines as they come. Somebody at a terminal may interrupt the agent; the lines of a pipe wait their turn."""

    lines: TypedLines
    interactive: bool

    @property
    def speaks(self) -> bool:
        """See `Caller.speaks`."""
        return False

    async def call(self, actions: CallerActions, began_ns: int, *, greeted: bool) -> None:
        """See `Caller.call`."""
        since_ns, expects_answer = began_ns, greeted
        async for text in self.lines:
            if expects_answer and not self.interactive:
                await actions.agent_finished(since_ns)
            since_ns, expects_answer = await actions.type(text), True
        if expects_answer and not self.interactive:
            await actions.agent_finished(since_ns)
