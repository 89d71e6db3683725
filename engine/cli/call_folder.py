"""The directory that a call leaves behind: ``call.wav``, ``events.jsonl``, ``transcript.txt``.

The events are written as they happen and the sound a little behind, so whatever ends a call, what was recorded up to
then is there.
"""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from rich.console import Console

from engine.caller.call_events import CallBegan, CallEvent
from engine.caller.output_format import OutputFormat
from engine.caller.recording import Recording
from engine.cli.entry_view import write_text
from engine.cli.event_json import event_line
from engine.cli.exit_status import CommandFailed, ExitStatus
from engine.cli.transcript import Transcript
from engine.cli.turn_rows import TurnTable
from engine.cli.turn_view import turn_view
from engine.outside.files import create_file, write_file

SOUND, EVENTS, TRANSCRIPT = "call.wav", "events.jsonl", "transcript.txt"
_TEXT_WIDTH = 110


class CallFolder:
    """Writes a call down. A context manager; nothing is made before `open`: a call that never began leaves nothing."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._began_ns = 0
        self._output_format = OutputFormat()
        self._events: BinaryIO | None = None

    def open(self, began_ns: int) -> Recording:
        """Make the directory and the files. Return the recording to fill; whoever fills it closes it.

        Raises:
            CommandFailed: they cannot be written.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._events = create_file(self.directory / EVENTS)
            return Recording(self.directory / SOUND, began_ns=began_ns)
        except OSError as error:
            raise CommandFailed(
                ExitStatus.FAILED, f"the call cannot be recorded in {self.directory}: {error.strerror}"
            ) from error

    def on_event(self, event: CallEvent) -> None:
        """Write an event down."""
        if isinstance(event, CallBegan):
            self._began_ns = event.at_ns
        self._output_format.on_event(event)
        if self._events is not None:
            line = event_line(event, began_ns=self._began_ns, audio_format=self._output_format.current)
            self._events.write(line)

    def conclude(self, transcript: Transcript, table: TurnTable) -> None:
        """Write the transcript and the table of turns."""
        if self._events is None:
            return
        text = StringIO()
        console = Console(file=text, width=_TEXT_WIDTH, color_system=None, legacy_windows=False)
        write_text(transcript.entries, transcript.began_ns, console)
        console.print()
        console.print(turn_view(table))
        lines = [line.rstrip() + "\n" for line in text.getvalue().splitlines()]
        write_file(self.directory / TRANSCRIPT, "".join(lines).encode("utf-8", "replace"))

    @property
    def opened(self) -> bool:
        """Whether there is anything."""
        return self._events is not None

    def __enter__(self) -> CallFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._events is not None:
            self._events.close()
