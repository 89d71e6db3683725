"""From instants to turns: which instant belongs to which turn, and when a turn is over.

An instant is one thing that happened at one time (`instants`). A turn is what the user says, and what the agent does
about it. It begins with

- **speech**: the first of `user.speech.start.truth` (the caller's voice became audible at the caller's end),
  `server.speech_started`, and the first audio of a push-to-talk turn. The first two make one turn if the server reports
  speech at the latest `MOST_LATE_NS` after the caller fell silent. If it takes a pause for the end (it says stopped
  before the caller has ended) and then hears the user go on, that is still one turn: the answer it had begun is set
  aside, and counted;
- **text**: `user.text.sent`, unless the last turn is text, too, and no response to it has begun;
- **silence**: `server.silence`;
- the **call** itself: a response before anybody has said anything;
- the **application**: a response when the last turn has been answered and has nothing more to come.

A response belongs to the last turn that is heard: the server has its end. Everything else belongs to the turn of its
response, item or call; what belongs to no open turn is left out, and so are out-of-band responses.

A turn is at rest when the caller is silent, no response is awaited or runs, its calls have their outputs, its audio has
been played, the application has taken the `audio_interrupted` event, if there was one, and the transcript has come, if
this session has transcripts. It is over when it has been at rest for `GRACE_NS`. Once a later turn is heard, it waits
no longer for the caller, for a response that has not begun, for that event or for a transcript.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from engine.latency import on_agent, on_user
from engine.latency.instants import Instant
from engine.latency.log import LogHeader, SessionLog, in_order
from engine.latency.open_turn import OpenTurn
from engine.latency.open_turns import GRACE_NS, MOST_OPEN, OpenTurns
from engine.latency.turns import TurnRecord

_HANDLERS: Final[Mapping[str, Callable[[OpenTurns, Instant], None]]] = {**on_user.HANDLERS, **on_agent.HANDLERS}
"""Handlers by kind of instant, the user's side and the agent's in one table. Kinds without one say nothing of turns."""


def turns_of(log: SessionLog) -> tuple[TurnRecord, ...]:
    """Return the turns of a log, in the order in which they began. The last ones may not be complete."""
    assembler = TurnAssembler(log.header.session, transcripts=has_transcripts(log.header))
    records = [record for instant in in_order(log.instants) for record in assembler.on_instant(instant)]
    records += assembler.close()
    return tuple(sorted(records, key=lambda record: record.index))


def has_transcripts(header: LogHeader) -> bool:
    """Return whether a session was opened with transcription of the user's speech.

    The settings in a header are nested mappings; this one is `audio.input.transcription`.
    """
    found: object = header.settings
    for name in ("audio", "input", "transcription"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found is not None


class TurnAssembler:
    """Takes the instants of a session one at a time, and gives the record of each turn when it is over.

    Times are nanoseconds since the session began, as in `Instant.t`.
    """

    def __init__(self, session: str, *, transcripts: bool = False) -> None:
        """Make an assembler that knows of no turn.

        Args:
            session: the session's id, for the records.
            transcripts: every spoken turn will have a transcript; if False, the first transcript tells.
        """
        self._open_turns = OpenTurns(session)
        self._open_turns.transcripts = transcripts
        self._at_rest: list[OpenTurn] = []
        """Open turns that are over unless something more becomes known within `GRACE_NS` of their `rests_since`."""

    def on_instant(self, instant: Instant) -> list[TurnRecord]:
        """Take one more instant, and return the records of the turns that are over by then, hardly ever more than one.

        Instants come in the order in which they became known. Those that are told late have an earlier time.
        """
        handler = _HANDLERS.get(instant.kind)
        if handler is None:
            return []
        open_turns = self._open_turns
        records = self.advance(instant.t)
        open_turns.now = max(open_turns.now, instant.t)  # an instant that is told late does not turn time back
        before = open_turns.view()
        handler(open_turns, instant)
        # Turns wait in numbers: look only at those that the instant names, unless it changed what counts for all.
        named_only = instant.kind in on_agent.OF_ONE_TURN and open_turns.view() == before
        for turn in open_turns.named_by(instant) if named_only else open_turns.turns:
            self._note_rest(turn)
        # Turns that never come to rest must not pile up. Closing one will do: an instant opens one turn at most.
        if len(open_turns.turns) > MOST_OPEN:
            records.append(self._close_turn(open_turns.turns[0], open_turns.now, complete=False))
        return records

    def advance(self, t: int) -> list[TurnRecord]:
        """Return the records of the turns that have been at rest for longer than `GRACE_NS` at the time `t`."""
        if not self._at_rest:
            return []
        rested = [(turn, end) for turn in self._at_rest if (end := turn.rests_since or 0) + GRACE_NS < t]
        return [self._close_turn(turn, end, complete=True) for turn, end in rested]

    @property
    def due(self) -> int | None:
        """The earliest `t` for which `advance` returns a record if nothing else happens; None if no turn is at rest."""
        if not self._at_rest:
            return None
        # One more than the end of the grace: what happens at the very end still belongs to the turn.
        return min(turn.rests_since or 0 for turn in self._at_rest) + GRACE_NS + 1

    def close(self) -> list[TurnRecord]:
        """Close every open turn, because the session is over, and return their records.

        A record is complete if its turn is at rest, or would be but for its transcript.
        """
        open_turns = self._open_turns
        return [
            self._close_turn(turn, open_turns.now, complete=open_turns.rests(turn, wait_for_transcript=False))
            for turn in list(open_turns.turns)
        ]

    def open_turns(self) -> list[TurnRecord]:
        """Return records of the turns that are not over, as far as they are known. The turns stay open."""
        open_turns = self._open_turns
        return [turn.record(open_turns.now, open_turns.onsets, complete=False) for turn in open_turns.turns]

    def _note_rest(self, turn: OpenTurn) -> None:
        """Put a turn among those at rest or take it out, whichever it is now."""
        rests = self._open_turns.rests(turn, wait_for_transcript=True)
        if rests and turn.rests_since is None:
            turn.rests_since = self._open_turns.now
            self._at_rest.append(turn)
        elif not rests and turn.rests_since is not None:
            turn.rests_since = None
            self._at_rest.remove(turn)

    def _close_turn(self, turn: OpenTurn, end: int, *, complete: bool) -> TurnRecord:
        """Forget a turn, and return its record with the time of its end."""
        self._open_turns.forget(turn)
        if turn.rests_since is not None:
            self._at_rest.remove(turn)
        return turn.record(end, self._open_turns.onsets, complete=complete)
