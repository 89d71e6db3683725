"""What the command line of `engine serve` understands."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Literal

import attrs

from engine.secret.value import Secret, SecretUrl
from engine.serving.limits import ServingLimits

Pace = Literal["usual", "none", "realistic"]
CHAT_KEY = "ENGINE_CHAT_KEY"
SERVE_KEY = "ENGINE_SERVE_KEY"
"""Where a key for clients is looked for besides: the options of a command can be read by everybody on the machine."""
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
  {SERVE_KEY}=SECRET engine serve --origin https://app.example.org
      accepts only clients with that key, and pages of that site

Ctrl-C stops it. It listens on this machine only, unless --host says otherwise. Pages in a browser are let in if they
are this machine's own, or named with --origin.
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
    api_keys: frozenset[Secret] | None = None
    models: frozenset[str] | None = None
    dialogue: Path | None = None
    chat: SecretUrl | None = None
    allow_unencrypted_key: bool = False
    chat_model: str = ""
    origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    max_sessions: int = ServingLimits().sessions
    max_handshakes: int = ServingLimits().handshakes
    handshake_seconds: float = ServingLimits().handshake_seconds
    max_message_bytes: int = ServingLimits().message_bytes


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
    how.add_argument(
        "--chat", type=SecretUrl, metavar="URL", help="a chat-completions endpoint that decides what it says instead"
    )
    how.add_argument(
        "--allow-unencrypted-key",
        action="store_true",
        help="send the key of --chat also over http:// to another machine, where everybody on the way can read it",
    )
    how.add_argument("--chat-model", default="", metavar="NAME", help="the model there")
    limits = parser.add_argument_group("whom and what it refuses")
    limits.add_argument(
        "--origin",
        action="append",
        metavar="ORIGIN",
        help="let in pages of this site, like https://example.org (may be repeated; * is all; default: this machine)",
    )
    limits.add_argument(
        "--allow-host",
        action="append",
        metavar="HOST",
        help="a name by which clients know this server (may be repeated; default: loopback, and --host)",
    )
    limits.add_argument(
        "--session-seconds", type=float, default=3600.0, metavar="S", help="the longest session (default: 3600)"
    )
    limits.add_argument(
        "--key",
        type=Secret,
        action="append",
        metavar="KEY",
        help=f"accept only this API key (may be repeated); {SERVE_KEY} holds one that no process list shows",
    )
    limits.add_argument("--only-model", action="append", metavar="NAME", help="know only this model (may be repeated)")
    usual = ServingLimits()
    limits.add_argument(
        "--max-sessions",
        type=int,
        default=usual.sessions,
        metavar="N",
        help=f"conversations at once; further ones get HTTP 503 (default: {usual.sessions})",
    )
    limits.add_argument(
        "--max-handshakes",
        type=int,
        default=usual.handshakes,
        metavar="N",
        help=f"unfinished requests at once; the oldest is dropped (default: {usual.handshakes})",
    )
    limits.add_argument(
        "--handshake-seconds",
        type=float,
        default=usual.handshake_seconds,
        metavar="S",
        help=f"how long a request may take to arrive (default: {usual.handshake_seconds:g})",
    )
    limits.add_argument(
        "--max-message-bytes",
        type=int,
        default=usual.message_bytes,
        metavar="N",
        help=f"the largest message; a larger one ends its connection (default: {usual.message_bytes})",
    )


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
        allow_unencrypted_key=given.allow_unencrypted_key,
        chat_model=given.chat_model,
        origins=tuple(given.origin or ()),
        allowed_hosts=tuple(given.allow_host or ()),
        max_sessions=given.max_sessions,
        max_handshakes=given.max_handshakes,
        handshake_seconds=given.handshake_seconds,
        max_message_bytes=given.max_message_bytes,
    )
