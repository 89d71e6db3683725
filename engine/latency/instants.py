"""The instants of a conversation: what happened, when, once, on one clock.

An instant has a time in nanoseconds since the session began (monotonic; virtual where the clock is), a kind, and the
ids and numbers of that kind. Nothing in it is computed from anything else: metrics are, later and as often as one
likes, because no two people agree where a clock should start.

Who knows an instant:

- the **engine**: every session records these, always;
- the **line**: whoever puts the caller's audio on the line and plays the agent's (a harness, a device) and so knows
  what was really said and heard. The engine takes such instants from `SessionLatency.mark`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from engine.wire.struct import FrozenStruct

Value = str | int | float | bool | None | Mapping[str, object]


class Instant(FrozenStruct, frozen=True):
    """One thing that happened."""

    t: int
    """Nanoseconds since the session began."""
    kind: str
    """One of `KINDS`; a reader passes over kinds that it does not know."""
    fields: Mapping[str, Value] = {}

    def text(self, name: str) -> str | None:
        """A field that is a text, or None if it is missing or anything else."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else None

    def number(self, name: str) -> float | None:
        """A field that is a number, or None."""
        value = self.fields.get(name)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None


@attrs.frozen
class InstantKind:
    """What instants of one kind mean."""

    meaning: str
    fields: tuple[str, ...] = ()
    by_line: bool = False
    """Known to whoever holds the line, not to the engine."""


KINDS: Final[Mapping[str, InstantKind]] = MappingProxyType(
    {
        # --- the caller
        "user.speech.start.truth": InstantKind(
            "the first audible sample of what the caller says; `turn` numbers what the "
            "caller says, `purpose` is 'turn', 'barge_in', 'backchannel' or 'noise', "
            "`position_ms` the sample's place in all audio sent",
            ("turn", "text", "purpose", "position_ms"),
            True,
        ),
        "user.speech.end.truth": InstantKind(
            "the last audible sample of what the caller says", ("turn", "position_ms"), True
        ),
        "user.audio.sent": InstantKind(
            "the piece of caller audio with which a turn begins (`edge` is 'first') or ends "
            "('last') was written to the server: the piece that holds the position which "
            "`server.speech_started` or `server.speech_stopped` names, or what was first and last "
            "sent before a commit (then without `item`). `position_ms` is where the piece ends",
            ("edge", "item", "bytes", "position_ms"),
        ),
        "user.text.sent": InstantKind(
            "a typed message was written to the server; without `respond` it asks for no answer", ("item", "respond")
        ),
        "user.commit.sent": InstantKind("push to talk: the end of the turn was written to the server"),
        "server.speech_started": InstantKind("the server says that the user began", ("item", "ms")),
        "server.speech_stopped": InstantKind("the server says that the user ended", ("item", "ms")),
        "server.silence": InstantKind("the server says that the user has been silent for the idle timeout", ("item",)),
        "user.committed": InstantKind("the server made an item of what the user said", ("item",)),
        "user.cleared": InstantKind("the server forgot what the user said, as the application wanted"),
        "transcript.user.first": InstantKind("the first text of what the user said", ("item",)),
        "transcript.user.final": InstantKind("the whole text of what the user said", ("item", "text")),
        "transcript.user.failed": InstantKind("there will be no text of what the user said", ("item",)),
        # --- the model
        "response.requested": InstantKind(
            "a request for a response was written to the server; `out_of_band`: one outside of the conversation",
            ("token", "out_of_band"),
        ),
        "response.created": InstantKind("a response began", ("response", "agent", "token", "out_of_band")),
        "response.first_token": InstantKind("the first text or audio of a response", ("response", "item")),
        "audio.first_received": InstantKind("the first audio of an item", ("response", "item")),
        "audio.received": InstantKind(
            "the last audio of an item, with what came in all",
            ("response", "item", "bytes", "deltas", "jitter_ms", "longest_gap_ms"),
        ),
        "response.done": InstantKind("a response ended", ("response", "status", "reason", "usage")),
        # --- the agent's voice
        "audio.first_taken": InstantKind("the application took the first audio of an item", ("response", "item")),
        "audio.first_audible": InstantKind(
            "the application took the first sample of an item of -45 dBFS or more; `ms` is its place in the item",
            ("response", "item", "ms"),
        ),
        "playout.start": InstantKind(
            "the first sample of an item reached the speaker; `source` is 'computed', 'reported' or 'measured'",
            ("response", "item", "source"),
        ),
        "playout.audible": InstantKind(
            "the first audible sample of an item reached the speaker", ("response", "item", "source")
        ),
        "playout.underrun": InstantKind(
            "the speaker had nothing to play in the middle of an item",
            ("response", "item", "source", "ms", "silent_ms"),
        ),
        "playout.stop": InstantKind(
            "the last sample of an item that was played reached the speaker; `ms` of it were played, "
            "the last `silent_ms` without anything audible",
            ("response", "item", "source", "ms"),
        ),
        # --- interruption
        "interrupt": InstantKind(
            "`audio_interrupted` was made; `cause` is 'user', 'application' or 'guardrail'",
            ("response", "item", "heard_ms", "cause"),
        ),
        "interrupt.taken": InstantKind("the application took `audio_interrupted`", ("response",)),
        "cancel.sent": InstantKind("the cancellation was written to the server", ("response",)),
        "truncate.sent": InstantKind("what had been heard was written to the server", ("item", "ms")),
        "delete.sent": InstantKind("an item of which nothing had been heard was taken back", ("item",)),
        # --- tools, handoffs, guardrails
        "tool.called": InstantKind("the model called a tool", ("call", "name", "response")),
        "tool.approval_asked": InstantKind("a call waits for the application's approval", ("call",)),
        "tool.approval_answered": InstantKind("the application decided", ("call", "approved")),
        "tool.started": InstantKind("the tool began to run", ("call",)),
        "tool.ended": InstantKind("the call has its output", ("call", "outcome")),
        "tool.output_sent": InstantKind("the output was written to the server", ("call",)),
        "handoff": InstantKind("the conversation passed to another agent", ("from", "to")),
        "guardrail.checked": InstantKind("the guardrails have read a text", ("response", "tripped")),
        # --- the rest
        "error": InstantKind("something went wrong", ("code", "message")),
        "engine.overhead": InstantKind(
            "the engine's own part, so far: see `engine.latency.overhead`",
            ("read_to_taken_us", "send_to_written_us", "loop_delay_us", "mailbox_wait_us"),
        ),
        "session.end": InstantKind("the last line of a whole log", ("reason",)),
    }
)
