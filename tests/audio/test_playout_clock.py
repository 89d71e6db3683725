"""The estimate of playback, in the ledger and in the recorder, against the instrument of the lab.

Every piece is taken, and given to the instrument, at one moment. The bounds:

- Beginnings, ends and stalls are equal to the nanosecond: both add the lengths of pieces, each rounded down.
- What was heard of an item may differ by a nanosecond for each of its pieces: the instrument adds the rounded lengths,
  the estimate rounds the length of all of them. In whole milliseconds, rounded down, that is 1 at most.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audio.playout_clock import PlayoutClock
from engine.caller.play_queue import PlayQueue, QueuedItem
from engine.core.playback import PlaybackLedger
from engine.events import Audio, AudioEnd
from engine.latency.instants import Instant
from engine.latency.playout import Playout
from engine.wire.formats import G711_ULAW, PCM16, AudioFormat
from tests.support.speaker import take

MS = 1_000_000
END_OF_TIME = 10**15


@attrs.frozen
class Piece:
    samples: int
    later_ns: int = 0
    """Time from then until the next step."""


@attrs.frozen
class NextItem:
    ended: bool
    """The end of the item before is told."""
    response: bool
    """It begins a response."""


@attrs.frozen
class Gap:
    ns: int


class Interruption: ...


gaps = st.one_of(st.just(0), st.integers(0, 400 * MS), st.integers(0, 400).map(lambda ms: ms * MS))
steps = st.one_of(
    st.builds(Piece, st.integers(1, 6000), gaps),
    st.builds(Piece, st.integers(1, 6000), gaps),
    st.builds(NextItem, st.just(True), st.booleans()),
    st.builds(NextItem, st.booleans(), st.booleans()),
    st.builds(Gap, gaps),
    st.builds(Interruption),
)
scripts = st.lists(steps, max_size=40)
many = settings(max_examples=300)
formats = st.sampled_from([PCM16, G711_ULAW, AudioFormat("audio/pcm", 44_100)])


@attrs.define
class Heard:
    """What the instrument measured of an item."""

    response: str
    starts_ns: int
    stops_ns: int | None = None
    """When the last of it was played; None: it was not cut, and its end was not told."""
    heard_ns: int = 0
    pieces: int = 0
    stalls: list[tuple[int, int]] = attrs.field(factory=list)
    """Moment and length."""


class Line:
    """Ledger, computed speaker and instrument, given the same audio at the same moments."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self.format = audio_format
        self.ledger = PlaybackLedger(audio_format)
        self.playout = Playout(audio_format)
        self.queue = PlayQueue(lambda: audio_format)
        self.now = 0
        self.measured: dict[str, Heard] = {}
        self.computed: list[Instant] = []
        self.received: dict[str, int] = {}
        self._responses = self._items = 0

    def step(self, step: object) -> None:
        match step:
            case Piece(samples=samples, later_ns=later_ns):
                self._piece(samples * self.format.bytes_per_sample)
                self._look()
                self.now += later_ns
            case NextItem(ended=ended, response=response):
                if ended:
                    self._end()
                self._items += 1
                self._responses += response
            case Gap(ns=ns):
                self.now += ns
            case Interruption():
                self._interrupt()
        self._look()

    def _piece(self, nbytes: int) -> None:
        response, item = f"r{self._responses}", f"i{self._items}"
        self.ledger.received(response, item, 0, nbytes, self.now)
        self.ledger.taken(item, 0, nbytes, self.now)
        if stalled_ns := take(self.playout, response, item, nbytes, self.now):
            self.computed.append(self.playout.underrun(item, stalled_ns, self.now))
        audio = Audio(
            context=None, at_ns=self.now, response_id=response, item_id=item, content_index=0, data=bytes(nbytes)
        )
        placed = self.queue.add(audio, self.now)
        heard = self.measured.setdefault(item, Heard(response, placed.starts_ns))
        heard.pieces += 1
        if placed.stalled_ns:
            heard.stalls.append((placed.starts_ns, placed.stalled_ns))
        self.received[item] = self.received.get(item, 0) + nbytes

    def _end(self) -> None:
        response, item = f"r{self._responses}", f"i{self._items}"
        self.ledger.ended(item, 0)
        self.playout.whole(item)
        self.queue.complete(AudioEnd(context=None, at_ns=self.now, response_id=response, item_id=item, content_index=0))

    def _interrupt(self) -> None:
        self._look()
        for item, heard_ns in self.queue.flush(self.now):
            self._stopped(item, min(self.now, item.ends_ns), heard_ns)
        for response in sorted({heard.response for heard in self.measured.values()}):
            self.computed += self.playout.stopped(response, self.now)
        for cut in self.ledger.cuts(self.now):
            self._agree(cut.item_id, cut.heard_ms)
        self.ledger.cleared(self.now)
        self._items += 1
        self._responses += 1

    def _look(self) -> None:
        for item in self.queue.remove_finished(self.now):
            self._stopped(item, item.ends_ns, item.length_ns)
        for item, heard_ns in self.queue.heard(self.now):
            self.measured[item.item_id].heard_ns = heard_ns
        self.computed += self.playout.advance(self.now)
        for item_id in self.measured:
            if (heard_ms := self.ledger.heard_ms(item_id, 0, self.now)) is not None:
                self._agree(item_id, heard_ms)

    def _stopped(self, item: QueuedItem, at_ns: int, heard_ns: int) -> None:
        measured = self.measured[item.item_id]
        measured.stops_ns, measured.heard_ns = at_ns, heard_ns

    def _agree(self, item_id: str, heard_ms: int) -> None:
        assert abs(heard_ms - self.measured[item_id].heard_ns // MS) <= 1

    def of(self, kind: str) -> dict[str, Instant]:
        """The instants of one kind by item; there is one of each at most."""
        found = [instant for instant in self.computed if instant.kind == f"playout.{kind}"]
        by_item = {str(instant.fields["item"]): instant for instant in found}
        assert len(by_item) == len(found)
        return by_item


def play(audio_format: AudioFormat, script: list[object]) -> None:
    """Go through a script and to the end of its sound; assert that both agree."""
    line = Line(audio_format)
    for step in script:
        line.step(step)
    line.step(Gap(END_OF_TIME))

    # An item that was cut before its first sample has not been played.
    played = {
        item: heard
        for item, heard in line.measured.items()
        if heard.stops_ns is None or heard.stops_ns >= heard.starts_ns
    }
    assert {item: instant.t for item, instant in line.of("start").items()} == {
        item: heard.starts_ns for item, heard in played.items()
    }
    stops = line.of("stop")
    assert {item: instant.t for item, instant in stops.items()} == {
        item: heard.stops_ns for item, heard in played.items() if heard.stops_ns is not None
    }
    for item, instant in stops.items():
        computed_ms = instant.fields["ms"]
        assert isinstance(computed_ms, float)
        assert abs(computed_ms * MS - played[item].heard_ns) < played[item].pieces + 0.5  # a float's own rounding


@many
@given(formats, scripts)
def test_what_is_computed_is_what_is_measured(audio_format: AudioFormat, script: list[object]) -> None:
    play(audio_format, script)


def forgets_what_is_queued(self: PlayoutClock[Any], item_id: str, index: int, nbytes: int, at_ns: int) -> int | None:
    """Broken on purpose: every piece begins when it is taken."""
    self._silent_from_ns = min(self._silent_from_ns, at_ns)
    return TAKEN(self, item_id, index, nbytes, at_ns)


def plays_on_without_audio(self: PlayoutClock[Any], item_id: str, index: int, nbytes: int, at_ns: int) -> int | None:
    """Broken on purpose: a piece that comes late is played as if it had come in time."""
    return TAKEN(self, item_id, index, nbytes, min(at_ns, self._silent_from_ns or at_ns))


TAKEN = PlayoutClock.taken

TELLING: list[list[object]] = [
    [Piece(4800), Piece(4800), NextItem(True, False), Piece(4800), Gap(100 * MS)],
    [Piece(4800, 400 * MS), Piece(4800, 400 * MS), Piece(4800, 100 * MS)],
    [Piece(4800), Interruption(), Piece(4800, 100 * MS), Gap(100 * MS)],
]
"""Audio that queues, audio that comes late, and audio after what was cut off."""


def play_all(told: list[list[object]]) -> None:
    for script in told:
        play(PCM16, script)


def test_what_tells_broken_estimates_is_right_of_the_true_one() -> None:
    play_all(TELLING)


@pytest.mark.parametrize(
    ("broken", "name", "instead"),
    [
        (PlayoutClock, "taken", forgets_what_is_queued),
        (PlayoutClock, "taken", plays_on_without_audio),
        (PlayoutClock, "_flush", lambda self, now: None),
    ],
    ids=["forgets_what_is_queued", "plays_on_without_audio", "plays_what_was_flushed"],
)
def test_broken_estimates_would_be_noticed(
    broken: type, name: str, instead: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broken, name, instead)

    with pytest.raises(AssertionError):
        play_all(TELLING)


@many
@given(formats, scripts)
def test_the_speaker_runs_dry_in_both_at_once(audio_format: AudioFormat, script: list[object]) -> None:
    line = Line(audio_format)
    for step in script:
        line.step(step)
    computed = [
        (str(each.fields["item"]), each.t, each.fields["ms"])
        for each in line.computed
        if each.kind == "playout.underrun"
    ]
    assert computed == [
        (item, at_ns, stalled_ns / MS) for item, heard in line.measured.items() for at_ns, stalled_ns in heard.stalls
    ]
