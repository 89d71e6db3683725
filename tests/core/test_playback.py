"""The playback ledger, against a model that plays every sample by itself."""

from __future__ import annotations

from collections import deque
from fractions import Fraction

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.playback import Cut, PlaybackLedger
from engine.wire.formats import G711_ULAW, PCM16, AudioFormat
from tests.support.ear import Ear

MS = 1_000_000
SECOND = 48_000
"""Bytes of PCM16 in a second."""

SLOW = AudioFormat("audio/pcm", 1000)
"""One sample a millisecond: every piece of audio lasts a whole number of nanoseconds."""


class Samples:
    """Plays samples one by one: each begins when it is there and the one before it is over."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self._format = audio_format
        self._length = Fraction(1_000_000_000, audio_format.rate)
        self._free = Fraction(0)
        self._over: dict[str, list[Fraction]] = {}

    def take(self, item: str, nbytes: int, at_ns: int) -> None:
        for _ in range(nbytes // self._format.bytes_per_sample):
            self._free = max(self._free, Fraction(at_ns)) + self._length
            self._over.setdefault(item, []).append(self._free)

    def heard_ms(self, item: str, now: int) -> int:
        heard = sum(over <= now for over in self._over.get(item, ()))
        return heard * 1000 // self._format.rate


# --- steps of a story: items come one after another, are taken in order, and time passes


@attrs.frozen
class Receive:
    samples: int


@attrs.frozen
class NextItem:
    announced: bool


@attrs.frozen
class Take:
    pieces: int


@attrs.frozen
class Pass:
    ns: int


steps = st.one_of(
    st.builds(Receive, st.integers(1, 120)),
    st.builds(NextItem, st.booleans()),
    st.builds(Take, st.integers(1, 4)),
    st.builds(Pass, st.integers(0, 200 * MS)),
)
stories = st.lists(steps, max_size=30)
formats = st.sampled_from([SLOW, G711_ULAW, PCM16])


class Playing:
    """A ledger beside its model, going through a story."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self.format = audio_format
        self.ledger = PlaybackLedger(audio_format)
        self.model = Samples(audio_format)
        self.ear: Ear[str] = Ear(audio_format.bytes_per_second)
        self.now = 0
        self.items = ["item0"]
        self.received: dict[str, int] = {}
        self.taken: dict[str, int] = {}
        self.ended: set[str] = set()
        self._feed: deque[tuple[str, int]] = deque()

    def step(self, step: object) -> None:
        match step:
            case Receive(samples=samples):
                item, nbytes = self.items[-1], samples * self.format.bytes_per_sample
                self.ledger.received("r", item, 0, nbytes, self.now)
                self.received[item] = self.received.get(item, 0) + nbytes
                self._feed.append((item, nbytes))
            case NextItem(announced=announced):
                self.ledger.ended(self.items[-1], 0)
                self.ended.add(self.items[-1])
                self.items.append(f"item{len(self.items)}")
                if announced:
                    self.ledger.opened("r", self.items[-1], 0, self.now)
            case Take(pieces=pieces):
                for _ in range(min(pieces, len(self._feed))):
                    item, nbytes = self._feed.popleft()
                    self.ledger.taken(item, 0, nbytes, self.now)
                    self.model.take(item, nbytes, self.now)
                    self.ear.take(item, nbytes, self.now)
                    self.taken[item] = self.taken.get(item, 0) + nbytes
            case Pass(ns=ns):
                self.now += ns

    def heard(self, item: str) -> int:
        """By the ledger; what it has forgotten has been heard to its end."""
        heard = self.ledger.heard_ms(item, 0, self.now)
        return self.format.ms_of(self.received.get(item, 0)) if heard is None else heard


@given(formats, stories)
def test_what_was_heard_is_what_a_player_of_single_samples_has_played(
    audio_format: AudioFormat, story: list[object]
) -> None:
    playing = Playing(audio_format)
    # Samples of 24 kHz last no whole number of nanoseconds: a sample more or less may make a millisecond.
    tolerance = 1 if audio_format is PCM16 else 0
    for step in story:
        playing.step(step)
        for item in playing.items:
            model = playing.model.heard_ms(item, playing.now)
            assert playing.ear.heard_ms(item, playing.now) == model
            assert abs(playing.heard(item) - model) <= tolerance


