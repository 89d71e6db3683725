"""From turn records to rows of the table, and the table as it is printed: every time from the right clock."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from rich.console import Console

from engine.caller.call_events import CallerTyped, CallEvent
from engine.cli.turn_rows import GREETING, TurnRow, TurnTable, turn_table
from engine.cli.turn_view import turn_view
from engine.events import TurnMetrics
from engine.latency.assemble import turns_of
from engine.latency.instants import Instant, Value
from engine.latency.metrics import metrics_of
from tests.latency.conversations import log_of

SESSION_BEGAN_NS = 7_000_000_000


def at(seconds: float, kind: str, /, **fields: Value) -> Instant:
    return Instant(round(seconds * 1e9), kind, fields)


def speaks(began: float, ended: float, text: str | None = None, **more: Value) -> list[Instant]:
    words: dict[str, Value] = {} if text is None else {"text": text}
    return [
        at(began, "user.speech.start.truth", turn=str(began), **words, **more),
        at(ended, "user.speech.end.truth", turn=str(began)),
    ]


def heard(began: float, ended: float, item: str, text: str | None = None) -> list[Instant]:
    instants = [
        at(began, "server.speech_started", item=item, ms=round(began * 1000)),
        at(ended, "server.speech_stopped", item=item, ms=round(ended * 1000)),
        at(ended, "user.committed", item=item),
    ]
    if text is not None:
        instants.append(at(ended, "transcript.user.final", item=item, text=text))
    return instants


def answers(seconds: float, response: str, agent: str = "Front", *, audible: float | None = None) -> list[Instant]:
    audible = seconds + 0.2 if audible is None else audible
    names = {"response": response, "item": response}
    return [
        at(seconds, "response.created", response=response, agent=agent),
        at(seconds + 0.1, "response.first_token", **names),
        at(seconds + 0.1, "audio.first_received", **names),
        at(audible, "playout.start", **names, source="measured"),
        at(audible, "playout.audible", **names, source="measured"),
        at(audible + 0.01, "response.done", response=response, status="completed"),
    ]


def falls_silent(seconds: float, response: str, played_ms: int, *, cut: bool = False) -> list[Instant]:
    names = {"response": response, "item": response}
    stop = at(seconds, "playout.stop", **names, source="measured", ms=played_ms, silent_ms=0)
    return [at(seconds, "interrupt", **names, heard_ms=played_ms, cause="user"), stop] if cut else [stop]


def uses(name: str, response: str, began: float, ended: float) -> list[Instant]:
    return [
        at(began, "tool.called", call=name, name=name, response=response),
        at(began, "tool.started", call=name),
        at(ended, "tool.ended", call=name, outcome="result"),
        at(ended, "tool.output_sent", call=name),
    ]


def table_of(*parts: Sequence[Instant], typed: Sequence[tuple[float, str]] = ()) -> TurnTable:
    log = log_of(sorted([each for part in parts for each in part], key=lambda instant: instant.t))
    events: list[CallEvent] = [
        TurnMetrics(context=None, at_ns=turn.over, turn=turn, metrics=metrics_of(turn)) for turn in turns_of(log)
    ]
    events += [CallerTyped(at_ns=SESSION_BEGAN_NS + round(s * 1e9), text=text) for s, text in typed]
    return turn_table(events, SESSION_BEGAN_NS)


def approximately(row: TurnRow) -> dict[str, object]:
    times = ("noticed_s", "first_audio_s", "heard_s", "spoke_s", "yielded_s", "tools_s")
    values = {name: getattr(row, name) for name in times}
    return {name: None if value is None else pytest.approx(value, abs=1e-6) for name, value in values.items()}


def test_times_count_from_where_the_caller_really_stopped() -> None:
    table = table_of(speaks(2, 3), heard(2.1, 3.5, "u", "hello"), answers(3.6, "r"), falls_silent(6, "r", 2200))
    (row,) = table.rows
    assert (row.caller, row.agents, row.cut) == ("hello", ("Front",), False)
    assert approximately(row) == {
        "noticed_s": 0.5,
        "first_audio_s": 0.7,
        "heard_s": 0.8,
        "spoke_s": 2.2,
        "yielded_s": None,
        "tools_s": 0,
    }
    assert table.summary == "1 of 1 turns were answered aloud, after 0.80 s (median) and 0.80 s (longest)."


def test_the_greeting_is_a_row_that_is_not_counted() -> None:
    asked_for = [at(1.0, "response.requested")]
    table = table_of(
        asked_for, answers(1.5, "g"), falls_silent(3, "g", 1300), speaks(5, 6), heard(5, 6.5, "u"), answers(7, "r")
    )
    assert [row.caller for row in table.rows] == [GREETING, ""]
    assert approximately(table.rows[0])["heard_s"] == 0.7
    assert len(table.asked) == 1
    assert list(table.heard) == [pytest.approx(1.2)]


def test_a_greeting_that_never_came_is_no_row() -> None:
    assert table_of([at(1.0, "response.requested")]).rows == ()


def test_an_agent_that_speaks_too_early_gets_a_negative_time() -> None:
    (row,) = table_of(speaks(2, 4), heard(2.1, 3.4, "u"), answers(3.5, "r")).rows
    assert row.heard_s == pytest.approx(-0.3)
    assert row.noticed_s == pytest.approx(-0.6)


def test_a_turn_without_an_answer_has_no_time_and_is_counted() -> None:
    table = table_of(speaks(2, 3), speaks(10, 11), heard(10, 11.5, "u"), answers(12, "r"))
    assert [row.heard_s for row in table.rows] == [None, pytest.approx(1.2)]
    assert table.rows[0].agents == ()
    assert table.summary.startswith("1 of 2 turns")


def interrupted() -> TurnTable:
    return table_of(
        speaks(2, 3),
        heard(2, 3.4, "u", "a question " * 8),
        answers(3.5, "r"),
        uses("transfer_to_billing", "r", 3.6, 3.6),
        speaks(6, 7, purpose="barge_in"),
        heard(6.15, 7.4, "v"),
        falls_silent(6.2, "r", 2500, cut=True),
        answers(7.5, "s", "Back"),
        falls_silent(9, "s", 1300),
    )


def test_an_interruption_belongs_to_both_turns() -> None:
    first, second = interrupted().rows
    assert (first.cut, first.spoke_s, first.yielded_s) == (True, 2.5, None)
    assert (second.cut, second.spoke_s) == (False, 1.3)
    assert second.yielded_s == pytest.approx(0.2)


def test_tools_and_the_agents_who_used_them() -> None:
    refused = [
        at(3.1, "tool.called", call="refused", name="refused", response="a"),
        at(3.7, "tool.ended", call="refused", outcome="rejected"),
        at(3.7, "tool.output_sent", call="refused"),
    ]
    (row,) = table_of(
        speaks(2, 3),
        heard(2, 3.05, "u"),
        [at(3.1, "response.created", response="a", agent="Front")],
        uses("look", "a", 3.2, 3.7),
        refused,
        [at(3.3, "response.done", response="a", status="completed")],
        answers(4, "b", "Back"),
    ).rows
    assert (row.agents, row.tools) == (("Front", "Back"), ("look",))
    assert row.tools_s == pytest.approx(0.5)
    assert row.first_audio_s == pytest.approx(1.1)


def test_an_utterance_heard_as_two_turns_is_one_row_with_both_texts() -> None:
    (row,) = table_of(speaks(2, 6), heard(2.1, 3.5, "u", "hello"), heard(5, 6.5, "v", "goodbye"), answers(7, "r")).rows
    assert row.caller == "hello goodbye"
    assert row.noticed_s == pytest.approx(0.5)


def test_what_was_said_stands_in_for_what_was_not_understood() -> None:
    (row,) = table_of(speaks(2, 3, "Where is it?"), heard(2, 3.5, "u", ""), answers(4, "r")).rows
    assert row.caller == "Where is it?"


def test_a_typed_line_counts_from_being_sent() -> None:
    table = table_of([at(2, "user.text.sent", item="t")], answers(2.3, "r"), typed=[(1.99, "hello")])
    assert table.truth
    assert table.rows[0].caller == "hello"
    assert table.rows[0].heard_s == pytest.approx(0.5)


def test_typed_lines_that_are_answered_together_are_one_row() -> None:
    table = table_of(
        [at(2, "user.text.sent", item="t"), at(2.1, "user.text.sent", item="u")],
        answers(2.3, "r"),
        falls_silent(3, "r", 500),
        [at(5, "user.text.sent", item="v")],
        typed=[(2, "hello"), (2.1, "are you there"), (5, "goodbye")],
    )
    assert [row.caller for row in table.rows] == ["hello are you there", "goodbye"]


def test_without_truth_times_count_from_the_servers_word() -> None:
    table = table_of(
        heard(2, 3.5, "u", "hello"), answers(4, "r"), heard(6, 7, "v"), falls_silent(6.3, "r", 2100, cut=True)
    )
    assert not table.truth
    first, second = table.rows
    assert (first.caller, first.noticed_s) == ("hello", None)
    assert first.heard_s == pytest.approx(0.7)
    assert second.yielded_s == pytest.approx(0.3)
    assert "user_speech_stopped: a microphone" in shown(table, 100)


def test_speech_that_nobody_spoke_has_no_times_where_the_truth_is_known() -> None:
    noise, spoken = table_of(
        heard(2, 3, "noise"), answers(3.2, "q"), falls_silent(4, "q", 500), speaks(6, 7), heard(6, 7.3, "u")
    ).rows
    assert (noise.first_audio_s, noise.heard_s) == (None, None)
    assert spoken.noticed_s == pytest.approx(0.3)


def test_a_call_in_which_nobody_spoke() -> None:
    assert turn_table([], 0).summary == "The caller said nothing."
    assert table_of(speaks(2, 3)).summary == "0 of 1 turns were answered aloud."


def shown(table: TurnTable, width: int) -> str:
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(turn_view(table))
    return captured.get()


@pytest.mark.parametrize("width", [80, 140])
def test_the_table_fits_and_explains_the_columns_it_has(width: int) -> None:
    table = table_of(
        [at(2, "user.text.sent", item="t")],
        answers(2.5, "r"),
        falls_silent(5, "r", 2200, cut=True),
        typed=[(2, "a question " * 8)],
    )
    text = shown(table, width)
    assert max(map(len, text.splitlines())) <= width
    assert "2.20 ✂" in text
    assert "…" not in text.splitlines()[1], "no column is cut"
    assert "0.70" in text
    assert "yielded" not in text
    assert "noticed" not in text, "nothing was noticed, so there is no column"


@pytest.mark.parametrize("width", [80, 140])
def test_the_widest_table_fits(width: int) -> None:
    text = shown(interrupted(), width)
    assert max(map(len, text.splitlines())) <= width
    assert "yielded" in text
    assert "0.20" in text
    assert "transfer_to_billing" in text
    assert "noticed" in text
