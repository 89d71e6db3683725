"""Ids used again, left out, or told twice: one name for each thing, nothing lost, nothing doubled."""

from __future__ import annotations

from collections import Counter

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.effects import StartCall
from engine.core.identity import Identity, Names
from engine.core.inputs import Interrupt, Respond, TimePassed, ToolDone
from engine.core.waits import UNTOLD_RESPONSE
from engine.errors import ProtocolError
from engine.events import AgentEnd, AgentStart, Audio, Error, HistoryAdded, ToolEnd, TranscriptDone, UsageReported
from engine.history import ToolCall, UserMessage
from engine.wire.client_events import (
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemTruncate,
    ResponseCancel,
    ResponseCreate,
)
from engine.wire.items import FunctionCall, FunctionCallOutput, InputAudio, Item, Message, OutputAudio, UnknownItem
from engine.wire.response import Response, Usage
from engine.wire.server_events import (
    ConversationItemAdded,
    ConversationItemDeleted,
    ConversationItemDone,
    ConversationItemInputAudioTranscriptionCompleted,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    MalformedEvent,
    ResponseContentPartAdded,
    ResponseCreated,
    ResponseDone,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ServerEvent,
)
from engine.wire.struct import UNSET
from tests.core.driving import MS, Driven
from tests.support.talk import begins, ends, falls_silent, speaks

# --- whole conversations


@attrs.frozen
class Told:
    """One item of a response, as its server tells it. `call` is None for speech."""

    item_id: str
    call: str | None = None
    pieces: int = 1


@attrs.frozen
class Reply:
    """One response, as its server tells it."""

    response_id: str
    items: tuple[Told, ...]
    names_response: bool
    """Events name the response; otherwise only its beginning and its end do."""
    in_conversation: bool
    """`conversation.item.*` tell its items, too."""
    tells_calls: frozenset[str]
    """Which events tell a whole call."""


ids = st.sampled_from(["", "x_0", "x_0", "x_1", "x_0~2"])
told = st.builds(Told, ids, st.none() | ids, st.integers(1, 3))


def _distinct(items: list[Told]) -> bool:
    """Within a response an id is one thing, unless there is none."""
    names = [item.item_id for item in items if item.item_id]
    calls = [item.call or item.item_id for item in items if item.call is not None and (item.call or item.item_id)]
    return len(set(names)) == len(names) and len(set(calls)) == len(calls)


replies = st.builds(
    Reply,
    response_id=ids,
    items=st.lists(told, max_size=3).filter(_distinct).map(tuple),
    names_response=st.booleans(),
    in_conversation=st.booleans(),
    tells_calls=st.sets(st.sampled_from(["arguments", "item", "response"]), min_size=1).map(frozenset),
)


def tells(reply: Reply, number: int) -> list[ServerEvent]:
    """Everything that the server says of a reply."""
    named = reply.response_id if reply.names_response else ""
    events: list[ServerEvent] = [begins(reply.response_id)]
    output: list[Item] = []
    for index, item in enumerate(reply.items):
        if item.call is None:
            output.append(Message(item.item_id or UNSET, "assistant", (), "completed"))
            events += _spoken(reply, named, item, index, number)
        else:
            whole = FunctionCall(item.item_id or UNSET, "tool", item.call, f'{{"n": {number}}}', "completed")
            output.append(whole)
            events += _called(reply, named, whole, index)
    told_again = tuple(output) if "response" in reply.tells_calls else ()
    events.append(ResponseDone(Response(reply.response_id, "completed", output=told_again, usage=Usage(3, 2, 1))))
    return events


def _spoken(reply: Reply, named: str, item: Told, index: int, number: int) -> list[ServerEvent]:
    message = Message(item.item_id or UNSET, "assistant", (), "in_progress")
    at = (named, item.item_id, index, 0)
    pieces: list[ServerEvent] = []
    for piece in range(item.pieces):
        pieces += [
            ResponseOutputAudioTranscriptDelta(*at, f"{number}.{index}.{piece} "),
            ResponseOutputAudioDelta(*at, bytes((number, index, piece, 0))),
        ]
    added = [ConversationItemAdded(item=message)] if reply.in_conversation else []
    return [ResponseOutputItemAdded(named, index, message), *added, *pieces]


def _called(reply: Reply, named: str, whole: FunctionCall, index: int) -> list[ServerEvent]:
    item_id = whole.id if isinstance(whole.id, str) else ""
    events: list[ServerEvent] = []
    if "arguments" in reply.tells_calls:
        at = (named, item_id, index)
        events.append(ResponseFunctionCallArgumentsDone(*at, whole.call_id, whole.name, whole.arguments))
    if "item" in reply.tells_calls:
        events.append(ResponseOutputItemDone(named, index, whole))
    if events and reply.in_conversation:
        events.append(ConversationItemAdded(item=whole))
    return events


