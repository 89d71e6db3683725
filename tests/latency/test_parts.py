"""The parts that instants are made with: histograms, arrivals, positions of sent audio, the computed speaker."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.audio.g711 import pcm_to_alaw, pcm_to_ulaw
from engine.audio.samples import pcm_of
from engine.latency.arrivals import Arrivals
from engine.latency.overhead import BOUNDS_NS, EngineOverhead, Histogram
from engine.latency.playout import Playout
from engine.latency.sent_audio import REMEMBERED, SentAudio
from engine.wire.formats import G711_ALAW, G711_ULAW, PCM16, AudioFormat
from tests.support.speaker import take

MS = 1_000_000
TIMES = st.lists(st.integers(0, 10**12), min_size=1, max_size=600)

# --- histograms


@given(TIMES, st.floats(0, 1))
def test_a_quantile_is_right_to_a_factor_of_the_root_of_two(times: list[int], q: float) -> None:
    histogram = Histogram()
    for ns in times:
        histogram.add(ns)
    truth = sorted(times)[max(0, math.ceil(q * len(times)) - 1)] / 1000
    told = histogram.quantile(q)
    assert told is not None
    assert truth <= told <= max(1.0, truth * math.sqrt(2) + 0.001)


@given(TIMES)
def test_a_histogram_comes_back_from_its_log_and_two_add_up(times: list[int]) -> None:
    one, other, both = Histogram(), Histogram(), Histogram()
    for place, ns in enumerate(times):
        (one if place % 2 else other).add(ns)
        both.add(ns)
    assert Histogram.from_mapping(both.to_mapping()) == both
    one.merge(other)
    assert one == both
    assert (both.count, both.sum_ns, both.min_ns, both.max_ns) == (len(times), sum(times), min(times), max(times))
    assert both.mean() == sum(times) / len(times) / 1000


def test_bounds_are_powers_of_the_root_of_two_in_microseconds() -> None:
    assert BOUNDS_NS[:5] == (1000, 1414, 2000, 2828, 4000)


def test_nothing_counted_is_no_figure() -> None:
    assert (Histogram().quantile(0.5), Histogram().mean(), Histogram().max_ns) == (None, None, None)
    with pytest.raises(ValueError, match="between 0 and 1, not 2"):
        Histogram().quantile(2)


@pytest.mark.parametrize("given", [{}, {"buckets": [[1, "many"]]}, {"buckets": [[1000, 3]], "sum": 5}])
def test_what_is_no_histogram_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"histogram|bucket"):
        Histogram.from_mapping(given)


def test_the_share_comes_back_from_its_log() -> None:
    share = EngineOverhead()
    share.read_to_taken.add(1500)
    share.mailbox("inbox").add(3000)
    again = EngineOverhead.from_mapping(share.to_mapping())
    assert again.to_mapping() == share.to_mapping()
    with pytest.raises(ValueError, match="'send_to_written_us' is missing"):
        EngineOverhead.from_mapping({"read_to_taken_us": Histogram().to_mapping()})


# --- arrivals


@given(st.lists(st.integers(0, 200), min_size=1, max_size=600))
def test_jitter_is_that_of_rfc_3550(gaps_ms: list[int]) -> None:
    arrivals, now, estimate = Arrivals(PCM16), 0, 0.0
    piece = bytes(960)  # 20 ms
    arrivals.on_audio(piece, now)
    assert arrivals.jitter_ms is None
    for gap in gaps_ms:
        now += gap * MS
        arrivals.on_audio(piece, now)
        estimate += (abs(gap - 20) - estimate) / 16
    assert arrivals.jitter_ms == pytest.approx(estimate, abs=0.001)
    assert arrivals.longest_gap_ms == max(gaps_ms)
    assert (arrivals.pieces, arrivals.nbytes) == (len(gaps_ms) + 1, 960 * (len(gaps_ms) + 1))


def test_the_place_of_the_first_audible_sample_counts_all_pieces() -> None:
    arrivals = Arrivals(PCM16)
    arrivals.on_audio(bytes(960), 0)
    arrivals.on_audio(pcm_of([0] * 240 + [9000] * 240), 1)
    assert (arrivals.audible_at, arrivals.audible_ms) == (960 + 480, 30)


# --- what was sent when


def test_the_piece_that_holds_a_position_is_found() -> None:
    sent = SentAudio(PCM16)
    for number in range(5):
        sent.sent(960, (number + 1) * 20 * MS)

    def times(ms: float) -> tuple[int, int]:
        holding, up_to = sent.holding(ms), sent.up_to(ms)
        assert holding is not None
        assert up_to is not None
        return holding.at_ns // MS, up_to.at_ns // MS

    assert times(0) == (20, 20)
    assert times(30) == (40, 40)
    assert times(40) == (60, 40), "what begins there, and what ends there"
    assert times(500) == (100, 100), "beyond the end: the newest"


def test_what_is_too_long_ago_is_forgotten() -> None:
    sent = SentAudio(PCM16)
    assert sent.holding(0) is None
    for number in range(REMEMBERED + 1):
        sent.sent(960, number)
    assert sent.holding(0) is None


def test_the_edges_of_what_was_sent_since_the_last_time() -> None:
    sent = SentAudio(PCM16)
    assert sent.edges() is None
    sent.sent(960, 1)
    sent.sent(960, 2)
    edges = sent.edges()
    assert edges is not None
    assert (edges[0].at_ns, edges[1].at_ns, edges[1].end) == (1, 2, 1920)
    assert sent.edges() is None


# --- the computed speaker


def told(playout: Playout, now_ms: float) -> list[tuple[float, str, object]]:
    return [
        (instant.t / MS, instant.kind.removeprefix("playout."), instant.fields.get("ms"))
        for instant in playout.advance(round(now_ms * MS))
    ]


def test_what_is_taken_is_played_in_order_and_in_real_time() -> None:
    playout = Playout(PCM16)
    take(playout, "r", "a", 48_000, 0, 480)  # a second, silent for its first 10 ms
    take(playout, "r", "b", 4800, 100 * MS)
    playout.whole("a")
    playout.whole("b")
    assert told(playout, 999.9) == [(0, "start", None), (10, "audible", None)]
    assert playout.due == 1000 * MS
    assert told(playout, 1000) == [(1000, "stop", 1000), (1000, "start", None)]
    assert told(playout, 5000) == [(1100, "stop", 100)]
    assert playout.due is None


def test_a_speaker_that_runs_dry_tells_how_long() -> None:
    playout = Playout(PCM16)
    assert take(playout, "r", "a", 960, 0) is None
    assert take(playout, "r", "a", 960, 50 * MS) == 30 * MS
    underrun = playout.underrun("a", 30 * MS, 50 * MS)
    assert (underrun.t, underrun.fields["ms"]) == (50 * MS, 30)
    assert take(playout, "r", "b", 960, 60 * MS) is None
    assert take(playout, "r", "a", 960, 80 * MS) == 0, "another item was playing"


def test_an_interruption_stops_what_plays_and_forgets_what_waits() -> None:
    playout = Playout(PCM16)
    take(playout, "r", "a", 48_000, 0)
    take(playout, "r", "b", 48_000, 0)
    playout.whole("a")
    stopped = playout.stopped("r", 250 * MS)
    assert [(instant.kind, instant.t // MS, instant.fields.get("ms")) for instant in stopped] == [
        ("playout.start", 0, None),
        ("playout.stop", 250, 250),
    ]
    take(playout, "r2", "c", 960, 300 * MS)
    assert told(playout, 300) == [(300, "start", None)]


def test_an_interruption_after_the_end_changes_nothing() -> None:
    playout = Playout(PCM16)
    take(playout, "r", "a", 960, 0)
    assert [(instant.kind, instant.t // MS) for instant in playout.stopped("r", 500 * MS)] == [
        ("playout.start", 0),
        ("playout.stop", 20),
    ]


@given(
    st.sampled_from([PCM16, AudioFormat("audio/pcm", 16000), G711_ULAW, G711_ALAW]),
    st.integers(0, 300),
    st.lists(st.integers(1, 90), max_size=12),
)
def test_the_first_audible_sample_is_found_wherever_a_server_cuts(
    audio_format: AudioFormat, quiet: int, sizes: list[int]
) -> None:
    codec = {G711_ULAW.type: pcm_to_ulaw, G711_ALAW.type: pcm_to_alaw}.get(audio_format.type, bytes)
    audio = codec(pcm_of([0x40] * quiet + [9000, -9000] * 20))
    arrivals, at = Arrivals(audio_format), 0
    for size in (*sizes, len(audio)):
        if at < len(audio):
            arrivals.on_audio(audio[at : at + size], at)
        at += size
    assert arrivals.audible_at == quiet * audio_format.bytes_per_sample
    assert arrivals.audible_ms == 1000 * quiet / audio_format.rate
    assert arrivals.nbytes == len(audio)


def test_positions_go_on_in_another_format() -> None:
    sent = SentAudio(PCM16)
    sent.sent(PCM16.bytes_of(100), 1)
    sent.use_format(G711_ULAW)
    sent.sent(G711_ULAW.bytes_of(100), 2)
    sent.sent(G711_ULAW.bytes_of(100), 3)
    assert [piece.at_ns for ms in (50, 150, 250) if (piece := sent.holding(ms))] == [1, 2, 3]
    ends = [PCM16.bytes_of(100) + G711_ULAW.bytes_of(ms) for ms in (0, 100, 200)]
    assert [sent.ms_of(end) for end in ends] == [100, 200, 300]
