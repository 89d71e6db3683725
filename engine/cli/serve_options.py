"""What the command line of `engine serve` understands."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Literal

import attrs

Pace = Literal["usual", "none", "realistic"]
CHAT_KEY = "ENGINE_CHAT_KEY"
EXAMPLES = f"""\
examples:
  engine serve --port 8765
      then, with any Realtime client: ws://127.0.0.1:8765/v1/realtime
  engine serve --json | head -1
      {{"type":"serving","url":"ws://127.0.0.1:43117/v1/realtime",...}}: the free port, for a script
  engine serve --latency realistic --seed 7
      answers as late, and as unevenly, as hosted models give them; the same for the same seed
  engine serve --chat http://127.0.0.1:11434/v1 --chat-model NAME
      another language model decides what is said (a key for it is read from {CHAT_KEY})

Ctrl-C stops it. It listens on this machine only, unless --host says otherwise.
"""


@attrs.frozen(kw_only=True)
class ServeOptions:
    """The options of a server."""

    host: str = "127.0.0.1"
    port: int = 0
    json: bool = False
    seed: int = 0
    latency: Pace = "usual"
    first_output_ms: float | None = None
    speed: float | None = None
    session_seconds: float = 3600.0
    api_keys: frozenset[str] | None = None
    models: frozenset[str] | None = None
    dialogue: Path | None = None
    chat: str | None = None
    chat_model: str = ""


def add_serve_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    where = parser.add_argument_group("where")
    where.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    where.add_argument("--port", type=int, default=0, help="the port (default: a free one)")
    where.add_argument("--json", action="store_true", help="say where as a line of JSON")
    how = parser.add_argument_group("how it answers")
    how.add_argument("--seed", type=int, default=0, help="of everything that is drawn (default: 0)")
    how.add_argument(
        "--latency",
        choices=("usual", "none", "realistic"),
        default="usual",
        help="usual: fixed times, as the hosted service was seen to take; none; realistic: drawn, with a slow tail",
    )
    how.add_argument("--first-output-ms", type=float, metavar="MS", help="time to the first output (realistic: median)")
    how.add_argument("--speed", type=float, metavar="X", help="seconds of audio made in a second (default: 6)")
    how.add_argument("--dialogue", type=Path, metavar="FILE.toml", help="what it understands and says")
    how.add_argument("--chat", metavar="URL", help="a chat-completions endpoint that decides what it says instead")
    how.add_argument("--chat-model", default="", metavar="NAME", help="the model there")
    limits = parser.add_argument_group("what it refuses (by default nothing)")
    limits.add_argument(
        "--session-seconds", type=float, default=3600.0, metavar="S", help="the longest session (default: 3600)"
    )
    limits.add_argument("--key", action="append", metavar="KEY", help="accept only this API key (may be repeated)")
    limits.add_argument("--only-model", action="append", metavar="NAME", help="know only this model (may be repeated)")


def serve_options(given: argparse.Namespace) -> ServeOptions:
    """What was given."""
    return ServeOptions(
        host=given.host,
        port=given.port,
        json=given.json,
        seed=given.seed,
        latency=given.latency,
        first_output_ms=given.first_output_ms,
        speed=given.speed,
        session_seconds=given.session_seconds,
        api_keys=frozenset(given.key) if given.key else None,
        models=frozenset(given.only_model) if given.only_model else None,
        dialogue=given.dialogue,
        chat=given.chat,
        chat_model=given.chat_model,
    )
