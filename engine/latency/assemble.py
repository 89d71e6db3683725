"""From instants to turns: which instant belongs to which turn, and when a turn is over.

A turn begins with

- **speech**: the first of `user.speech.start.truth`, `server.speech_started`, and the first piece of a push-to-talk
  turn. What the line says and what the server hears become one turn if the server hears it at the latest
  `MOST_LATE_NS` after its end. If the server takes a pause for the end (it says stopped before the truth ends) and
  then hears the user go on, that is still one turn: the answer it had begun is set aside, and counted;
- **text**: `user.text.sent`, unless the last turn is text too and nobody has begun to answer it;
- **silence**: `server.silence`;
- the **call** itself: a response before anybody has said anything;
- the **application**: a response when the last turn has been answered and has nothing more to come.

A response belongs to the last turn whose end the server has heard. Everything else belongs to the turn of its
response, item or call; what belongs to no turn that is still open is passed over. A response beside the conversation
belongs to no turn.

A turn is over when it has been at rest for `GRACE_NS`: its responses have ended, its calls are answered, its audio has
been played, an interruption has been taken, and its transcript has come if this session has transcripts. A later turn
that the server has heard to its end takes the place of one that waits for something.
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


def turns_of(log: SessionLog) -> tuple[TurnRecord, ...]:
    """The turns of a log, in the order in which they began. The last ones may not be complete."""
    assembler = TurnAssembler(log.header.session, transcripts=has_transcripts(log.header))
    records = [record for instant in in_order(log.instants) for record in assembler.on_instant(instant)]
    records += assembler.close()
    return tuple(sorted(records, key=lambda record: record.index))


def has_transcripts(header: LogHeader) -> bool:
    """Whether a session was opened with transcription of what the user says."""
    found: object = header.settings
    for name in ("audio", "input", "transcription"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found is not None


class TurnAssembler:
    """Takes instants one at a time and gives a turn when it is over."""

    def __init__(self, session: str, *, transcripts: bool = False) -> None:
        """`transcripts`: there will be one of every spoken turn; otherwise that is learned from the first."""
        self._floor = OpenTurns(session)
        self._floor.transcripts = transcripts
        self._resting: list[OpenTurn] = []
        """The open turns that are over unless something more comes within `GRACE_NS`."""

    def on_instant(self, instant: Instant) -> list[TurnRecord]:
        """One more instant. Returns the turns that are over with it: mostly none, hardly ever more than one."""
        handler = _HANDLERS.get(instant.kind)
        if handler is None:
            return []
        floor = self._floor
        records = self.advance(instant.t)
        floor.now = max(floor.now, instant.t)
        before = floor.view()
        handler(floor, instant)
        alone = instant.kind in on_agent.OF_ONE_TURN and floor.view() == before
        for turn in floor.named_by(instant) if alone else floor.turns:
            self._judge(turn)
        if len(floor.turns) > MOST_OPEN:
            records.append(self._give(floor.turns[0], floor.now, complete=False))
        return records

    def advance(self, t: int) -> list[TurnRecord]:
        """The time is `t`. Returns the turns that have been at rest for long enough by then."""
        if not self._resting:
            return []
        over = [(turn, since) for turn in self._resting if (since := turn.rests_since or 0) + GRACE_NS < t]
        return [self._give(turn, since, complete=True) for turn, since in over]

    @property
    def due(self) -> int | None:
        """When the next turn will be over if nothing happens: the time to say `advance`."""
        if not self._resting:
            return None
        return min(turn.rests_since or 0 for turn in self._resting) + GRACE_NS + 1

    def close(self) -> list[TurnRecord]:
        """There are no more instants: what is open is given as it is."""
        floor = self._floor
        return [self._give(turn, floor.now, complete=floor.rests(turn, patient=False)) for turn in list(floor.turns)]

    def open_turns(self) -> list[TurnRecord]:
        """The turns that are not over, as they are known now."""
        floor = self._floor
        return [turn.record(floor.now, floor.onsets, complete=False) for turn in floor.turns]

    def _judge(self, turn: OpenTurn) -> None:
        rests = self._floor.rests(turn, patient=True)
        if rests and turn.rests_since is None:
            turn.rests_since = self._floor.now
            self._resting.append(turn)
        elif not rests and turn.rests_since is not None:
            turn.rests_since = None
            self._resting.remove(turn)

    def _give(self, turn: OpenTurn, over: int, *, complete: bool) -> TurnRecord:
        self._floor.forget(turn)
        if turn.rests_since is not None:
            self._resting.remove(turn)
        return turn.record(over, self._floor.onsets, complete=complete)
