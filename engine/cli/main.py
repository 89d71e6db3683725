"""The `engine` command: what it understands, and with which status it ends."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from engine._messages import suggest
from engine.cli import serve_options, talk_options
from engine.cli.exit_status import CommandFailed, ExitStatus
from engine.cli.say import say
from engine.outside.printable import one_line
from engine.version import VERSION

COMMANDS = ("talk", "serve", "lab")
_ABOUT = """\
Realtime voice-agent sessions on trio, from the command line.

  engine talk                       a spoken customer-service call with the local model: no key, no network
  engine talk --audio question.wav  ask it with your own voice
  engine talk --text                type instead
  engine serve --port 8765          the local model alone, for anybody's Realtime client
  engine lab run support_call       simulated calls, measured: see engine lab --help
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` (by default, the program's) describe. Returns its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without a character shows another, and the call goes on
    if given and (problem := _unknown_command(given[0])):
        return _complain(ExitStatus.USAGE, problem)
    parser = _parser()
    if not given:
        parser.print_help()
        return ExitStatus.DONE
    try:
        if given[0] == "lab":
            from engine.cli.lab import lab

            return lab(given[1:])
        return _run(parser.parse_args(given))
    except CommandFailed as failed:
        return _complain(failed.status, str(failed))
    except KeyboardInterrupt:
        return _complain(ExitStatus.INTERRUPTED, "interrupted")
    except BrokenPipeError:
        # Whoever reads has seen enough (`engine ... | head`); what is still in the buffer must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.DONE


def _run(given: argparse.Namespace) -> int:
    """A command's code is imported when it is run: `engine --version` needs none of it."""
    if given.command == "serve":
        from engine.cli.serve import serve

        return serve(serve_options.serve_options(given))
    from engine.cli.talk import talk

    return talk(talk_options.talk_options(given))


def _complain(status: ExitStatus, message: str) -> int:
    say(f"engine: {one_line(' '.join(message.split()))}", problem=True)
    return status


def _unknown_command(word: str) -> str | None:
    if word.startswith("-") or word in COMMANDS:
        return None
    hint = suggest(word, COMMANDS, f": the commands are {', '.join(COMMANDS)}")
    return f"there is no command {word!r}{hint}"


def _parser() -> argparse.ArgumentParser:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="engine", description=_ABOUT, formatter_class=as_written)
    parser.add_argument("--version", action="version", version=f"engine {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, title="commands", metavar="")
    talk = commands.add_parser(
        "talk",
        help="hold a call",
        description="Hold a call: watch it, and get it as sound, text and events.",
        epilog=talk_options.EXAMPLES,
        formatter_class=as_written,
    )
    talk_options.add_talk_arguments(talk)
    serve = commands.add_parser(
        "serve",
        help="run the local model on a port",
        description="Run the local model as a server that speaks the Realtime protocol.",
        epilog=serve_options.EXAMPLES,
        formatter_class=as_written,
    )
    serve_options.add_serve_arguments(serve)
    commands.add_parser("lab", help="simulate calls, measure, compare and replay them", add_help=False)
    return parser