def _may_be_repeated(event: ServerEvent) -> bool:
    """Deltas are more each time, and of items without ids nobody can tell the second from the first told twice."""
    if isinstance(event, ConversationItemAdded):
        return event.item.id is not UNSET
    return not isinstance(event, ResponseOutputAudioDelta | ResponseOutputAudioTranscriptDelta)


@given(st.lists(replies, max_size=6), st.data())
def test_nothing_is_lost_and_nothing_doubled_by_ids(script: list[Reply], data: st.DataObject) -> None:
    d = Driven()
    for number, reply in enumerate(script):
        for event in tells(reply, number):
            d.tell(*[event] * (data.draw(st.sampled_from([1, 1, 2])) if _may_be_repeated(event) else 1))
    starts, ended = d.seen(AgentStart), d.seen(AgentEnd)
    assert len({event.response_id for event in starts}) == len(starts) == len(script)
    assert [event.response_id for event in ended] == [event.response_id for event in starts]
    assert len(d.seen(UsageReported)) == len(script)
    heard: dict[tuple[str, str, int], bytes] = {}
    for event in d.seen(Audio):
        key = (event.response_id, event.item_id, event.content_index)
        heard[key] = heard.get(key, b"") + event.data
    assert Counter(heard.values()) == Counter(
        b"".join(bytes((number, index, piece, 0)) for piece in range(item.pieces))
        for number, reply in enumerate(script)
        for index, item in enumerate(reply.items)
        if item.call is None
    )
    assert len({item for _, item, _ in heard}) == len(heard)
    _check_calls(d, script)


def _check_calls(d: Driven, script: list[Reply]) -> None:
    """Each call is run once, and has one output that names it as the server did."""
    wanted = [item for reply in script for item in reply.items if item.call is not None]
    started = [work for work in d.tools if isinstance(work, StartCall)]
    assert len({work.call_id for work in started}) == len(started) == len(wanted)
    for work in started:
        d.tell(ToolDone(work.call_id, "result", work.call_id))
    sent = [event.item for event in d.sent(ConversationItemCreate) if isinstance(event.item, FunctionCallOutput)]
    assert [item.output for item in sent] == [work.call_id for work in started]
    for output, item in zip(sent, wanted, strict=True):
        assert output.call_id == (item.call or item.item_id or output.output)
    assert [event.call_id for event in d.seen(ToolEnd)] == [work.call_id for work in started]
    for shown in d.machine.history:
        if isinstance(shown, ToolCall):
            assert shown.output == shown.call_id


@given(st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=12))
def test_where_beginnings_are_left_out_ids_may_be_used_again(script: list[str]) -> None:
    d = Driven()
    for number, response_id in enumerate(script):
        d.tell(*speaks(response_id, f"x{number}", "one", 0.2), ends(response_id), ends(response_id))
    names = [event.response_id for event in d.seen(AgentStart)]
    assert len(set(names)) == len(script)
    assert [event.response_id for event in d.seen(AgentEnd)] == names
    assert [event.response_id for event in d.seen(Audio)] == names


# --- late and stray


@given(st.integers(0, 300), st.integers(1, 5), st.data())
def test_late_events_never_begin_a_response_again(count: int, times: int, data: st.DataObject) -> None:
    d = Driven()
    for number in range(count):
        d.tell(begins(f"r{number}"), *speaks(f"r{number}", f"x{number}", "one", 0.1), ends(f"r{number}"))
    d.forget()
    for _ in range(times if count else 0):
        late = data.draw(st.integers(0, count - 1))
        d.tell(*speaks(f"r{late}", f"x{late}", "late", 0.1), ends(f"r{late}", usage=Usage(1, 1, 0)))
    assert d.types() == []
    d.tell(Respond(1))
    assert len(d.sent(ResponseCreate)) == 1


@pytest.mark.parametrize("kind", [ResponseOutputAudioDelta, ResponseOutputTextDelta])
def test_strays_of_an_unknown_response_are_one_error(kind: type) -> None:
    delta = kind("ghost", "x", 0, 0, b"\0\0" if kind is ResponseOutputAudioDelta else "hi")
    d = Driven().tell(begins("r"), ends("r")).forget()
    d.tell(*[delta] * 1000, Respond(1))
    (event,) = d.events
    assert isinstance(event, Error)
    assert (event.code, type(event.error)) == ("unplaced_event", ProtocolError)
    assert "'ghost'" in str(event.error)
    assert len(d.sent(ResponseCreate)) == 1