@given(formats, stories)
def test_received_is_never_less_than_taken_and_taken_never_less_than_heard(
    audio_format: AudioFormat, story: list[object]
) -> None:
    playing = Playing(audio_format)
    before: dict[str, int] = {}
    for step in story:
        playing.step(step)
        for item in playing.items:
            received = playing.received.get(item, 0)
            taken = playing.taken.get(item, 0)
            assert playing.heard(item) <= audio_format.ms_of(taken) <= audio_format.ms_of(received)
            assert playing.heard(item) >= before.get(item, 0)
            before[item] = playing.heard(item)


@given(formats, stories)
def test_an_interruption_cuts_exactly_what_is_not_over(audio_format: AudioFormat, story: list[object]) -> None:
    playing = Playing(audio_format)
    for step in story:
        playing.step(step)
    cuts = {cut.item_id: cut for cut in playing.ledger.cuts(playing.now)}
    assert list(cuts) == [item for item in playing.items if item in cuts]
    for item in playing.received:
        received_ms = audio_format.ms_of(playing.received[item])
        over = item in playing.ended and playing.heard(item) >= received_ms
        if over:
            assert item not in cuts
        else:
            assert cuts[item] == Cut("r", item, 0, playing.heard(item), received_ms, item in playing.ended)
    playing.ledger.cleared(playing.now)
    assert not playing.ledger.cuts(playing.now)


@given(formats, stories)
def test_after_a_flush_playback_begins_anew(audio_format: AudioFormat, story: list[object]) -> None:
    playing = Playing(audio_format)
    for step in story:
        playing.step(step)
    playing.ledger.cleared(playing.now)
    nbytes = audio_format.bytes_of(100)
    playing.ledger.received("s", "new", 0, nbytes, playing.now)
    playing.ledger.taken("new", 0, nbytes, playing.now)
    assert playing.ledger.heard_ms("new", 0, playing.now) == 0
    assert playing.ledger.heard_ms("new", 0, playing.now + 40 * MS) == 40


# --- single stories


