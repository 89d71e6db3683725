"""Waits for the server: each has a bound, an error event of its own and a way on; what is slow is not lost."""

from __future__ import annotations

import heapq
from itertools import count
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.inputs import (
    AudioSent,
    CancelHandle,
    Connected,
    Interrupt,
    Respond,
    SendMessage,
    TimePassed,
    ToolDone,
    UpdateAgent,
)
from engine.core.waits import ALL, DEFAULTS, RESPONSE_END, TURN_END, TURN_RESPONSE, Wait, Waits
from engine.errors import ResponseFailed, ServerTimeout
from engine.events import AgentEnd, AgentStart, Audio, Error
from engine.settings import WaitSettings
from engine.wire.client_events import ResponseCancel, ResponseCreate
from engine.wire.items import FunctionCallOutput
from engine.wire.server_events import (
    ErrorDetail,
    ErrorEvent,
    InputAudioBufferCleared,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStopped,
    ServerEvent,
)
from engine.wire.session import Audio as AudioSettings
from engine.wire.session import AudioInput, ServerVad, Session
from tests.core.driving import AGENT, MS, OTHER, Driven
from tests.properties.broken import asks_again_and_takes_both_answers
from tests.support.talk import accepts, begins, calls, ends, speaks, typed, user_starts, user_stops

CONFLICT = "conversation_already_has_active_response"
STOPPED = InputAudioBufferSpeechStopped(900, "user_1")
COMMITTED = InputAudioBufferCommitted(item_id="user_1")
PLAIN_VAD = AudioSettings(AudioInput(turn_detection=ServerVad()))
SILENT_VAD = AudioSettings(AudioInput(turn_detection=ServerVad(create_response=False)))


def opened(audio: AudioSettings = PLAIN_VAD) -> Driven:
    return Driven(attrs.evolve(AGENT, session=Session(instructions="front", audio=audio)))


def wait(d: Driven, seconds: float, *, audio_sent_ns: int | None = None) -> Driven:
    """Time passes, and the machine is woken when it asked to be."""
    until = d.now + round(seconds * 1000) * MS
    while (wake_at := d.machine.wake_at()) is not None and wake_at <= until:
        assert wake_at > d.now
        d.now = wake_at
        d.tell(TimePassed(audio_sent_ns))
    d.now = until
    return d


def codes(d: Driven) -> list[str | None]:
    return [event.code for event in d.seen(Error)]


def tokens(d: Driven) -> list[object]:
    return [event.event_id for event in d.sent(ResponseCreate)]


# --- the table


def test_every_wait_is_a_setting_with_the_same_default() -> None:
    assert attrs.asdict(WaitSettings()) == dict(DEFAULTS)
    assert len({wait.name for wait in ALL}) == len(ALL)


def test_the_readme_has_the_table() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    section = readme[readme.index("### What is waited for") :].split("\n## ")[0]
    cells = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in section.splitlines() if "|" in line]
    told = {(name, float(seconds), code) for name, _, _, seconds, _, code in cells[2:]}
    assert told == {(wait.name, wait.seconds, wait.code) for wait in ALL}


@given(st.lists(st.tuples(st.sampled_from(ALL), st.sampled_from("ab"), st.integers(0, 20), st.booleans())))
def test_what_is_overdue_is_taken_once_and_nothing_else(steps: list[tuple[Wait, str, int, bool]]) -> None:
    waits = Waits()
    known: dict[tuple[Wait, str], int] = {}
    for wait_for, key, since, begin in steps:
        if begin:
            waits.begin(wait_for, key, since * 10**9)
            known[wait_for, key] = since * 10**9 + round(wait_for.seconds * 10**9)
        else:
            waits.end(wait_for, key)
            known.pop((wait_for, key), None)
    assert waits.wake_at() == min(known.values(), default=None)
    now = 20 * 10**9
    overdue = [entry for entry, due in known.items() if due <= now]
    taken = waits.take_overdue(now)
    assert sorted(map(str, taken)) == sorted(map(str, overdue))
    assert [known[entry] for entry in taken] == sorted(known[entry] for entry in taken)
    assert not waits.take_overdue(now)


# --- responses that do not end


@pytest.mark.parametrize("by", ["interrupt", "speech", "handle"])
def test_a_cancelled_response_that_never_ends_counts_as_ended(by: str) -> None:
    d = opened().tell(Respond(1), begins("r1", "req_1"), *speaks("r1", "a", "hello", 1))
    d.tell({"interrupt": Interrupt(), "speech": user_starts(), "handle": CancelHandle(1)}[by])
    if by == "speech":
        d.tell(InputAudioBufferCleared())
    d.tell(Respond(2))
    assert tokens(d) == ["req_1"]
    wait(d, 10)
    assert codes(d) == ["response_not_ended"]
    (end,) = d.seen(AgentEnd)
    assert (end.response_id, end.status, end.reason) == ("r1", "cancelled", "no_end")
    assert len(tokens(d)) == 2
    d.tell(ends("r1", "cancelled", "client_cancelled"))
    assert len(d.seen(AgentEnd)) == 1
    assert [handle.handle_id for handle in d.handles if hasattr(handle, "status")] == [1]