def test_a_stray_that_begins_a_response_blocks_nothing_for_long() -> None:
    d = Driven().tell(*speaks("ghost", "x", "boo", 0.1), Respond(1))
    assert not d.sent(ResponseCreate)
    d.tell(TimePassed(), at_ms=round(1000 * UNTOLD_RESPONSE.seconds))
    d.tell(TimePassed(), at_ms=round(2000 * UNTOLD_RESPONSE.seconds))
    assert [event.code for event in d.seen(Error)] == [UNTOLD_RESPONSE.code]
    assert len(d.sent(ResponseCreate)) == 1
    d.forget().tell(begins("r", "req_1"), ends("r"))
    ghost, real = d.seen(AgentEnd)
    assert (ghost.response_id, ghost.status, ghost.reason) == ("ghost", "incomplete", "no_end")
    assert (real.response_id, real.status) == ("r", "completed")


def test_a_response_without_a_beginning_is_believed_as_long_as_more_of_it_comes() -> None:
    delta = ResponseOutputAudioDelta("r", "x", 0, 0, b"\0\0")
    d = Driven().tell(delta, Respond(1))
    for second in range(1, 20):
        d.tell(delta, TimePassed(), at_ms=1000 * second)
    assert not d.sent(ResponseCreate)
    d.tell(ends("r"))
    assert len(d.sent(ResponseCreate)) == 1


def test_a_beginning_that_is_told_late_is_believed() -> None:
    d = Driven().tell(*speaks("r", "x", "one", 0.1), begins("r"), Respond(1))
    d.tell(TimePassed(), at_ms=60_000)
    assert not d.sent(ResponseCreate)
    d.tell(ends("r"))
    assert [len(d.seen(kind)) for kind in (AgentStart, AgentEnd)] == [1, 1]


def test_a_beginning_that_cannot_be_read_is_a_beginning() -> None:
    d = Driven().tell(begins("q"), ends("q")).forget()
    d.tell(MalformedEvent("broken", "{}", type="response.created", response_id="r"), *speaks("r", "x", "one", 0.1))
    d.tell(MalformedEvent("broken", "{}", type="response.created"), *speaks("s", "y", "two", 0.1), ends("r"))
    assert [event.response_id for event in d.seen(Audio)] == ["r"]
    assert [event.response_id for event in d.seen(AgentEnd)] == ["r"]
    assert [event.code for event in d.seen(Error)] == [None, None, "unplaced_event"]


def test_an_end_may_be_told_before_its_beginning() -> None:
    d = Driven().tell(ends("r"), begins("r"), ends("r"), Respond(1))
    assert d.types() == ["agent_start", "agent_end"]
    assert len(d.sent(ResponseCreate)) == 1


# --- what the server is told


def test_the_server_is_told_by_its_own_ids() -> None:
    d = Driven().tell(begins("r"), *speaks("r", "x", "one two", 1.0), *falls_silent("r", "x", "one two"), ends("r"))
    d.take_audio()
    d.tell(begins("r"), *speaks("r", "x", "one two", 1.0), at_ms=5000)
    d.take_audio()
    d.now += 500 * MS
    d.forget().tell(Interrupt())
    assert [event.response_id for event in d.sent(ResponseCancel)] == ["r"]
    assert [(event.item_id, event.audio_end_ms) for event in d.sent(ConversationItemTruncate)] == [("x", 500)]
    assert [item.item_id for item in d.machine.history] == ["x", "x~2"]


def test_what_the_server_has_no_id_for_is_not_told() -> None:
    d = Driven().tell(begins(""), *speaks("", "", "one two", 1.0))
    d.take_audio()
    d.now += 500 * MS
    d.forget().tell(Interrupt())
    assert [event.response_id for event in d.sent(ResponseCancel)] == [UNSET]
    assert not d.sent(ConversationItemTruncate)
    assert not d.sent(ConversationItemDelete)


def test_an_output_is_told_to_the_call_that_it_answers() -> None:
    d = Driven()
    for response_id in ("r", "s"):
        whole = FunctionCall("f", "tool", "call_0", "{}", "completed")
        d.tell(begins(response_id), ResponseOutputItemAdded(response_id, 0, whole), ConversationItemAdded(item=whole))
        d.tell(ResponseOutputItemDone(response_id, 0, whole), ends(response_id))
    for name in ("call_0~2", "call_0"):
        d.tell(ToolDone(name, "result", f"of {name}"))
    for number, name in enumerate(("call_0~2", "call_0")):
        output = FunctionCallOutput(f"o{number}", "call_0", f"of {name}")
        d.tell(ConversationItemAdded(item=output), ConversationItemDone(item=output))
    shown = [item for item in d.machine.history if isinstance(item, ToolCall)]
    assert [(item.item_id, item.call_id, item.output) for item in shown] == [
        ("f", "call_0", "of call_0"),
        ("f~2", "call_0~2", "of call_0~2"),
    ]


