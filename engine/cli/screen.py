"""The call on a terminal: what grows is redrawn in place, what is settled scrolls up and stays.

On a terminal that can do it, the entries that still grow stand in a live region at the bottom: transcripts grow, and of
the agent's words those that have been heard are bright and those still to be played are dim. Where the output is a
pipe, a file or a dumb terminal there is no live region: each entry is printed once, as soon as its words are complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType

import trio
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.segment import Segment

from engine.caller.call_events import CallEvent
from engine.cli.entry_view import view
from engine.cli.transcript import AgentSaid, CallerSaid, Entry, Transcript

REFRESH_SECONDS = 0.1
_LINES_KEPT_FREE = 2


class Screen:
    """Shows a transcript while it grows. A context manager; `run` keeps the live region moving."""

    def __init__(
        self,
        console: Console,
        transcript: Transcript,
        *,
        live: bool,
        played_ms: Callable[[str], int] = lambda item_id: 0,
        shows_typed: bool = True,
    ) -> None:
        """
        Args:
            console: where to show it.
            transcript: what to show; it must be told of an event before the screen is.
            live: use a live region, if the console has a terminal that can do it.
            played_ms: how much of an item has been heard.
            shows_typed: show typed lines of the caller; False where the terminal itself has echoed them.
        """
        self._console = console
        self._transcript = transcript
        self.played_ms = played_ms
        self._shows_typed = shows_typed
        self._shown = 0
        able = console.is_terminal and not console.is_dumb_terminal
        self._live = (
            Live(console=console, auto_refresh=False, transient=True, get_renderable=self._growing)
            if live and able
            else None
        )

    def __enter__(self) -> Screen:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._flush()
        if self._live is not None:
            self._live.stop()

    def take(self, event: CallEvent) -> None:
        """The transcript may have changed."""
        self._flush()

    async def run(self) -> None:
        """Redraw the live region, ten times a second. Until cancelled."""
        while self._live is not None:
            self._live.refresh()
            await trio.sleep(REFRESH_SECONDS)

    def _flush(self) -> None:
        """Print what changes no more, up to the first entry that still grows."""
        entries = self._transcript.entries
        while self._shown < len(entries) and self._is_final(entries[self._shown]):
            entry = entries[self._shown]
            self._shown += 1
            if self._shows_typed or not (isinstance(entry, CallerSaid) and entry.typed):
                self._console.print(view(entry, began_ns=self._transcript.began_ns))

    def _is_final(self, entry: Entry) -> bool:
        if self._live is None and isinstance(entry, AgentSaid):
            return entry.complete or entry.settled
        return entry.settled

    def _growing(self) -> Tail:
        rows = [
            view(
                entry,
                began_ns=self._transcript.began_ns,
                played_ms=self.played_ms(entry.item_id) if isinstance(entry, AgentSaid) else 0,
            )
            for entry in self._transcript.entries[self._shown :]
        ]
        return Tail(Group(*rows))


class Tail:
    """The last lines of something that may be higher than the terminal."""

    def __init__(self, body: Group) -> None:
        self._body = body

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(self._body, options, pad=False)
        yield from self._last(lines, console.height - _LINES_KEPT_FREE)

    @staticmethod
    def _last(lines: list[list[Segment]], most: int) -> Iterator[Segment]:
        for number, line in enumerate(lines[-most:]):
            if number:
                yield Segment.line()
            yield from line