def test_a_response_of_which_nothing_comes_is_cancelled_and_then_ended() -> None:
    d = opened().tell(Respond(1), begins("r1", "req_1"), *speaks("r1", "a", "hello", 1))
    wait(d, 30).tell(*speaks("r1", "b", "more", 1))
    wait(d, 59)
    assert not codes(d)
    wait(d, 60)
    assert codes(d)[:1] == ["response_stalled"]
    assert [event.response_id for event in d.sent(ResponseCancel)] == ["r1"]
    wait(d, 10)
    assert codes(d) == ["response_stalled", "response_not_ended"]
    assert [(end.status, end.reason) for end in d.seen(AgentEnd)] == [("incomplete", "no_end")]


# --- requests without an answer


@given(delay=st.integers(0, 9_900), echoes=st.booleans())
def test_a_slow_server_gives_one_answer(delay: int, echoes: bool) -> None:
    d = opened().tell(Respond(1))
    wait(d, delay / 1000).tell(begins("r1", "req_1" if echoes else None), *speaks("r1", "a", "hello", 1), ends("r1"))
    wait(d, 100)
    assert tokens(d) == ["req_1"]
    assert len(d.seen(AgentStart)) == 1
    assert not codes(d)


@pytest.mark.parametrize("cancel", ["interrupt", "handle"])
@given(delay=st.integers(0, 60_000))
def test_what_was_cancelled_before_it_began_is_never_spoken(cancel: str, delay: int) -> None:
    d = opened().tell(Respond(1))
    d.tell(Interrupt() if cancel == "interrupt" else CancelHandle(1))
    wait(d, delay / 1000).tell(begins("r1", "req_1"), *speaks("r1", "a", "hello", 1), ends("r1"))
    wait(d, 100)
    assert not d.seen(Audio)
    assert len(tokens(d)) == 1
    (done,) = [handle for handle in d.handles if hasattr(handle, "status")]
    assert done.status in ("cancelled", "superseded", "completed")
    assert (done.status == "superseded") is (delay >= 10_000)


def test_a_server_that_never_answers_is_asked_twice_and_the_handle_fails() -> None:
    d = opened().tell(Respond(1))
    wait(d, 30)
    assert tokens(d) == ["req_1", "req_2"]
    assert codes(d) == ["response_not_begun", "response_not_begun"]
    assert all(isinstance(event.error, ServerTimeout) for event in d.seen(Error))
    (done,) = d.handles
    assert (done.status, type(done.error)) == ("failed", ResponseFailed)
    assert d.machine.wake_at() is None


@pytest.mark.parametrize("named", [True, False])
def test_a_server_that_refuses_metadata_is_asked_without(named: bool) -> None:
    d = opened().tell(SendMessage(typed("m", "hi")))
    event_id = "req_1" if named else None
    d.tell(ErrorEvent(ErrorDetail("invalid_request_error", "no", "unknown_parameter", "response.metadata", event_id)))
    assert len(d.sent(ResponseCreate)) == 2
    assert "engine_request" not in str(d.sent(ResponseCreate)[1])
    d.tell(begins("r1"), *speaks("r1", "a", "hello", 1), ends("r1"))
    assert codes(d) == ["unknown_parameter"]
    assert wait(d, 100).machine.wake_at() is None


@given(st.data())
def test_each_wish_has_one_answer_however_slow_the_server(data: st.DataObject) -> None:
    """The server begins after a drawn delay, refuses what clashes, and now and then loses a request."""
    d = opened()
    later: list[tuple[int, int, list[ServerEvent]]] = []
    order, names = count(), count(1)
    free_at, seen, wishes = 0, 0, data.draw(st.integers(1, 4))
    answered: list[str] = []

    def serve() -> None:
        nonlocal seen, free_at
        for event in d.sent(ResponseCreate)[seen:]:
            seen += 1
            at = d.now + data.draw(st.sampled_from([0, 300, 1500, 9000, 12000])) * MS
            token, name = str(event.event_id), f"r{next(names)}"
            if data.draw(st.sampled_from([False, False, False, True])):
                continue  # lost
            at = max(at, free_at)
            free_at = at + 500 * MS
            told = [begins(name, token), *speaks(name, f"item_{name}", "hi", 0.1)]
            heapq.heappush(later, (at, next(order), told))
            heapq.heappush(later, (free_at, next(order), [ends(name)]))
            answered.append(name)

    for handle in range(wishes):
        d.tell(Respond(handle + 1))
        serve()
    while later or d.machine.wake_at() is not None:
        due = [at for at in (later[0][0] if later else None, d.machine.wake_at()) if at is not None]
        d.now = max(d.now, min(due))
        if later and later[0][0] <= d.now:
            d.tell(*heapq.heappop(later)[2])
        else:
            d.tell(TimePassed())
        serve()
    spoken = {event.response_id for event in d.seen(Audio)}
    done = [handle for handle in d.handles if hasattr(handle, "status")]
    assert sorted(handle.handle_id for handle in done) == list(range(1, wishes + 1))
    assert len(spoken) == len([handle for handle in done if handle.status == "completed"])
    assert len(d.seen(AgentStart)) == len(d.seen(AgentEnd)) == len(answered)


