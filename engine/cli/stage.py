"""Everything that a call shows while it happens: the conversation for people, JSON lines for programs.

With ``--json`` standard output belongs to the program that reads it, and what people read goes to standard error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import TracebackType

from rich.console import Console

from engine.caller.call_events import CallBegan, CallerTyped, CallEvent
from engine.caller.player import Loudspeaker
from engine.cli.event_json import event_line
from engine.cli.screen import Screen
from engine.cli.transcript import Transcript
from engine.cli.turn_rows import TurnTable
from engine.cli.turn_view import turn_view
from engine.events import TurnMetrics


class Stage:
    """Watches a call. A context manager: the screen is live inside it."""

    def __init__(self, *, json: bool, quiet: bool, typed_at_terminal: bool) -> None:
        self.transcript = Transcript()
        self.events: list[CallEvent] = []
        """What the table of turns is made from."""
        self.on_reader_gone: Callable[[], None] = _nobody_cares
        self._json = json and sys.stdout is not None
        self._began_ns = 0
        self._console = PatientConsole(self, stderr=json, quiet=quiet, highlight=False)
        self._screen = Screen(
            self._console, self.transcript, live=not typed_at_terminal, shows_typed=not typed_at_terminal
        )

    def __enter__(self) -> Stage:
        self._screen.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._screen.__exit__(kind, error, traceback)

    def listen_to(self, loudspeaker: Loudspeaker) -> None:
        """Follow what is being played."""
        self._screen.played_ms = loudspeaker.played_ms

    def take(self, event: CallEvent) -> None:
        """Show an event."""
        if isinstance(event, CallBegan):
            self._began_ns = event.at_ns
        if isinstance(event, TurnMetrics | CallerTyped):
            self.events.append(event)
        if self._json:
            self._print_json(event)
        self.transcript.take(event)
        self._screen.take(event)

    async def run(self) -> None:
        """Keep the screen moving. Until cancelled."""
        await self._screen.run()

    def say(self, text: str, *, style: str = "dim") -> None:
        """A line for people."""
        self._console.print(text, style=style, markup=False)

    def show_table(self, table: TurnTable) -> None:
        """The turns, after the call."""
        self._console.print()
        self._console.print(turn_view(table))

    def _print_json(self, event: CallEvent) -> None:
        try:
            sys.stdout.buffer.write(event_line(event, began_ns=self._began_ns))
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            self._json = False
            self.reader_gone()

    def reader_gone(self) -> None:
        """Nobody reads standard output any more: nothing is written to it again, not even when the program ends."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        self.on_reader_gone()


class PatientConsole(Console):
    """A console that does not end the program when its reader goes away."""

    def __init__(self, stage: Stage, *, stderr: bool, quiet: bool, highlight: bool) -> None:
        super().__init__(stderr=stderr, quiet=quiet, highlight=highlight)
        self._stage = stage

    def on_broken_pipe(self) -> None:
        """See `Console.on_broken_pipe`: called instead of raising."""
        self.quiet = True
        self._stage.reader_gone()


def _nobody_cares() -> None:
    return
