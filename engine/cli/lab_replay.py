"""`engine lab replay`: plays a recorded session to a program and says whether it does what it did."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.cli.agent_choice import load_agent
from engine.cli.exit_status import CommandFailed, ExitStatus
from engine.cli.say import say
from engine.errors import EngineError, LogError
from engine.lab.replay.recorded_call import load_recording
from engine.lab.replay.replay import replay

EXAMPLES = """\
examples:
  engine lab run support_call --virtual --record --sessions 1 --out runs/a
  engine lab replay runs/a/sessions/s0001
      is this engine still doing the same?
  engine lab replay recordings/monday --agent my_shop.agents:reception
      is my agent, with its own tools?

The exit status is 0 if the behaviour is the same, 12 if it is not.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("recording", type=Path, help="a recording: its folder, or the file of its events")
    parser.add_argument("--agent", metavar="MODULE:NAME", help="the program (default: made of the recorded settings)")
    parser.add_argument(
        "--tolerance-ms",
        type=float,
        default=50.0,
        metavar="MS",
        help="by how much positions in sound may differ (default: 50)",
    )


def run(given: argparse.Namespace) -> ExitStatus:
    """Do it.

    Raises:
        CommandFailed: the recording or the agent cannot be used.
    """
    agent = load_agent(given.agent) if given.agent else None
    try:
        call = load_recording(given.recording)
        came = replay(call, agent, tolerance_ms=given.tolerance_ms)
    except LogError as error:
        raise CommandFailed(ExitStatus.NO_SUCH_FILE, str(error)) from error
    except EngineError as error:
        raise CommandFailed(ExitStatus.FAILED, str(error)) from error
    for note in came.notes:
        say(f"note: {note}", problem=True)
    if came.same:
        say(f"same: {came.sent} events sent, {came.events} events taken")
        return ExitStatus.DONE
    if came.missing is not None:
        say(f"different: {came.missing}")
    for difference in came.differences:
        say(f"different: {difference.sentence}")
    return ExitStatus.DIFFERENT