def test_an_engine_that_takes_both_answers_is_rejected() -> None:
    with asks_again_and_takes_both_answers(), pytest.raises(AssertionError):
        test_each_wish_has_one_answer_however_slow_the_server()


# --- settings that are never confirmed


def test_settings_that_are_never_confirmed_count_after_a_while() -> None:
    d = Driven(opened=False).tell(Connected(AGENT))
    wait(d, 9.9)
    assert not codes(d)
    wait(d, 0.1).tell(begins("own"))
    assert codes(d) == ["settings_not_confirmed"]
    assert [event.agent for event in d.seen(AgentStart)] == ["front"]
    d.tell(UpdateAgent(OTHER))
    wait(d, 10).tell(ends("own"), begins("own 2"))
    assert codes(d) == ["settings_not_confirmed"] * 2
    assert [event.agent for event in d.seen(AgentStart)] == ["front", "back"]
    assert not codes(wait(d.forget(), 20))


# --- turns that do not end, and turns of which nothing comes


def test_a_muted_microphone_ends_the_turn_six_seconds_after_the_last_audio() -> None:
    d = opened().tell(user_starts(), SendMessage(typed("m", "are you there?")))
    spoken_until = d.now + 2500 * MS
    wait(d, 8.4, audio_sent_ns=spoken_until)
    assert not d.sent(ResponseCreate)
    wait(d, 0.1, audio_sent_ns=spoken_until)
    assert codes(d) == ["turn_not_ended"]
    assert len(d.sent(ResponseCreate)) == 1


def test_a_long_monologue_is_never_cut() -> None:
    d = opened().tell(user_starts(), SendMessage(typed("m", "hello")))
    for _ in range(600):
        wait(d, 0.1, audio_sent_ns=d.now)
    assert not d.sent(ResponseCreate)
    assert not codes(d)


def test_where_the_server_hears_the_user_itself_two_minutes_are_waited() -> None:
    d = Driven(server_plays=True).tell(user_starts(), SendMessage(typed("m", "hello")))
    assert not wait(d, 119).sent(ResponseCreate)
    assert wait(d, 1).sent(ResponseCreate)
    assert codes(d) == ["turn_not_ended"]


def test_a_commit_that_comes_after_all_is_still_the_servers_own() -> None:
    d = opened().tell(user_starts())
    wait(d, 7).tell(*user_stops())
    wait(d, 3).tell(begins("own"))
    assert not d.sent(ResponseCreate)
    assert codes(d) == ["turn_not_ended"]


def test_the_users_words_are_answered_where_the_server_does_not() -> None:
    d = opened().tell(user_starts(), *user_stops())
    wait(d, TURN_RESPONSE.seconds)
    assert codes(d) == ["turn_not_answered"]
    assert len(d.sent(ResponseCreate)) == 1


def test_a_response_of_the_servers_own_ends_the_turn() -> None:
    d = opened().tell(user_starts(), begins("own"), *speaks("own", "a", "hi", 0.1), ends("own"))
    d.tell(SendMessage(typed("m", "hello")))
    assert len(d.sent(ResponseCreate)) == 1
    assert not codes(wait(d, TURN_END.seconds - 1))


# --- held is held, not dropped

NOTHING_COMES: dict[str, list[ServerEvent]] = {
    "cleared": [InputAudioBufferCleared()],
    "stopped and cleared": [STOPPED, InputAudioBufferCleared()],
    "stopped": [STOPPED],
    "muted": [],
}


