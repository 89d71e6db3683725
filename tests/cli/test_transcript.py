"""The transcript: entries in the order in which they began, growing until they are settled; and how they look."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import trio
from rich.console import Console

from engine.agents.agent import RealtimeAgent
from engine.caller.call_events import (
    CallBegan,
    CallEnded,
    CallerSpeechBegan,
    CallerTyped,
    CallEvent,
    CallNote,
    PlaybackBegan,
    PlaybackEnded,
)
from engine.cli.display import Screen
from engine.cli.entry_view import clock
from engine.cli.transcript import AgentSaid, CallerSaid, CutShort, Noted, Transcript
from engine.errors import ServerError
from engine.events import (
    AgentEnd,
    AgentStart,
    Audio,
    AudioEnd,
    AudioInterrupted,
    Error,
    GuardrailResult,
    GuardrailTripped,
    Handoff,
    HistoryUpdated,
    ToolApprovalRequired,
    ToolEnd,
    ToolStart,
    TranscriptDelta,
    TranscriptDone,
    TranscriptionFailed,
    UserSpeechStarted,
)
from engine.history import AssistantAudio, AssistantMessage
from engine.wire.response import ResponseError
from engine.wire.server_events import TranscriptionError

AGENT = RealtimeAgent[None]("Reception")
OTHER = RealtimeAgent[None]("Billing")
SECOND_OF_SOUND = bytes(48_000)


def event(kind: Callable[..., CallEvent], at: float = 0.0, **fields: Any) -> CallEvent:
    return kind(context=None, at_ns=round(at * 1e9), **fields)


def own(kind: Callable[..., CallEvent], at: float = 0.0, **fields: Any) -> CallEvent:
    return kind(at_ns=round(at * 1e9), **fields)


def opens() -> CallEvent:
    return own(CallBegan, 10.0, agent="Reception", model="m", wall_clock="")


def says(text: str, item: str = "a", seconds: int = 2, at: float = 11.0) -> list[CallEvent]:
    words = [
        event(TranscriptDelta, at, role="assistant", item_id=item, response_id="r", delta=word)
        for word in text.split(" ")
    ]
    sound = [event(Audio, at, response_id="r", item_id=item, content_index=0, data=SECOND_OF_SOUND)] * seconds
    return [
        event(AgentStart, at, agent=AGENT, response_id="r"),
        *words,
        *sound,
        own(PlaybackBegan, at, response_id="r", item_id=item),
        event(AudioEnd, at, response_id="r", item_id=item, content_index=0),
        event(TranscriptDone, at, role="assistant", item_id=item, response_id="r", transcript=text),
        event(AgentEnd, at, agent=AGENT, response_id="r", status="completed"),
    ]


def played(item: str = "a", *, interrupted: bool = False) -> CallEvent:
    return own(PlaybackEnded, 13.0, response_id="r", item_id=item, played_ms=2000, interrupted=interrupted)


def cut(heard: str, unheard: str, ms: int = 700, item: str = "a") -> list[CallEvent]:
    part = AssistantAudio(heard + unheard, ms, heard, unheard)
    message = AssistantMessage(item_id=item, status="incomplete", content=(part,))
    return [
        event(AudioInterrupted, 12.0, response_id="r", item_id=item, audio_end_ms=ms),
        played(item, interrupted=True),
        event(HistoryUpdated, 12.0, item=message, history=()),
    ]


def hears(*, delta: str = "", done: str | None = None, item: str = "u") -> list[CallEvent]:
    fields = {"role": "user", "item_id": item, "response_id": None}
    events = [event(TranscriptDelta, 14.0, delta=delta, **fields)] if delta else []
    return events + ([event(TranscriptDone, 14.5, transcript=done, **fields)] if done is not None else [])


def user_starts(item: str = "u", at: float = 13.5) -> CallEvent:
    return event(UserSpeechStarted, at, item_id=item, audio_start_ms=0)


def of(*events: CallEvent) -> Transcript:
    transcript = Transcript()
    for each in (opens(), *events):
        transcript.on_event(each)
    return transcript


def shown(
    events: Iterable[CallEvent], *, width: int = 80, live: bool = False, shows_typed: bool = True, played_ms: int = 0
) -> str:
    """What a screen leaves behind."""
    out = io.StringIO()
    console = Console(file=out, width=width, height=30, force_terminal=live, color_system=None, highlight=False)
    transcript = Transcript()
    screen = Screen(console, transcript, live=live, shows_typed=shows_typed, played_ms=lambda item: played_ms)
    with screen:
        for each in (opens(), *events):
            transcript.on_event(each)
            screen.on_event(each)
    return out.getvalue()


# --- entries


def test_an_agent_s_words_are_settled_when_they_have_been_played() -> None:
    transcript = of(*says("good morning"))
    (entry,) = transcript.entries
    assert isinstance(entry, AgentSaid)
    assert (entry.agent, entry.text, entry.received_ms, entry.audible) == ("Reception", "good morning", 2000, True)
    assert entry.complete
    assert not entry.settled
    transcript.on_event(played())
    assert entry.settled


def test_words_without_sound_are_settled_when_the_response_ends() -> None:
    (entry,) = of(*says("good morning", seconds=0)).entries
    assert entry.settled


def test_the_caller_s_words_grow_and_settle() -> None:
    transcript = of(own(CallerSpeechBegan, 13.4, text="Where is it?"), user_starts(), *hears(delta="where "))
    (entry,) = transcript.entries
    assert isinstance(entry, CallerSaid)
    assert (entry.said, entry.heard, entry.settled) == ("Where is it?", "where ", False)
    for each in hears(done="where is it"):
        transcript.on_event(each)
    assert (entry.heard, entry.settled) == ("where is it", True)


def test_a_second_turn_within_an_utterance_is_an_entry_of_its_own() -> None:
    transcript = of(
        own(CallerSpeechBegan, 13.4, text="Hello. Goodbye."), user_starts("u"), user_starts("v", 15),
        *hears(done="goodbye", item="v"), *hears(done="hello", item="u"),
    )  # fmt: skip
    assert [(entry.heard, entry.said) for entry in transcript.entries if isinstance(entry, CallerSaid)] == [
        ("hello", "Hello. Goodbye."),
        ("goodbye", None),
    ]


def test_words_that_never_come_do_not_hold_up_the_rest() -> None:
    transcript = of(own(CallerSpeechBegan, 13.4, text=None), user_starts(), *says("an answer", at=14))
    assert not transcript.entries[0].settled
    transcript.on_event(played())
    assert transcript.entries[0].settled


def test_an_interruption_settles_words_and_says_what_was_heard() -> None:
    transcript = of(*says("one two three four"), *cut("one two ", "three four"))
    said, short = transcript.entries
    assert isinstance(said, AgentSaid)
    assert isinstance(short, CutShort)
    assert (said.settled, said.heard_text) == (True, "one two ")
    assert (short.heard, short.unheard, short.heard_ms, short.received_ms) == ("one two ", "three four", 700, 2000)


def test_an_interruption_is_told_once() -> None:
    transcript = of(*says("one two"), *cut("one ", "two"), *cut("one ", "two"))
    assert len([entry for entry in transcript.entries if isinstance(entry, CutShort)]) == 1


def test_a_cut_that_nobody_explains_is_settled_when_the_agent_speaks_again() -> None:
    transcript = of(*says("one two"), played(interrupted=True))
    assert not transcript.entries[0].settled
    transcript.on_event(event(AgentStart, 15, agent=AGENT, response_id="s"))
    assert transcript.entries[0].settled


def test_an_interruption_before_the_first_sound() -> None:
    begun = [
        event(AgentStart, 11, agent=AGENT, response_id="r"),
        event(TranscriptDelta, 11, role="assistant", item_id="a", response_id="r", delta="one"),
    ]
    transcript = of(*begun, event(AudioInterrupted, 11.1, response_id="r"))
    assert transcript.entries[0].settled


@pytest.mark.parametrize(
    ("told", "kind", "words"),
    [
        (event(Error, error=ServerError("no such voice")), "error", "no such voice"),
        (own(CallNote, text="no answer for 20 s"), "note", "no answer for 20 s"),
        (
            event(
                GuardrailTripped,
                response_id="r",
                guardrail_results=(GuardrailResult(guardrail=None, name="no_cards"),),
                message="",
            ),
            "guardrail",
            "no_cards stopped the agent",
        ),
        (
            event(ToolApprovalRequired, agent=AGENT, tool=None, name="refund", call_id="c", arguments="{}"),
            "note",
            "refund({}) needs approval",
        ),
        (
            event(
                AgentEnd, agent=AGENT, response_id="r", status="failed",
                error=ResponseError(message="out of credit"),
            ),
            "error",
            "the response is failed: out of credit",
        ),
        (
            event(AgentEnd, agent=AGENT, response_id="r", status="incomplete", reason="max_output_tokens"),
            "note",
            "the response is incomplete: max_output_tokens",
        ),
    ],
)  # fmt: skip
def test_notes(told: CallEvent, kind: str, words: str) -> None:
    (entry,) = of(told).entries
    assert isinstance(entry, Noted)
    assert (entry.kind, entry.text) == (kind, words)


def test_the_end_settles_everything() -> None:
    transcript = of(user_starts(), *says("unheard"), own(CallEnded, 20, reason="over"))
    assert all(entry.settled for entry in transcript.entries)


# --- how they look


def test_time_since_the_call_began() -> None:
    assert [clock(at) for at in (0, 449_999_999, 59_960_000_000, 3_725_300_000_000)] == [
        "0:00.0",
        "0:00.4",
        "1:00.0",
        "62:05.3",
    ]


def test_a_pipe_gets_each_entry_once_when_its_words_are_complete() -> None:
    text = shown([*says("good morning to you"), user_starts(), *hears(delta="hel", done="hello")])
    assert text == "0:01.0 Reception        good morning to you\n0:03.5 Caller           hello\n"


def test_an_answer_waits_for_the_words_of_the_question() -> None:
    events = [own(CallerSpeechBegan, 11, text=None), user_starts(), *says("an answer", at=14)]
    assert shown([*events, *hears(done="a question")]).splitlines() == [
        "0:01.0 Caller           a question",
        "0:04.0 Reception        an answer",
    ]


def test_long_words_wrap_under_themselves() -> None:
    lines = shown(says("word " * 20 + "end"), width=60).splitlines()
    assert len(lines) > 1
    assert all(line.startswith(" " * 24) for line in lines[1:])
    assert max(map(len, lines)) <= 60


def test_an_interruption_as_it_is_printed() -> None:
    lines = shown([*says("one two three four"), *cut("one two ", "three four")], width=100).splitlines()
    assert lines[1:] == [
        "0:02.0 interrupted      after 0.70 s of 2.00 s: heard “one two”",
        "                        not heard “three four”",
    ]


def test_an_interruption_before_the_first_word() -> None:
    assert "not a word was heard" in shown([*says("one two"), *cut("", "one two", ms=40)], width=100)


def test_a_long_unheard_rest_is_shortened() -> None:
    text = shown([*says("one"), *cut("one ", "word " * 100)], width=200)
    assert "word …”" in text


def test_tools_show_arguments_result_and_outcome() -> None:
    call = {"agent": AGENT, "tool": None, "name": "look", "call_id": "c"}
    events = [
        event(ToolStart, 11, arguments='{"number": "47", "again": true}', **call),
        event(ToolEnd, 11.25, arguments="", output='{"found": 1}', outcome="result", **call),
    ]
    assert shown(events).splitlines() == [
        '0:01.0 tool             look(number="47", again=true)  250\N{NO-BREAK SPACE}ms',
        '                        → {"found": 1}',
    ]


@pytest.mark.parametrize("arguments", ["not JSON", "[1]"])
def test_arguments_that_are_no_object_are_shown_as_they_are(arguments: str) -> None:
    call = {"agent": AGENT, "tool": None, "name": "look", "call_id": "c", "arguments": arguments}
    text = shown([event(ToolEnd, 11, output="x" * 1000, outcome="error", **call)])
    assert f"look({arguments})  error, 0" in text
    assert "x …" in text


def test_a_handoff() -> None:
    assert shown([event(Handoff, 12, from_agent=AGENT, to_agent=OTHER)]).endswith(
        "handoff          Reception → Billing\n"
    )


def test_words_that_were_understood_differently_are_set_against_what_was_said() -> None:
    events = [own(CallerSpeechBegan, 13.4, text="Where's order 4712?"), user_starts()]
    assert "(said: “Where's order 4712?”)" in shown([*events, *hears(done="what is your hours")])
    assert "(said" not in shown([*events, *hears(done="where's order 4712")])


def test_words_that_were_not_understood() -> None:
    assert "(nothing was understood)" in shown([user_starts(), *hears(done="")])
    failed = event(TranscriptionFailed, 15, item_id="u", error=TranscriptionError(message="too noisy"))
    assert "(too noisy)" in shown([user_starts(), failed])


def test_what_the_terminal_has_echoed_is_not_shown_again() -> None:
    typed = [own(CallerTyped, 12, text="hello"), *says("hi")]
    assert "hello" in shown(typed)
    assert "hello" not in shown(typed, shows_typed=False)


def test_square_brackets_are_words_too() -> None:
    assert "[bold]really[/bold]" in shown([own(CallNote, text="[bold]really[/bold]")])


async def test_a_terminal_sees_words_grow_in_place(autojump_clock: object) -> None:
    out = io.StringIO()
    console = Console(file=out, width=60, height=10, force_terminal=True, color_system=None)
    transcript = Transcript()
    screen = Screen(console, transcript, live=True)
    with screen:
        for each in (opens(), *says("word " * 200)):
            transcript.on_event(each)
            screen.on_event(each)
        with trio.move_on_after(0.25):
            await screen.run()
        growing = out.getvalue()
        transcript.on_event(played())
        screen.on_event(played())
    assert growing.count("word") >= 3 * 8 * 3, "redrawn, and only as much as fits"
    assert "Reception" not in growing, "the newest lines of what is too high are shown"
    final = out.getvalue()[len(growing) :]
    assert final.count("word") >= 200
    assert "0:01.0 Reception" in final


@pytest.mark.parametrize("ms", [0, 900, 99_000])
def test_what_has_been_heard_is_brighter(ms: int) -> None:
    out = io.StringIO()
    console = Console(file=out, width=80, height=30, force_terminal=True, color_system="standard")
    transcript = Transcript()
    with Screen(console, transcript, live=True, played_ms=lambda item: ms) as screen:
        for each in (opens(), *says("abcdefghij", seconds=1)):
            transcript.on_event(each)
            screen.on_event(each)
        console.print("", end="")
    bright = round(10 * min(1.0, ms / 1000))
    assert (
        f" {'abcdefghij'[:bright]}\x1b[2m{'abcdefghij'[bright:]}" in out.getvalue().replace("\x1b[0m", "")
        or bright == 10
    )
