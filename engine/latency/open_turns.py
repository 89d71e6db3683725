"""The turns of a conversation that are not over, and to which of them something belongs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, TypeVar

from engine.latency.instants import Instant
from engine.latency.open_turn import Onset, OpenAnswer, OpenItem, OpenTurn
from engine.latency.turns import Opening, Source
from engine.wire.units import NS_PER_MS, NS_PER_S

MOST_LATE_NS: Final = 3 * NS_PER_S
"""Speech that is reported later than this after the caller fell silent was not the caller's: longer than the longest
end-pointing delay in use (3 s, LiveKit's maximum) or a stall that a conversation survives."""

GRACE_NS: Final = 100 * NS_PER_MS
"""How long a turn has to be at rest to be over: what belongs to it may still be on its way, from an application that is
busy or a line that has to measure first."""

MOST_OPEN: Final = 16
"""How many turns may wait for something at the same time; the oldest is closed as it is."""

MOST_EARLY: Final = 64
_MOST_ONSETS: Final = 256

V = TypeVar("V")


class OpenTurns:
    """Index of the turns that are still open: by item, response and call."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.count = 0
        """How many turns have begun."""
        self.now = 0
        """The latest time of which anything is known."""
        self.turns: list[OpenTurn] = []
        """Those that are not over, in the order in which they began."""
        self.latest_heard = -1
        """The index of the last turn whose end the server has heard."""
        self.any_response = False
        self.source: Source = "computed"
        """The best source of playback that this session has had."""
        self.transcripts = False
        """Whether this session has transcripts of what the user says."""
        self.onsets: deque[Onset] = deque(maxlen=_MOST_ONSETS)
        self.audio_sent: dict[tuple[str, str], int] = {}
        """When the edges were sent of speech that the server has not spoken of yet, by edge and item."""
        self.by_user_item: dict[str, OpenTurn] = {}
        self.by_token: dict[str, OpenTurn] = {}
        self.by_response: dict[str, tuple[OpenTurn, OpenAnswer]] = {}
        self.by_item: dict[str, tuple[OpenTurn, OpenAnswer, OpenItem]] = {}
        self.by_call: dict[str, OpenTurn] = {}

    # --- which turn

    def open(self, opened_by: Opening, t: int) -> OpenTurn:
        """Another turn begins."""
        turn = OpenTurn(session=self.session, index=self.count, opened_by=opened_by, began=t)
        self.count += 1
        self.turns.append(turn)
        return turn

    def last(self, where: Callable[[OpenTurn], bool]) -> OpenTurn | None:
        """The last open turn for which `where` holds."""
        return next((turn for turn in reversed(self.turns) if where(turn)), None)

    def view(self) -> tuple[int, int, Source, bool]:
        """What counts for all turns."""
        return self.count, self.latest_heard, self.source, self.transcripts

    def named_by(self, instant: Instant) -> list[OpenTurn]:
        """The open turns of an instant's response, item and call: mostly one, perhaps more than once."""
        named = (
            self.by_response.get(instant.text("response") or "", (None,))[0],
            self.by_item.get(instant.text("item") or "", (None,))[0],
            self.by_call.get(instant.text("call") or ""),
        )
        return [turn for turn in named if turn is not None]

    def hears(self, turn: OpenTurn) -> None:
        """The server has had the end of a turn."""
        turn.heard = True
        self.latest_heard = max(self.latest_heard, turn.index)

    def answered_now(self, t: int) -> OpenTurn:
        """The turn that a response which begins now belongs to."""
        heard = self.last(lambda turn: turn.heard)
        if heard is not None and heard.index == self.latest_heard and heard.expects_response():
            return heard
        turn = self.open("application" if self.any_response or self.latest_heard >= 0 else "call", t)
        self.hears(turn)
        return turn

    def spoken(self, t: int) -> OpenTurn:
        """The turn of speech that the server begins to hear now."""
        turn = self.last(lambda turn: "user_speech_start_truth" in turn.at)
        if turn is not None and turn is self.last(lambda turn: turn.opened_by == "speech"):
            end = turn.at.get("user_speech_end_truth")
            stopped = turn.at.get("speech_stopped")
            if "speech_started" not in turn.at:
                if end is None or t - end <= MOST_LATE_NS:
                    return turn
            elif stopped is not None and self._cut_off(turn, stopped, end):
                turn.set_aside()
                return turn
        return self.open("speech", t)

    @staticmethod
    def _cut_off(turn: OpenTurn, stopped: int, end: int | None) -> bool:
        """Whether the server took a pause for the end of the turn."""
        if end is None:
            return True
        heard_ms, end_ms = turn.ms.get("speech_stopped_ms"), turn.ms.get("user_speech_end_truth_ms")
        if heard_ms is not None and end_ms is not None:
            return heard_ms < end_ms
        return stopped < end

    def ended_by_hand(self, t: int) -> OpenTurn:
        """The turn that a push-to-talk commit ends."""
        turn = self.last(lambda turn: turn.opened_by == "speech")
        if turn is None or turn.heard or turn.answer.responses:
            turn = self.open("speech", t)
        return turn

    def rests(self, turn: OpenTurn, *, wait_for_transcript: bool) -> bool:
        """Return whether a turn is at rest; `wait_for_transcript`: with its transcript, if the session has them."""
        overtaken = self.latest_heard > turn.index
        if not turn.rests(self.source, overtaken):
            return False
        if not wait_for_transcript or not self.transcripts or turn.opened_by != "speech" or not turn.heard or overtaken:
            return True
        return "transcript_final" in turn.at or turn.text_failed or turn.withdrawn

    def forget(self, turn: OpenTurn) -> None:
        """A turn is over: nothing finds it any more."""
        self.turns.remove(turn)
        _drop(self.by_user_item, lambda known: known is turn)
        _drop(self.by_token, lambda known: known is turn)
        _drop(self.by_call, lambda known: known is turn)
        _drop(self.by_response, lambda known: known[0] is turn)
        _drop(self.by_item, lambda known: known[0] is turn)


def _drop(index: dict[str, V], where: Callable[[V], bool]) -> None:
    for key in [key for key, value in index.items() if where(value)]:
        del index[key]