@pytest.mark.parametrize("how", NOTHING_COMES)
@pytest.mark.parametrize("waiting", ["message", "tool", "on its way", "unheard reply", "handle"])
def test_a_false_alarm_keeps_what_was_wanted(how: str, waiting: str) -> None:
    d = opened()
    match waiting:
        case "message":
            d.tell(Respond(1), begins("r1", "req_1"), *speaks("r1", "a", "hi", 1), SendMessage(typed("m", "hello")))
        case "tool":
            d.tell(Respond(1), begins("r1", "req_1"), *calls("r1", ("c", "tool", "{}")), ends("r1"))
        case "on its way" | "unheard reply":
            d.tell(SendMessage(typed("m", "hello")))
        case "handle":
            d.tell(Respond(1), begins("r1", "req_1"), *speaks("r1", "a", "hi", 1), Respond(2))
    if waiting == "unheard reply":
        d.tell(begins("r1", "req_1"))
    d.tell(user_starts())
    if waiting == "tool":
        d.tell(tool_done("c"))
    if waiting == "on its way":
        d.tell(begins("r1", "req_1"))
    d.tell(*([ends("r1", "cancelled", "turn_detected")] if waiting != "tool" else []), *NOTHING_COMES[how])
    wait(d, 9)
    assert len(d.sent(ResponseCreate)) == 2
    if how in ("cleared", "stopped and cleared"):
        assert not codes(d)
    else:
        assert codes(d) == ["turn_not_answered" if how == "stopped" else "turn_not_ended"]


def tool_done(call_id: str) -> ToolDone:
    return ToolDone(call_id, "result", "done")


def test_where_the_server_never_responds_by_itself_the_end_of_the_turn_is_enough() -> None:
    d = opened(SILENT_VAD).tell(Respond(1), begins("r1", "req_1"), *speaks("r1", "a", "hi", 1))
    d.tell(SendMessage(typed("m", "hello")), user_starts(), ends("r1", "cancelled", "turn_detected"))
    d.tell(STOPPED, COMMITTED)
    assert len(d.sent(ResponseCreate)) == 2


def test_the_servers_own_answer_takes_the_place_of_what_was_held() -> None:
    d = opened().tell(Respond(1), begins("r1", "req_1"), *calls("r1", ("c", "tool", "{}")), ends("r1"))
    d.tell(user_starts(), tool_done("c"))
    output = FunctionCallOutput("out_1", "c", "done")
    d.tell(*accepts(output), *user_stops(), begins("own"), ends("own"))
    wait(d, 60)
    assert len(d.sent(ResponseCreate)) == 1


@pytest.mark.parametrize("typed_when", ["before the call", "after the call"])
def test_a_message_during_a_response_that_calls_waits_for_the_outputs(typed_when: str) -> None:
    message = SendMessage(typed("m", "and another thing"))
    d = opened().tell(SendMessage(typed("m0", "hello")), begins("r1", "req_1"))
    if typed_when == "before the call":
        d.tell(message)
    d.tell(*calls("r1", ("c", "tool", "{}")))
    if typed_when == "after the call":
        d.tell(message)
    d.tell(ends("r1"))
    wait(d, 3)
    assert len(d.sent(ResponseCreate)) == 1
    d.tell(tool_done("c"))
    assert len(d.sent(ResponseCreate)) == 2
    d.tell(begins("r2", "req_2"), ends("r2"))
    assert len(wait(d, 60).sent(ResponseCreate)) == 2


def test_the_application_ends_its_own_turns_as_before() -> None:
    d = opened(AudioSettings(AudioInput(turn_detection=None))).tell(AudioSent("commit"), COMMITTED)
    assert wait(d, 60).machine.wake_at() is None
    assert not d.sent(ResponseCreate)
    assert RESPONSE_END.seconds == 10


def test_the_names_bounds_and_codes_are_what_users_set_and_see() -> None:
    assert {wait.name: (wait.seconds, wait.code) for wait in ALL} == {
        "response_begin": (10, "response_not_begun"),
        "unclear_refusal": (2, "response_refused"),
        "overtaken_request": (4, "request_overtaken"),
        "response_progress": (60, "response_stalled"),
        "untold_response": (2, "response_not_told"),
        "response_end": (10, "response_not_ended"),
        "turn_end": (6, "turn_not_ended"),
        "line_turn_end": (120, "turn_not_ended"),
        "turn_response": (4, "turn_not_answered"),
        "settings": (10, "settings_not_confirmed"),
    }


def test_a_response_that_has_ended_meanwhile_is_not_given_up_again() -> None:
    """Its end and its progress may be overdue at one time, where the clock is read late."""
    d = Driven().tell(begins("r"), *speaks("r", "a", "some words", 0))
    d.tell(Interrupt(), at_ms=55_000).forget()
    d.tell(TimePassed(), at_ms=90_000)
    assert [event.code for event in d.seen(Error)] == ["response_not_ended"]
    assert len(d.seen(AgentEnd)) == 1
    assert not d.sent(ResponseCancel)
