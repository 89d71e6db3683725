"""What the command line of `engine talk` understands."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import Literal

import attrs

from engine.cli.exit_status import ExitStatus
from engine.cli.model_choice import add_server_options, model_text
from engine.secret.value import SecretUrl

Way = Literal["demo", "audio", "mic", "text"]
CALLS = Path("calls")

_STATUSES = "\n".join(f"  {status.value:>3}  {status.meaning}" for status in ExitStatus)
EXAMPLES = f"""\
examples:
  engine talk
      a caller and an agent, both synthesised: two tools, an interruption, a handoff
  engine talk --audio one.wav --audio two.wav --out call
      your recordings, one after the other, each when the agent has finished
  engine talk --agent my_shop.py:reception --mic
      your own agent, your own voice
  echo "Where is order 4712?" | engine talk --text --json > events.jsonl
      typed lines in, events out
  OPENAI_API_KEY=... engine talk --model openai:gpt-realtime-2.1
  engine talk --model ws://127.0.0.1:8765/v1/realtime
      another model: OpenAI's, or any server that speaks the protocol

A call leaves call.wav (caller left, agent right, as it was heard), transcript.txt and events.jsonl in its directory.

exit status:
{_STATUSES}
"""


@attrs.frozen(kw_only=True)
class TalkOptions:
    """The options of one call."""

    audio: tuple[Path, ...] = ()
    mic: bool = False
    text: bool = False
    agent: str | None = None
    model: str | SecretUrl = "local"
    server_waits: bool = False
    allow_unencrypted_key: bool = False
    voice: str | None = None
    out: Path
    json: bool = False
    quiet: bool = False
    greets: bool = True
    approves: bool = False

    @property
    def way(self) -> Way:
        """How the caller speaks."""
        if self.audio:
            return "audio"
        return "mic" if self.mic else "text" if self.text else "demo"


def add_talk_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    who = parser.add_argument_group("who calls (without any of these: the demonstration's caller)")
    way = who.add_mutually_exclusive_group()
    way.add_argument(
        "--audio",
        type=Path,
        action="append",
        default=[],
        metavar="FILE.wav",
        help="a recording of the caller: any sample rate, mono or stereo; give it several times, one utterance each",
    )
    way.add_argument("--mic", action="store_true", help="your microphone and loudspeaker (needs the extra 'mic')")
    way.add_argument("--text", action="store_true", help="lines from standard input")
    answers = parser.add_argument_group("who answers")
    answers.add_argument("--agent", metavar="MODULE:NAME", help="your own agent, from a module or a file.py")
    answers.add_argument(
        "--model",
        default="local",
        type=model_text,
        metavar="MODEL",
        help="local (the default), openai:NAME (key in OPENAI_API_KEY), or a URL: ws:// without a key, "
        "wss:// with the key in ENGINE_API_KEY",
    )
    add_server_options(answers)
    answers.add_argument("--voice", metavar="NAME", help="the agent's voice")
    answers.add_argument(
        "--no-greeting", dest="greeting", action="store_false", help="the agent waits for the caller to speak first"
    )
    answers.add_argument("--approve", action="store_true", help="allow tool calls that ask for approval")
    result = parser.add_argument_group("what comes of it")
    result.add_argument("--out", type=Path, metavar="DIR", help=f"where to write (default: {CALLS}/<time>)")
    result.add_argument(
        "--json",
        action="store_true",
        help="every event as a line of JSON on standard output, and nothing else there; the conversation goes to "
        "standard error",
    )
    result.add_argument("--quiet", action="store_true", help="show nothing but errors")


def talk_options(given: argparse.Namespace) -> TalkOptions:
    """What was given."""
    return TalkOptions(
        audio=tuple(given.audio),
        mic=given.mic,
        text=given.text,
        agent=given.agent,
        model=given.model,
        server_waits=given.server_waits,
        allow_unencrypted_key=given.allow_unencrypted_key,
        voice=given.voice,
        out=given.out or CALLS / datetime.now().strftime("%Y-%m-%d_%H-%M-%S"),
        json=given.json,
        quiet=given.quiet,
        greets=given.greeting,
        approves=given.approve,
    )
