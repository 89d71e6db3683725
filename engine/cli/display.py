"""Everything that a call shows while it happens: the conversation for people, JSON lines for programs.

With ``--json`` standard output belongs to the program that reads it, and what people read goes to standard error.

On a terminal that can do it, the entries that still grow stand in a live region at the bottom: transcripts grow, and of
the agent's words those that have been heard are bright and those still to be played are dim. What is settled scrolls up
and stays. Where the output is a pipe, a file or a dumb terminal there is no live region: each entry is printed once, as
soon as its words are complete.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from types import TracebackType

import trio
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.segment import Segment

from engine.caller.call_events import CallBegan, CallerTyped, CallEvent
from engine.caller.output_format import OutputFormat
from engine.caller.player import Player
from engine.cli.entry_view import view
from engine.cli.event_json import event_line
from engine.cli.shown import shown
from engine.cli.transcript import AgentSaid, CallerSaid, Transcript, TranscriptEntry
from engine.cli.turn_rows import TurnTable
from engine.cli.turn_view import turn_view
from engine.events import TurnMetrics

REFRESH_SECONDS = 0.1
_LINES_KEPT_FREE = 2


class CallDisplay:
    """Watches a call. A context manager: the screen is live inside it."""

    def __init__(self, *, json: bool, quiet: bool, typed_at_terminal: bool) -> None:
        self.transcript = Transcript()
        self.events: list[CallEvent] = []
        """What the table of turns is made from."""
        self.on_reader_gone: Callable[[], None] = _ignore
        self._json = json and sys.stdout is not None
        self._began_ns = 0
        self._output_format = OutputFormat()
        self._console = PatientConsole(self, stderr=json, quiet=quiet, highlight=False)
        self._screen = Screen(
            self._console, self.transcript, live=not typed_at_terminal, shows_typed=not typed_at_terminal
        )

    def __enter__(self) -> CallDisplay:
        self._screen.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._screen.__exit__(kind, error, traceback)

    def listen_to(self, player: Player) -> None:
        """Follow what is being played."""
        self._screen.played_ms = player.played_ms

    def on_event(self, event: CallEvent) -> None:
        """Show an event."""
        if isinstance(event, CallBegan):
            self._began_ns = event.at_ns
        self._output_format.on_event(event)
        if isinstance(event, TurnMetrics | CallerTyped):
            self.events.append(event)
        if self._json:
            self._print_json(event)
        self.transcript.on_event(event)
        self._screen.on_event(event)

    async def run(self) -> None:
        """Keep the screen moving until cancelled."""
        await self._screen.run()

    def say(self, text: str, *, style: str = "dim") -> None:
        """Print a line for people."""
        self._console.print(shown(text, style))

    def show_table(self, table: TurnTable) -> None:
        """Print the table of turns, after the call."""
        self._console.print()
        self._console.print(turn_view(table))

    def _print_json(self, event: CallEvent) -> None:
        try:
            line = event_line(event, began_ns=self._began_ns, audio_format=self._output_format.current)
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            self._json = False
            self.reader_gone()

    def reader_gone(self) -> None:
        """Write nothing to standard output from now on, not even when the program ends: nobody reads it."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        self.on_reader_gone()


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

    def on_event(self, event: CallEvent) -> None:
        """Print what has settled with this event."""
        self._flush()

    async def run(self) -> None:
        """Redraw the live region, ten times a second, until cancelled."""
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

    def _is_final(self, entry: TranscriptEntry) -> bool:
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


class PatientConsole(Console):
    """A console that does not end the program when its reader goes away."""

    def __init__(self, display: CallDisplay, *, stderr: bool, quiet: bool, highlight: bool) -> None:
        super().__init__(stderr=stderr, quiet=quiet, highlight=highlight)
        self._display = display

    def on_broken_pipe(self) -> None:
        """Fall silent. See `Console.on_broken_pipe`: called instead of raising."""
        self.quiet = True
        self._display.reader_gone()


def _ignore() -> None:
    return