def test_a_stall_is_not_heard() -> None:
    ledger = PlaybackLedger()
    ledger.received("r", "a", 0, SECOND, 0)
    ledger.taken("a", 0, SECOND // 2, 0)
    assert ledger.heard_ms("a", 0, 2000 * MS) == 500
    ledger.taken("a", 0, SECOND // 2, 2000 * MS)
    assert ledger.heard_ms("a", 0, 2100 * MS) == 600


def test_what_nobody_took_is_not_heard() -> None:
    ledger = PlaybackLedger()
    ledger.received("r", "a", 0, SECOND, 0)
    assert ledger.heard_ms("a", 0, 5000 * MS) == 0
    assert [cut.heard_ms for cut in ledger.cuts(5000 * MS)] == [0]


def test_items_of_several_responses_play_one_after_another() -> None:
    ledger = PlaybackLedger()
    for response, item in (("r", "a"), ("s", "b")):
        ledger.received(response, item, 0, SECOND, 0)
        ledger.ended(item, 0)
        ledger.taken(item, 0, SECOND, 0)
    assert ledger.cuts(1500 * MS) == [Cut("s", "b", 0, 500, 1000, complete=True)]
    assert len(ledger.cuts(500 * MS)) == 2


def test_an_item_that_may_go_on_is_cut_even_if_all_of_it_was_heard() -> None:
    ledger = PlaybackLedger()
    ledger.received("r", "a", 0, SECOND, 0)
    ledger.taken("a", 0, SECOND, 0)
    assert ledger.cuts(9000 * MS) == [Cut("r", "a", 0, 1000, 1000, complete=False)]
    ledger.ended("a", 0)
    assert not ledger.cuts(9000 * MS)


def test_an_item_is_over_when_the_next_one_sounds_even_if_its_end_is_told_late() -> None:
    ledger = PlaybackLedger()
    for item in ("a", "b"):
        ledger.received("r", item, 0, SECOND, 0)
        ledger.taken(item, 0, SECOND, 0)
    assert [cut.item_id for cut in ledger.cuts(1200 * MS)] == ["b"]


def test_an_announced_item_has_nothing_to_hear() -> None:
    ledger = PlaybackLedger()
    ledger.opened("r", "a", 0, 0)
    assert ledger.cuts(0) == [Cut("r", "a", 0, 0, 0, complete=False)]


def test_the_ledger_is_no_longer_than_what_is_audible() -> None:
    ledger = PlaybackLedger()
    for at in range(1000):
        now = at * 1000 * MS
        ledger.received("r", f"item{at}", 0, SECOND, now)
        ledger.taken(f"item{at}", 0, SECOND, now)
        ledger.ended(f"item{at}", 0)
    assert len(ledger._items) <= 2


def test_what_follows_a_dropped_response_moves_up() -> None:
    ledger = PlaybackLedger()
    for response, item in (("r", "a"), ("s", "b"), ("r", "c")):
        ledger.received(response, item, 0, SECOND, 0)
        ledger.taken(item, 0, SECOND, 0)
    ledger.dropped("s", 1200 * MS)  # 200 ms of it have been heard
    assert [(cut.item_id, cut.heard_ms) for cut in ledger.cuts(1200 * MS)] == [("c", 0)]
    assert [(cut.item_id, cut.heard_ms) for cut in ledger.cuts(1500 * MS)] == [("c", 300)]
    ledger.received("r", "d", 0, SECOND, 1500 * MS)
    ledger.taken("d", 0, SECOND, 1500 * MS)
    assert ledger.heard_ms("d", 0, 2300 * MS) == 100


def test_what_is_unknown_changes_nothing() -> None:
    ledger = PlaybackLedger()
    ledger.taken("x", 0, SECOND, 0)
    ledger.ended("x", 0)
    ledger.played("x", 0, 5)
    assert ledger.heard_ms("x", 0, 0) is None
    assert not ledger.cuts(0)


# --- reports


def reported() -> PlaybackLedger:
    ledger = PlaybackLedger(reported=True)
    for item in ("a", "b"):
        ledger.received("r", item, 0, SECOND, 0)
        ledger.taken(item, 0, SECOND, 0)
        ledger.ended(item, 0)
    return ledger


def test_without_a_report_nothing_was_heard() -> None:
    assert [cut.heard_ms for cut in reported().cuts(9000 * MS)] == [0, 0]


def test_a_report_is_believed_whatever_the_clock_says() -> None:
    ledger = reported()
    ledger.played("a", 0, 250)
    assert ledger.heard_ms("a", 0, 0) == 250
    assert ledger.heard_ms("a", 0, 9000 * MS) == 250


def test_everything_before_what_is_played_has_been_played() -> None:
    ledger = reported()
    ledger.played("b", 0, 10)
    assert ledger.heard_ms("a", 0, 0) is None
    assert [cut.item_id for cut in ledger.cuts(0)] == ["b"]


def test_a_report_never_goes_back_nor_beyond_what_was_taken() -> None:
    ledger = reported()
    ledger.played("a", 0, 400)
    ledger.played("a", 0, 300)
    assert ledger.heard_ms("a", 0, 0) == 400
    ledger.played("a", 0, 99_999)
    assert ledger.heard_ms("a", 0, 0) == 1000


def test_the_first_report_ends_the_computation() -> None:
    ledger = PlaybackLedger()
    ledger.received("r", "a", 0, SECOND, 0)
    ledger.taken("a", 0, SECOND, 0)
    assert ledger.heard_ms("a", 0, 700 * MS) == 700
    ledger.played("a", 0, 100)
    assert ledger.heard_ms("a", 0, 700 * MS) == 100


@pytest.mark.parametrize("audio_format", [PCM16, G711_ULAW])
def test_milliseconds_are_those_of_the_format(audio_format: AudioFormat) -> None:
    ledger = PlaybackLedger(audio_format)
    ledger.received("r", "a", 0, audio_format.bytes_of(300), 0)
    ledger.taken("a", 0, audio_format.bytes_of(300), 0)
    assert ledger.heard_ms("a", 0, 120 * MS) == 120
