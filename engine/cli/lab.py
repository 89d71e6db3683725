"""`engine lab`: which of its commands is meant. Each is a module of its own, imported when it is run."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Protocol, cast

import attrs

from engine._messages import suggest
from engine.cli.exit_status import CommandFailed, ExitStatus
from engine.cli.say import say


class LabCommand(Protocol):
    """What the module of a command has."""

    EXAMPLES: str
    """Shown below the options."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare its options."""
        ...

    def run(self, given: argparse.Namespace) -> ExitStatus:
        """Do it. Raises CommandFailed."""
        ...


@attrs.frozen
class _Entry:
    module: str
    help: str


COMMANDS: Mapping[str, _Entry] = {
    "run": _Entry("engine.cli.lab_run", "hold the calls of a scenario, in real or in virtual time"),
    "report": _Entry("engine.cli.lab_report", "one HTML page of a run, to look at and to send"),
    "compare": _Entry("engine.cli.lab_compare", "two runs side by side, with a verdict"),
    "replay": _Entry("engine.cli.lab_replay", "play a recorded session to a program, and see whether it does the same"),
    "export": _Entry("engine.cli.lab_export", "a run as CSV, Parquet, Chrome trace, OpenTelemetry or HDR histograms"),
}


def lab(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` describe.

    Raises:
        CommandFailed: it could not be done.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        say(_about())
        return ExitStatus.DONE
    name = arguments[0]
    if name not in COMMANDS:
        hint = suggest(name, COMMANDS, f": the commands are {', '.join(COMMANDS)}")
        raise CommandFailed(ExitStatus.USAGE, f"there is no command 'lab {name}'{hint}")
    entry = COMMANDS[name]
    command = cast("LabCommand", import_module(entry.module))
    parser = argparse.ArgumentParser(
        prog=f"engine lab {name}",
        description=f"{entry.help[0].upper()}{entry.help[1:]}.",
        epilog=command.EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_arguments(parser)
    return command.run(parser.parse_args(arguments[1:]))


def _about() -> str:
    width = max(map(len, COMMANDS))
    lines = "\n".join(f"  {name:<{width}}  {entry.help}" for name, entry in COMMANDS.items())
    return f"usage: engine lab COMMAND ...\n\n{lines}\n\nengine lab COMMAND --help says more of each."