# --- the user


@pytest.mark.parametrize("item_id", ["", "u"])
def test_what_the_user_says_twice_under_one_id_is_two_items(item_id: str) -> None:
    d = Driven()
    for text in ("one", "two"):
        item = Message(item_id or UNSET, "user", (InputAudio(),))
        d.tell(
            InputAudioBufferSpeechStarted(0, item_id),
            InputAudioBufferSpeechStopped(100, item_id),
            InputAudioBufferCommitted(item_id=item_id),
            ConversationItemAdded(item=item),
            ConversationItemDone(item=item),
            ConversationItemInputAudioTranscriptionCompleted(item_id, 0, text),
        )
    said = [item.content for item in d.machine.history if isinstance(item, UserMessage)]
    assert [[getattr(part, "transcript", None) for part in content] for content in said] == [["one"], ["two"]]
    assert len({event.item_id for event in d.seen(TranscriptDone)}) == 2


def test_an_answer_does_not_take_over_an_item_of_the_users() -> None:
    d = Driven().tell(InputAudioBufferCommitted(item_id="x"), begins("r"), *speaks("r", "x", "one", 0.1, previous="x"))
    assert [item.item_id for item in d.machine.history] == ["x", "x~2"]
    assert len(d.seen(HistoryAdded)) == 2


def test_a_deletion_is_of_the_item_that_was_to_be_deleted() -> None:
    d = Driven()
    for response_id in ("r", "s"):
        d.tell(begins(response_id), *speaks(response_id, "x", "one", 0.1), *falls_silent(response_id, "x", "one"))
        d.tell(ends(response_id))
    d.tell(ConversationItemDeleted("x"))
    assert [item.item_id for item in d.machine.history] == ["x"]


# --- names


@given(st.lists(st.sampled_from(["a", "a~2", "a~3", ""]), max_size=30))
def test_a_name_is_given_once(told: list[str]) -> None:
    names = Names("thing")
    given_names = [names.give(str(owner), each, each) for owner, each in enumerate(told)]
    assert len(set(given_names)) == len(told)
    assert [names.told(name) for name in given_names] == told


def test_repeated_beginnings_of_a_running_response_are_one() -> None:
    created = ResponseCreated(Response("r", "in_progress", conversation_id="c"))
    d = Driven().tell(created, created, ResponseContentPartAdded("r", "x", 0, 0, OutputAudio("")), created)
    assert d.types() == ["agent_start", "history_added"]


def test_words_that_come_whole_are_the_latest_items() -> None:
    d = Driven()
    for response_id, text in (("r", "one"), ("s", "two")):
        d.tell(begins(response_id), ResponseOutputAudioTranscriptDone(response_id, "x", 0, 0, text), ends(response_id))
    assert [(event.item_id, event.transcript) for event in d.seen(TranscriptDone)] == [("x", "one"), ("x~2", "two")]


# --- names, without a machine


def test_a_call_that_the_conversation_told_first_keeps_its_name_whichever_item_makes_it() -> None:
    names = Identity()
    name = names.call_of("item_1", "call_1", "")
    assert names.call("r_1", "call_1", "item_1") == name
    assert names.call("r_1", "call_1", "another") == name


def test_an_output_that_this_program_has_not_sent_answers_the_latest_call_with_its_id() -> None:
    names = Identity()
    calls = [names.call(f"r_{number}", "call_1", f"item_{number}") for number in range(3)]
    assert len(set(calls)) == 3
    assert names.output_of("output_1", "call_1") == calls[-1]


@given(
    st.lists(st.tuples(st.sampled_from(["r_1", "r_2"]), st.sampled_from(["item_1", "item_2", "item_3"])), max_size=6)
)
def test_it_is_known_whether_anything_is_called_otherwise_than_by_its_id(told: list[tuple[str, str]]) -> None:
    names = Identity()
    given = [(names.item(owner, item, 0), item) for owner, item in told]
    assert names.renamed == any(name != item for name, item in given)


@pytest.mark.parametrize("raw", [{"type": "new"}, {"type": "new", "id": 5}, {"type": "new", "id": None}])
def test_items_of_unknown_types_without_a_readable_id_are_told_of(raw: dict[str, object]) -> None:
    item = UnknownItem(raw)
    d = Driven().tell(ConversationItemAdded(item), ConversationItemDone(item))
    d.tell(begins("r"), ResponseOutputItemAdded("r", 0, item), ResponseOutputItemDone("r", 0, item), ends("r"))
    assert "agent_end" in d.types()
