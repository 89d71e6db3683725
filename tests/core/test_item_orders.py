"""One conversation, told in whatever events and order a server may choose: the history, the words and the calls are
the same.

Compatible servers differ in which events they send, in what they put into each, and in their order. The styles at the
end are those of servers that have been seen; others are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.effects import StartCall
from engine.core.inputs import SendMessage, ToolDone, ToolRunning
from engine.events import HistoryAdded, TranscriptDelta, TranscriptDone
from engine.history import AssistantAudio, AssistantMessage, HistoryItem, ToolCall, UserAudio, UserMessage
from engine.wire.client_events import ConversationItemCreate
from engine.wire.items import FunctionCall, FunctionCallOutput, InputAudio, InputText, Item, Message, OutputAudio
from engine.wire.response import Response
from engine.wire.server_events import (
    ConversationItemAdded,
    ConversationItemDone,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    ResponseContentPartAdded,
    ResponseContentPartDone,
    ResponseCreated,
    ResponseDone,
    ResponseFunctionCallArgumentsDelta,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ServerEvent,
)
from engine.wire.struct import UNSET, evolve
from tests.core.driving import Driven

# --- the conversation, as it really is


@attrs.frozen
class Typed:
    text: str


@attrs.frozen
class Spoken:
    text: str


@attrs.frozen
class Says:
    text: str


@attrs.frozen
class Calls:
    arguments: str


@attrs.frozen
class Turn:
    """What the user does, and what the model makes of it; after calls it makes another reply of the same words."""

    user: Typed | Spoken
    reply: tuple[Says | Calls, ...]


# --- how a server tells of it


@attrs.frozen
class Style:
    """The events that a server sends, and what it puts into them."""

    items_added: bool = True
    """`conversation.item.added`."""
    items_done: bool = True
    """`conversation.item.done`."""
    output_added: bool = True
    """`response.output_item.added`."""
    output_done: bool = True
    """`response.output_item.done`."""
    output_at_end: bool = True
    """`response.done` has the items."""
    arguments_done: bool = True
    conversation_first: bool = False
    """What tells of the same moment of an item: the event of the conversation comes before that of the response."""
    places: frozenset[int] = frozenset(range(30))
    """The items whose place is told, by number."""
    own_ids: bool = False
    """Items that a client creates get an id of the server's."""
    outputs_told: bool = True
    speech_added: str = "at commit"
    """When the item that speech became is announced: "at commit", "at start", "in the answer" or "never"."""
    words_in: frozenset[str] = frozenset({"deltas", "done", "part", "item", "end"})
    name_in: frozenset[str] = frozenset({"output added", "item added", "arguments", "item", "end"})
    arguments_in: frozenset[str] = frozenset({"deltas", "arguments", "item", "end"})
    parts_added: bool = True
    heard: str = "once"
    """How the user's words are told: "once", "deltas", "again", "growing" or "growing, again"."""
    commits: bool = True

    def tells_content(self, places: frozenset[str]) -> bool:
        """Whether something that stands in those places is told at all."""
        events = {
            "item": self.output_done or self.items_done,
            "end": self.output_at_end,
            "output added": self.output_added,
            "item added": self.items_added,
            "arguments": self.arguments_done,
            "deltas": True,
            "done": True,
            "part": True,
        }
        return any(events[place] for place in places)


def possible(style: Style) -> bool:
    """Whether everything is told once at least, and somebody says that a call is whole."""
    ends = style.output_done or style.output_at_end or style.arguments_done or style.items_done
    tells_arguments = not style.arguments_done or bool({"arguments", "deltas"} & style.arguments_in)
    return (
        ends
        and tells_arguments
        and all(style.tells_content(places) for places in (style.words_in, style.name_in, style.arguments_in))
        and (style.items_added or style.items_done or not style.own_ids)
        and (style.commits or (style.speech_added != "never" and style.items_added))
    )


