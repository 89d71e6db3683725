"""From events to rows: every time from the right clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from rich.console import Console

from engine.agents.agent import RealtimeAgent
from engine.caller.call_events import (
    CallBegan,
    CallerSpeechBegan,
    CallerSpeechEnded,
    CallerTyped,
    CallEvent,
    PlaybackBegan,
    PlaybackEnded,
)
from engine.cli.turn_table import GREETING, TurnRow, turns
from engine.cli.turn_view import turn_view
from engine.events import (
    AgentStart,
    Audio,
    ToolEnd,
    ToolStart,
    TranscriptDone,
    UserSpeechStarted,
    UserSpeechStopped,
)

FRONT, BACK = RealtimeAgent[None]("Front"), RealtimeAgent[None]("Back")


def event(kind: Callable[..., CallEvent], at: float, **fields: Any) -> CallEvent:
    return kind(context=None, at_ns=round(at * 1e9), **fields)


def own(kind: Callable[..., CallEvent], at: float, **fields: Any) -> CallEvent:
    return kind(at_ns=round(at * 1e9), **fields)


def speaks(began: float, ended: float, text: str | None = None) -> list[CallEvent]:
    return [own(CallerSpeechBegan, began, text=text), own(CallerSpeechEnded, ended)]


def heard(began: float, ended: float, item: str, text: str | None = None) -> list[CallEvent]:
    events = [
        event(UserSpeechStarted, began, item_id=item, audio_start_ms=0),
        event(UserSpeechStopped, ended, item_id=item, audio_end_ms=0),
    ]
    if text is not None:
        events.append(event(TranscriptDone, ended, role="user", item_id=item, response_id=None, transcript=text))
    return events


def answers(
    at: float, response: str, agent: RealtimeAgent[None] = FRONT, *, audible: float | None = None
) -> list[CallEvent]:
    audible = at + 0.2 if audible is None else audible
    return [
        event(AgentStart, at, agent=agent, response_id=response),
        event(Audio, at + 0.1, response_id=response, item_id=response, content_index=0, data=b""),
        own(PlaybackBegan, audible, response_id=response, item_id=response),
    ]


def falls_silent(at: float, response: str, played_ms: int, *, cut: bool = False) -> CallEvent:
    return own(PlaybackEnded, at, response_id=response, item_id=response, played_ms=played_ms, interrupted=cut)


def opens() -> list[CallEvent]:
    return [own(CallBegan, 1.0, agent="Front", model="m", wall_clock="")]


def in_order(*parts: Sequence[CallEvent] | CallEvent) -> list[CallEvent]:
    flat = [each for part in parts for each in (part if isinstance(part, Sequence) else [part])]
    return sorted(flat, key=lambda each: each.at_ns)


def approximately(row: TurnRow) -> dict[str, object]:
    times = ("noticed_s", "first_audio_s", "heard_s", "spoke_s", "yielded_s", "tools_s")
    values = {name: getattr(row, name) for name in times}
    return {name: None if value is None else pytest.approx(value, abs=1e-6) for name, value in values.items()}


def test_times_count_from_where_the_caller_really_stopped() -> None:
    table = turns(
        in_order(opens(), speaks(2, 3), heard(2.1, 3.5, "u", "hello"), answers(3.6, "r"), falls_silent(6, "r", 2200))
    )
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
    table = turns(in_order(opens(), answers(1.5, "g"), speaks(5, 6), answers(7, "r")))
    assert [row.caller for row in table.rows] == [GREETING, ""]
    assert approximately(table.rows[0])["heard_s"] == 0.7
    assert len(table.asked) == 1
    assert list(table.heard) == [pytest.approx(1.2)]


def test_an_agent_that_speaks_too_early_gets_a_negative_time() -> None:
    (row,) = turns(in_order(opens(), speaks(2, 4), answers(3.5, "r"))).rows
    assert row.heard_s == pytest.approx(-0.3)


def test_a_turn_without_an_answer_has_no_time_and_is_counted() -> None:
    table = turns(in_order(opens(), speaks(2, 3), speaks(10, 11), answers(12, "r")))
    assert [row.heard_s for row in table.rows] == [None, pytest.approx(1.2)]
    assert table.rows[0].agents == ()
    assert table.summary.startswith("1 of 2 turns")


def test_an_interruption_belongs_to_both_turns() -> None:
    first, second = turns(
        in_order(
            opens(),
            speaks(2, 3),
            answers(3.5, "r"),
            speaks(6, 7),
            falls_silent(6.2, "r", 2500, cut=True),
            answers(7.5, "s", BACK),
            falls_silent(9, "s", 1300),
        )
    ).rows
    assert (first.cut, first.spoke_s, first.yielded_s) == (True, 2.5, None)
    assert (second.cut, second.spoke_s) == (False, 1.3)
    assert second.yielded_s == pytest.approx(0.2)


def test_tools_and_the_agents_who_used_them() -> None:
    tool = {"agent": FRONT, "tool": None, "name": "look", "call_id": "c", "arguments": "{}"}
    (row,) = turns(
        in_order(
            opens(),
            speaks(2, 3),
            event(AgentStart, 3.1, agent=FRONT, response_id="a"),
            event(ToolStart, 3.2, **tool),
            event(ToolEnd, 3.7, output="", outcome="result", **tool),
            answers(4, "b", BACK),
        )
    ).rows
    assert (row.agents, row.tools) == (("Front", "Back"), ("look",))
    assert row.tools_s == pytest.approx(0.5)
    assert row.first_audio_s == pytest.approx(1.1)


def test_an_utterance_heard_as_two_turns_is_one_row_with_both_texts() -> None:
    (row,) = turns(
        in_order(opens(), speaks(2, 6), heard(2.1, 3.5, "u", "hello"), heard(5, 6.5, "v", "goodbye"), answers(7, "r"))
    ).rows
    assert row.caller == "hello goodbye"
    assert row.noticed_s == pytest.approx(0.5)


def test_what_was_said_stands_in_for_what_was_not_understood() -> None:
    (row,) = turns(in_order(opens(), speaks(2, 3, "Where is it?"), heard(2, 3.5, "u", ""), answers(4, "r"))).rows
    assert row.caller == "Where is it?"


def test_a_typed_line_counts_from_being_sent() -> None:
    table = turns(in_order(opens(), own(CallerTyped, 2, text="hello"), answers(2.3, "r")))
    assert table.truth
    assert table.rows[0].heard_s == pytest.approx(0.5)


def test_without_truth_times_count_from_the_far_end_s_word() -> None:
    table = turns(in_order(opens(), heard(2, 3.5, "u", "hello"), answers(4, "r")))
    assert not table.truth
    (row,) = table.rows
    assert (row.caller, row.noticed_s) == ("hello", None)
    assert row.heard_s == pytest.approx(0.7)
    assert "user_speech_stopped: a microphone" in shown(table, 100)


def test_a_call_in_which_nobody_spoke() -> None:
    assert turns([]).summary == "The caller said nothing."
    table = turns(in_order(opens(), speaks(2, 3)))
    assert table.summary == "0 of 1 turns were answered aloud."


def shown(table: Any, width: int) -> str:
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(turn_view(table))
    return captured.get()


@pytest.mark.parametrize("width", [80, 140])
def test_the_table_fits_and_explains_the_columns_it_has(width: int) -> None:
    table = turns(
        in_order(opens(), speaks(2, 3, "a question " * 8), answers(3.5, "r"), falls_silent(6, "r", 2200, cut=True))
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
    tool = {"agent": FRONT, "tool": None, "name": "transfer_to_billing", "call_id": "c", "arguments": "{}"}
    table = turns(
        in_order(
            opens(),
            speaks(2, 3),
            heard(2, 3.5, "u", "a question " * 8),
            answers(3.6, "r"),
            event(ToolStart, 3.7, **tool),
            speaks(6, 7),
            falls_silent(6.2, "r", 2500, cut=True),
            answers(7.5, "s", BACK),
        )
    )
    text = shown(table, width)
    assert "yielded" in text
    assert "0.20" in text
    assert "transfer_to_billing" in text
    assert "noticed" in text
