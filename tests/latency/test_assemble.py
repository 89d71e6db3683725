"""Turns from instants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import attrs
from hypothesis import given
from hypothesis import strategies as st

from engine.latency.assemble import TurnAssembler, turns_of
from engine.latency.instants import KINDS, Instant
from engine.latency.log import in_order
from engine.latency.metrics import METRICS, metrics_of
from engine.latency.open_turns import GRACE_NS, MOST_LATE_NS, MOST_OPEN
from engine.latency.rates import RATES
from engine.latency.turns import Interruption, TurnRecord
from tests.latency.conversations import HEADER, MS, Telling, at, log_of, tellings

SOMEBODY_ELSES = ("barge_in_truth", "barge_in_heard", "onset_truth", "onset_heard")
"""Fields that name an instant of another turn."""


def turns(*instants: Instant) -> tuple[TurnRecord, ...]:
    return turns_of(log_of(instants))


def times(record: TurnRecord) -> set[int]:
    """Every time in a record that is its own instant."""
    found: set[int] = set()
    spans = [*record.tools, *record.handoffs, *([record.interruption] if record.interruption else [])]
    for part in (record, *spans):
        for field in attrs.fields(type(part)):
            value = getattr(part, field.name)
            ns = isinstance(value, int) and not isinstance(value, bool) and value > MS // 2
            if ns and field.name not in (*SOMEBODY_ELSES, "over", "began", "index", "truth_turn", "speech_started_ms"):
                found.add(value)
    return found


# --- properties


@given(tellings())
def test_one_at_a_time_is_the_same_as_the_whole_log(instants: list[Instant]) -> None:
    assembler = TurnAssembler(HEADER.session)
    given_out = [record for instant in instants for record in assembler.on_instant(instant)]
    assert not any(not record.complete for record in given_out)
    given_out += assembler.close()
    assert sorted(given_out, key=lambda record: record.index) == list(turns_of(log_of(instants)))
    assert assembler.close() == [] == assembler.open_turns()


@given(tellings())
def test_what_happened_belongs_to_one_turn_at_most(instants: list[Instant]) -> None:
    known = {instant.t for instant in instants}
    records = turns_of(log_of(instants))
    assert [record.index for record in records] == list(range(len(records)))
    for ids in (
        [response for record in records for response in record.responses],
        [span.call_id for record in records for span in record.tools],
        [record.truth_turn for record in records if record.truth_turn is not None],
        [t for record in records for t in times(record) & known],
    ):
        assert all(count == 1 for count in Counter(ids).values())


@given(tellings())
def test_everything_that_was_said_is_in_a_turn(instants: list[Instant]) -> None:
    records = turns_of(log_of(instants))
    kinds = Counter(instant.kind for instant in instants)
    assert sum(record.user_speech_start_truth is not None for record in records) == kinds["user.speech.start.truth"]
    assert sum(len(record.responses) for record in records) == kinds["response.created"]
    assert sum(len(record.tools) for record in records) == kinds["tool.called"]
    assert sum(record.opened_by == "silence" for record in records) == kinds["server.silence"]


@given(tellings(), st.data())
def test_no_metric_is_ever_zero_because_something_is_missing(instants: list[Instant], data: st.DataObject) -> None:
    kept = [instant for instant in instants if data.draw(st.integers(0, 3))]
    for record in turns_of(log_of(kept)):
        # No two instants have the same time: a span between two of them is never 0.
        assert 0.0 not in [value for name, value in metrics_of(record).items() if METRICS[name].unit == "s"]
        assert record.underruns is None or record.playout_source is not None


@given(tellings())
def test_an_unanswered_turn_has_no_latency_and_counts_in_the_rate(instants: list[Instant]) -> None:
    records = turns_of(log_of(instants))
    counted = [record for record in records if RATES["response_rate"].of(record)]
    wanted = [record for record in records if record.opened_by in ("speech", "text") and record.wants_answer]
    assert counted == wanted
    for record in records:
        if not record.answered:
            assert METRICS["turn_gap"].of(record) is None
            assert METRICS["first_audio"].of(record) is None or record.audio_first_received is not None
            assert not RATES["response_rate"].hits(record)


@given(tellings(), st.randoms(use_true_random=False), st.sampled_from([100, 700]))
def test_at_equal_times_the_order_of_line_and_engine_makes_no_difference(
    instants: list[Instant], random: st.random.Random, grain_ms: int
) -> None:
    """Line and engine are two writers: who writes first of what happens at the same time is chance."""
    coarse = [attrs.evolve(instant, t=instant.t - instant.t % (grain_ms * MS)) for instant in instants]
    line = [instant for instant in coarse if KINDS[instant.kind].by_line]
    engine = [instant for instant in coarse if not KINDS[instant.kind].by_line]
    mixed: list[Instant] = []
    while line or engine:
        mixed.append((line if line and (not engine or random.random() < 0.5) else engine).pop(0))
    assert turns_of(log_of(mixed)) == turns_of(log_of(coarse))


@given(tellings(), st.integers(0, 100))
def test_a_log_that_is_cut_has_the_turns_that_were_over(instants: list[Instant], share: int) -> None:
    cut = instants[: len(instants) * share // 100]
    whole = {record.index: record for record in turns_of(log_of(instants))}
    assembler = TurnAssembler(HEADER.session)
    over = [record for instant in cut for record in assembler.on_instant(instant)]
    for record in over:
        assert record == whole[record.index]


VALUES = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(["a", "b", "", "first", "measured"]))
ANYTHING = st.lists(
    st.builds(
        Instant,
        st.integers(0, 10 * MS),
        st.sampled_from(sorted(KINDS)) | st.just("unheard.of"),
        st.dictionaries(st.sampled_from(sorted({name for kind in KINDS.values() for name in kind.fields})), VALUES),
    ),
    max_size=60,
)


@given(ANYTHING)
def test_nothing_that_a_log_can_hold_is_too_much(instants: list[Instant]) -> None:
    for record in turns_of(log_of(instants)):
        metrics_of(record)
        for rate in RATES.values():
            assert isinstance(rate.of(record) and rate.hits(record), bool)


# --- what makes a turn


def shape(records: Sequence[TurnRecord]) -> list[tuple[str, bool, bool]]:
    return [(record.opened_by, record.answered, record.complete) for record in records]


def test_a_greeting_is_the_turn_of_the_call() -> None:
    story = Telling()
    story.tell("response.requested", token="req_0")
    story.agent_answers()
    story.user_speaks(truth=True, heard=True)
    story.agent_answers()
    assert shape(turns(*story.instants)) == [("call", True, True), ("speech", True, True)]


def test_an_answer_after_tools_is_still_the_same_turn() -> None:
    story = Telling()
    story.user_speaks(truth=True, heard=True)
    story.agent_answers(calls=2)
    (record,) = turns(*story.instants)
    assert (len(record.responses), len(record.tools), record.usage) == (2, 2, {"total_tokens": 10})


def test_a_response_that_nobody_waits_for_is_a_turn_of_its_own() -> None:
    story = Telling()
    story.user_speaks(truth=False, heard=True)
    story.agent_answers()
    story.agent_answers()
    assert shape(turns(*story.instants)) == [("speech", True, True), ("application", True, True)]


def test_an_out_of_band_response_is_nobodys() -> None:
    story = Telling()
    story.user_speaks(truth=True, heard=True)
    story.tell("response.requested", token="q", out_of_band=True)
    story.tell("response.created", response="side", token="q", out_of_band=True)
    story.tell("response.first_token", response="side", item="x")
    story.tell("response.done", response="side", status="completed")
    (record,) = turns(*story.instants)
    assert record.responses == ()
    assert record.first_token is None


def test_words_that_the_server_missed_are_an_unanswered_turn() -> None:
    story = Telling()
    story.user_speaks(truth=True, heard=False)
    story.passes(MOST_LATE_NS / MS)
    story.user_speaks(truth=False, heard=True)
    story.agent_answers()
    missed, answered = turns(*story.instants)
    assert (missed.answered, missed.wants_answer, missed.complete) == (False, True, True)
    assert (answered.answered, answered.truth_turn) == (True, None)


def test_speech_that_is_told_soon_after_its_end_is_the_callers() -> None:
    (record,) = turns(
        at(0, "user.speech.start.truth", turn=7, text="hm"),
        at(100, "user.speech.end.truth", turn=7),
        at(400, "server.speech_started", item="u", ms=10),
        at(600, "server.speech_stopped", item="u", ms=600),
    )
    assert (record.truth_turn, record.speech_started, record.user_text) == (7, 400 * MS, "hm")


def test_a_pause_taken_for_the_end_is_one_turn_and_a_takeover() -> None:
    """The user pauses, the agent begins, the user goes on, the agent answers what was meant."""
    records = turns(
        at(0, "user.speech.start.truth", turn=0),
        at(100, "server.speech_started", item="u1", ms=0),
        at(1500, "server.speech_stopped", item="u1", ms=1500),
        at(1510, "response.created", response="early"),
        at(1800, "audio.first_received", response="early", item="a1"),
        at(1801, "playout.start", response="early", item="a1", source="computed"),
        at(2000, "server.speech_started", item="u2", ms=1900),
        at(2000, "interrupt", response="early", item="a1", heard_ms=190, cause="user"),
        at(2001, "playout.stop", response="early", item="a1", source="computed", ms=200),
        at(2002, "response.done", response="early", status="cancelled", reason="turn_detected"),
        at(3000, "user.speech.end.truth", turn=0),
        at(3500, "server.speech_stopped", item="u2", ms=3500),
        at(3510, "response.created", response="late"),
        at(3800, "audio.first_received", response="late", item="a2"),
        at(3801, "playout.start", response="late", item="a2", source="computed"),
        at(3850, "playout.audible", response="late", item="a2", source="computed"),
        at(4000, "response.done", response="late", status="completed"),
        at(5000, "playout.stop", response="late", item="a2", source="computed", ms=1199),
    )
    (record,) = records
    assert (record.false_takeover, record.takeovers, record.responses) == (True, 1, ("early", "late"))
    assert METRICS["turn_gap"].of(record) == 0.85
    assert METRICS["endpoint_delay"].of(record) == 0.5
    assert record.interruption is None
    assert record.complete


def test_an_agent_that_keeps_the_floor_has_a_negative_gap() -> None:
    (record,) = turns(
        at(0, "user.speech.start.truth", turn=0),
        at(100, "server.speech_started", item="u1", ms=0),
        at(900, "server.speech_stopped", item="u1", ms=900),
        at(910, "response.created", response="r"),
        at(950, "audio.first_received", response="r", item="a"),
        at(950, "playout.start", response="r", item="a", source="computed"),
        at(950, "playout.audible", response="r", item="a", source="computed"),
        at(1100, "user.speech.end.truth", turn=0),
        at(1400, "response.done", response="r", status="completed"),
        at(1900, "playout.stop", response="r", item="a", source="computed", ms=950),
    )
    assert METRICS["turn_gap"].of(record) == -0.15
    assert METRICS["endpoint_delay"].of(record) == -0.2
    assert (record.false_takeover, record.takeovers) == (True, 0)


def test_a_barge_in_belongs_to_the_answer_and_its_voice_to_the_next_turn() -> None:
    records = turns(
        at(0, "server.speech_started", item="u1", ms=0),
        at(900, "server.speech_stopped", item="u1", ms=900),
        at(1000, "response.created", response="r"),
        at(1200, "audio.first_received", response="r", item="a"),
        at(1201, "playout.start", response="r", item="a", source="computed"),
        at(2000, "user.speech.start.truth", turn=1, purpose="barge_in"),
        at(2180, "server.speech_started", item="u2", ms=2000),
        at(2180, "interrupt", response="r", item="a", heard_ms=979, cause="user"),
        at(2181, "truncate.sent", item="a", ms=979),
        at(2190, "interrupt.taken", response="r"),
        at(2190, "playout.stop", response="r", item="a", source="computed", ms=989),
        at(2230, "playout.stop", response="r", item="a", source="measured", ms=1029),
        at(2400, "response.done", response="r", status="cancelled", reason="turn_detected"),
    )
    answered, barging = records
    assert answered.interruption == Interruption(
        cause="user", onset_truth=2000 * MS, onset_heard=2180 * MS, emitted=2180 * MS, taken=2190 * MS,
        truncate_sent=2181 * MS, stopped=2190 * MS, heard_ms=979,
    )  # fmt: skip
    assert (answered.barge_in_truth, answered.barge_in_purpose) == (2000 * MS, "barge_in")
    figures = metrics_of(answered)
    assert (figures["yield_latency"], figures["yield_latency_heard"], figures["over_talk"]) == (0.19, 0.01, 0.01)
    assert RATES["yield_rate"].of(answered)
    assert RATES["yield_rate"].hits(answered)
    assert not RATES["yield_rate"].of(barging)


def test_an_agent_that_talks_on_has_not_yielded() -> None:
    story = Telling()
    story.user_speaks(truth=True, heard=True)
    story.agent_answers()
    start = next(instant.t for instant in story.instants if instant.kind == "playout.start")
    record, _ = turns(
        *story.instants,
        Instant(start + 100 * MS, "user.speech.start.truth", {"turn": 9, "purpose": "barge_in"}),
        Instant(start + 600 * MS, "user.speech.end.truth", {"turn": 9}),
    )
    assert record.barge_in_truth == start + 100 * MS
    assert RATES["yield_rate"].of(record)
    assert not RATES["yield_rate"].hits(record)
    assert METRICS["yield_latency"].of(record) is None


def test_what_was_measured_goes_before_what_was_computed() -> None:
    story = Telling()
    story.user_speaks(truth=True, heard=True)
    story.agent_answers()
    start = next(instant.t for instant in story.instants if instant.kind == "playout.start")
    (record,) = turns(
        *story.instants,
        Instant(start + 30 * MS, "playout.start", {"item": "answer_3", "source": "measured"}),
        Instant(start + 2100 * MS, "playout.stop", {"item": "answer_3", "source": "measured", "ms": 2040}),
    )
    assert (record.playout_source, record.playout_start) == ("measured", start + 30 * MS)
    assert record.playout_audible == start + 70 * MS, "by the place of the first audible sample"
    assert record.complete


def test_push_to_talk_ends_where_the_application_says() -> None:
    (record,) = turns(
        at(0, "user.audio.sent", edge="first", bytes=960, position_ms=20),
        at(980, "user.audio.sent", edge="last", bytes=960, position_ms=1000),
        at(1000, "user.commit.sent"),
        at(1030, "user.committed", item="u"),
        at(1031, "response.requested", token="q"),
        at(1050, "response.created", response="r", token="q"),
        at(1100, "transcript.user.final", item="u", text="hello"),
        at(1200, "audio.first_received", response="r", item="a"),
        at(1201, "playout.start", response="r", item="a", source="computed"),
        at(1201, "playout.audible", response="r", item="a", source="computed"),
    )
    assert (record.opened_by, record.began, record.user_text) == ("speech", 0, "hello")
    figures = metrics_of(record)
    assert figures["turn_gap"] == 0.201
    assert figures["transcript_delay"] == 0.1
    assert figures["event_rtt"] == 0.019
    assert not record.complete


def test_what_was_taken_back_is_no_unanswered_turn() -> None:
    taken_back, said = turns(
        at(0, "user.audio.sent", edge="first", bytes=960, position_ms=20),
        at(1000, "user.cleared"),
        at(2000, "user.audio.sent", edge="first", bytes=960, position_ms=1020),
        at(3000, "user.commit.sent"),
    )
    assert (taken_back.withdrawn, taken_back.complete, RATES["response_rate"].of(taken_back)) == (True, True, False)
    assert (said.withdrawn, RATES["response_rate"].of(said)) == (False, True)


def test_a_turn_waits_for_its_transcript_where_there_are_transcripts() -> None:
    assembler = TurnAssembler("s")
    over: list[int] = []

    def take(story: Telling) -> None:
        for instant in story.instants:
            over.extend(record.index for record in assembler.on_instant(instant))
        story.instants.clear()
        over.extend(record.index for record in assembler.advance(round(story.now * MS) + GRACE_NS + 1))

    story = Telling()
    story.user_speaks(truth=False, heard=True)
    story.tell("transcript.user.final", item="user_1", text="one")
    story.agent_answers()
    take(story)
    assert over == [0]
    item = f"user_{story.count + 1}"
    story.user_speaks(truth=False, heard=True)
    story.agent_answers()
    take(story)
    assert over == [0]
    story.tell("transcript.user.failed", item=item)
    take(story)
    assert over == [0, 1]


def test_turns_that_never_come_to_rest_are_closed_as_they_are() -> None:
    assembler = TurnAssembler("s")
    over: list[TurnRecord] = []
    for number in range(MOST_OPEN + 3):
        over += assembler.on_instant(at(number, "user.speech.start.truth", turn=number))
    assert [(record.index, record.complete) for record in over] == [(0, False), (1, False), (2, False)]


def test_the_order_of_a_log_is_restored() -> None:
    story = Telling()
    story.user_speaks(truth=True, heard=True)
    story.agent_answers()
    assert list(in_order(story.instants[::-1])) == story.instants