class Teller:
    """A server that holds the conversation, and tells of it in its style."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self.driven = Driven()
        self.order: list[str] = []
        self._ids = 0
        self._late: list[Item] = []

    def fresh(self, prefix: str) -> str:
        self._ids += 1
        return f"{prefix}{self._ids}"

    def say(self, *events: ServerEvent) -> None:
        self.driven.tell(*events)

    # --- items

    def place(self, item_id: str) -> str | None:
        """Add an item at the end. Returns the place that is told."""
        if item_id not in self.order:
            self.order.append(item_id)
        at = self.order.index(item_id)
        return self.order[at - 1] if at and at in self.style.places else None

    def told(self, item: Item, *, done: bool = True) -> None:
        """An item that no response makes."""
        assert isinstance(item.id, str)
        place = self.place(item.id)
        if self.style.items_added:
            self.say(ConversationItemAdded(item=item, previous_item_id=place))
        if done and self.style.items_done:
            self.say(ConversationItemDone(item=item))

    def both(self, of_conversation: ServerEvent | None, of_response: ServerEvent | None) -> None:
        pair = [of_response, of_conversation]
        for event in reversed(pair) if self.style.conversation_first else pair:
            if event is not None:
                self.say(event)

    # --- what the user does

    def hears(self, user: Typed | Spoken) -> None:
        if isinstance(user, Typed):
            self.driven.tell(SendMessage(Message(UNSET, "user", (InputText(user.text),))))
            created = self.driven.sent(ConversationItemCreate)[-1].item
            item_id = self.fresh("theirs_") if self.style.own_ids else str(created.id)
            self.told(evolve(created, id=item_id, status="completed"))
            return
        item_id = self.fresh("user_")
        item = Message(item_id, "user", (InputAudio(),), "completed")
        self.say(InputAudioBufferSpeechStarted(0, item_id))
        if self.style.speech_added == "at start" and self.style.items_added:
            self.told(evolve(item, content=(), status="in_progress"), done=False)
        self.say(InputAudioBufferSpeechStopped(0, item_id))
        place = self.place(item_id)
        if self.style.commits:
            self.say(InputAudioBufferCommitted(item_id=item_id, previous_item_id=place))
        if self.style.speech_added == "at start" and self.style.items_added:
            if self.style.items_done:
                self.say(ConversationItemDone(item=item))
        elif self.style.speech_added == "at commit" or not self.style.commits:
            self.told(item)
        elif self.style.speech_added == "in the answer":
            self._late.append(item)
        self.transcribes(item_id, user.text)

    def transcribes(self, item_id: str, text: str) -> None:
        def whole(length: int, status: str | None) -> ServerEvent:
            told = UNSET if status is None else status
            return ConversationItemInputAudioTranscriptionCompleted(item_id, 0, text[:length], status=told)

        heard = self.style.heard
        if heard == "deltas":
            half = len(text) // 2
            for delta in (text[:half], text[half:]):
                self.say(ConversationItemInputAudioTranscriptionDelta(item_id, 0, delta))
        if heard.startswith("growing"):
            self.say(*(whole(length, "in_progress") for length in range(1, len(text) + 1, 3)))
        self.say(whole(len(text), "completed" if heard.startswith("growing") else None))
        if heard.endswith("again"):
            self.say(whole(len(text), None))

    # --- what the model does

    def answers(self, reply: tuple[Says | Calls, ...]) -> None:
        response_id = self.fresh("resp_")
        self.say(ResponseCreated(Response(response_id, "in_progress", conversation_id="conv")))
        output = [self.makes(response_id, index, each) for index, each in enumerate(reply)]
        told = tuple(output) if self.style.output_at_end else ()
        self.say(ResponseDone(Response(response_id, "completed", output=told, conversation_id="conv")))
        self.runs_tools()

    def makes(self, response_id: str, index: int, each: Says | Calls) -> Item:
        item_id = self.fresh("item_")
        call_id = self.fresh("call_")
        place = self.place(item_id)

        def shown(name_at: str, *, done: bool, words_at: str) -> Item:
            status = "completed" if done else "in_progress"
            if isinstance(each, Calls):
                name = "tool" if name_at in self.style.name_in else ""
                arguments = each.arguments if done and words_at in self.style.arguments_in else ""
                return FunctionCall(item_id, name, call_id, arguments, status)
            content = (OutputAudio(each.text),) if done and words_at in self.style.words_in else ()
            return Message(item_id, "assistant", content, status)

        begun = shown("item added", done=False, words_at="")
        self.both(
            ConversationItemAdded(item=begun, previous_item_id=place) if self.style.items_added else None,
            ResponseOutputItemAdded(response_id, index, shown("output added", done=False, words_at=""))
            if self.style.output_added
            else None,
        )
        for late in self._late:
            self.told(late)
        self._late = []
        if isinstance(each, Calls):
            self.writes_arguments(response_id, item_id, call_id, each.arguments)
        else:
            self.speaks(response_id, item_id, each.text)
        ended = shown("item", done=True, words_at="item")
        self.both(
            ConversationItemDone(item=ended) if self.style.items_done else None,
            ResponseOutputItemDone(response_id, index, ended) if self.style.output_done else None,
        )
        return shown("end", done=True, words_at="end")

    def speaks(self, response_id: str, item_id: str, text: str) -> None:
        at = (response_id, item_id, 0, 0)
        if self.style.parts_added:
            self.say(ResponseContentPartAdded(*at, OutputAudio("")))
        self.say(ResponseOutputAudioDelta(*at, b"\0\0"))
        if "deltas" in self.style.words_in:
            half = len(text) // 2
            for delta in (text[:half], text[half:]):
                self.say(ResponseOutputAudioTranscriptDelta(*at, delta))
        if "done" in self.style.words_in:
            self.say(ResponseOutputAudioTranscriptDone(*at, text))
        self.say(ResponseContentPartDone(*at, OutputAudio(text if "part" in self.style.words_in else "")))

    def writes_arguments(self, response_id: str, item_id: str, call_id: str, arguments: str) -> None:
        at = (response_id, item_id, 0, call_id)
        if "deltas" in self.style.arguments_in:
            for delta in (arguments[:1], arguments[1:]):
                self.say(ResponseFunctionCallArgumentsDelta(*at, delta))
        if self.style.arguments_done:
            name = "tool" if "arguments" in self.style.name_in else None
            told = arguments if "arguments" in self.style.arguments_in else ""
            self.say(ResponseFunctionCallArgumentsDone(*at, name, told))

    def runs_tools(self) -> None:
        """Tools are quick; the server tells of their outputs, and the model goes on."""
        started = [work for work in self.driven.tools if isinstance(work, StartCall)]
        answered = {item.item.call_id for item in self.driven.sent(ConversationItemCreate) if _is_output(item)}
        fresh = [work for work in started if work.call_id not in answered]
        for work in fresh:
            self.driven.tell(ToolRunning(work.call_id), ToolDone(work.call_id, "result", "done"))
            if self.style.outputs_told:
                self.told(FunctionCallOutput(self.fresh("output_"), work.call_id, "done"))
        if fresh:
            self.answers((Says("so it is"),))


def _is_output(event: ConversationItemCreate) -> bool:
    return isinstance(event.item, FunctionCallOutput)


def hold(turns: list[Turn], style: Style) -> Driven:
    teller = Teller(style)
    for turn in turns:
        teller.hears(turn.user)
        teller.answers(turn.reply)
    return teller.driven


# --- what an application sees of it


def wanted(turns: list[Turn]) -> Iterator[tuple[str, str]]:
    for turn in turns:
        yield ("spoken" if isinstance(turn.user, Spoken) else "typed"), turn.user.text
        for each in turn.reply:
            yield ("call", f"tool {each.arguments} done") if isinstance(each, Calls) else ("agent", each.text)
        if any(isinstance(each, Calls) for each in turn.reply):
            yield "agent", "so it is"


def seen(item: HistoryItem) -> tuple[str, str]:
    match item:
        case UserMessage(content=(InputText(text=text),)):
            return "typed", text
        case UserMessage(content=(UserAudio(transcript=text),)):
            return "spoken", text or ""
        case AssistantMessage(content=(AssistantAudio(transcript=text),)):
            return "agent", text
        case ToolCall():
            return "call", f"{item.name} {item.arguments} {item.output}"
        case _:
            return "other", str(item)


def check(turns: list[Turn], style: Style) -> None:
    d = hold(turns, style)
    truth = list(wanted(turns))
    assert [seen(item) for item in d.machine.history] == truth
    assert {item.status for item in d.machine.history} <= {"completed"}
    added = [event.item.item_id for event in d.seen(HistoryAdded)]
    assert sorted(added) == sorted(item.item_id for item in d.machine.history)
    said = [("spoken" if event.role == "user" else "agent", event.transcript) for event in d.seen(TranscriptDone)]
    assert sorted(said) == sorted(one for one in truth if one[0] in ("spoken", "agent"))
    for event in d.seen(TranscriptDone):
        deltas = [each.delta for each in d.seen(TranscriptDelta) if each.item_id == event.item_id]
        assert not deltas or "".join(deltas) == event.transcript
    calls = [f"{work.name} {work.arguments} done" for work in d.tools if isinstance(work, StartCall)]
    assert calls == [words for kind, words in truth if kind == "call"]
    assert not [kind for kind in d.types() if kind == "error"]


def some(*places: str) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(places), min_size=1)


texts = st.sampled_from(["hello", "what is it", "one two three", "yes"])
turns = st.lists(
    st.builds(
        Turn,
        user=st.builds(Typed, texts) | st.builds(Spoken, texts),
        reply=st.lists(
            st.builds(Says, texts) | st.builds(Calls, st.sampled_from(["{}", '{"a": 1}'])), min_size=1, max_size=3
        ).map(tuple),
    ),
    min_size=1,
    max_size=3,
)
styles = st.builds(
    Style,
    items_added=st.booleans(),
    items_done=st.booleans(),
    output_added=st.booleans(),
    output_done=st.booleans(),
    output_at_end=st.booleans(),
    arguments_done=st.booleans(),
    conversation_first=st.booleans(),
    places=st.just(frozenset(range(30))) | st.just(frozenset()) | st.frozensets(st.integers(0, 12)),
    own_ids=st.booleans(),
    outputs_told=st.booleans(),
    speech_added=st.sampled_from(["at commit", "at start", "in the answer", "never"]),
    words_in=some("deltas", "done", "part", "item", "end"),
    name_in=some("output added", "item added", "arguments", "item", "end"),
    arguments_in=some("deltas", "arguments", "item", "end"),
    parts_added=st.booleans(),
    heard=st.sampled_from(["once", "deltas", "again", "growing", "growing, again"]),
    commits=st.sampled_from([True, True, False]),
).filter(possible)


@settings(max_examples=400)
@given(turns, styles)
def test_every_telling_gives_the_same_conversation(conversation: list[Turn], style: Style) -> None:
    check(conversation, style)


# --- servers that have been seen

CONVERSATION = [
    Turn(Typed("what is it"), (Says("I look"), Calls('{"a": 1}'))),
    Turn(Spoken("one two three"), (Calls("{}"), Calls('{"a": 1}'))),
    Turn(Spoken("yes"), (Says("hello"),)),
]
SEEN = {
    "openai": Style(),
    "sparse": Style(items_added=False, items_done=False, speech_added="never", outputs_told=False),
    "xai": Style(
        items_done=False,
        places=frozenset({1, 4, 5, 9}),
        own_ids=True,
        speech_added="at start",
        words_in=frozenset({"deltas", "done", "end"}),
        heard="growing, again",
    ),
    "voice live": Style(items_done=False, own_ids=True, words_in=frozenset({"deltas", "done", "item", "end"})),
    "localai": Style(items_done=False, places=frozenset(), output_at_end=False, heard="deltas"),
    "speech-to-speech": Style(
        items_added=True,
        items_done=False,
        output_added=False,
        output_done=False,
        output_at_end=False,
        parts_added=False,
        words_in=frozenset({"done"}),
        name_in=frozenset({"arguments"}),
        arguments_in=frozenset({"arguments"}),
        heard="deltas",
    ),
}


@pytest.mark.parametrize("name", SEEN)
def test_servers_that_have_been_seen(name: str) -> None:
    check(CONVERSATION, SEEN[name])


LATER: dict[str, Callable[[Style], Style]] = {
    "words": lambda style: attrs.evolve(style, words_in=frozenset({"end"})),
    "names": lambda style: attrs.evolve(style, name_in=frozenset({"end"})),
    "arguments": lambda style: attrs.evolve(style, arguments_in=frozenset({"end"}), arguments_done=False),
}


@pytest.mark.parametrize("what", LATER)
@pytest.mark.parametrize("name", ["openai", "sparse", "xai"])
def test_what_only_the_end_of_the_response_tells(name: str, what: str) -> None:
    check(CONVERSATION, LATER[what](SEEN[name]))
