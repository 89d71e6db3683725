"""The conversation: its order against a plain list, what is read of each item, and what a step costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.conversation import MS_PER_CHARACTER, ROOT, Conversation, History
from engine.history import (
    AssistantAudio,
    AssistantMessage,
    AssistantText,
    OtherItem,
    SystemMessage,
    ToolCall,
    UserAudio,
    UserMessage,
)
from engine.wire.items import (
    FunctionCall,
    FunctionCallOutput,
    InputAudio,
    InputImage,
    InputText,
    Item,
    McpApprovalRequest,
    Message,
    OutputAudio,
    OutputText,
)
from engine.wire.struct import UNSET
from tests.support.counting import lines_run


def user(item_id: str, text: str = "hi") -> Message:
    return Message(item_id, "user", (InputText(text),), "completed")


def assistant(item_id: str, *parts: OutputText | OutputAudio, status: str | None = "in_progress") -> Message:
    return Message(item_id, "assistant", parts, status)


def holding(*items: Item) -> Conversation:
    conversation = Conversation()
    previous = None
    for item in items:
        conversation.add(item, previous)
        previous = item.id if isinstance(item.id, str) else None
    return conversation


def ids(conversation: Conversation) -> list[str]:
    return [item.item_id for item in conversation]


# --- order

names = st.integers(0, 9).map(str)
places = st.none() | st.just(ROOT) | names
actions = st.one_of(
    st.tuples(st.just("add"), names, places, st.booleans()),
    st.tuples(st.just("done"), names, places, st.booleans()),
    st.tuples(st.just("remove"), names, st.none(), st.booleans()),
)


class PlainList:
    """The same order, kept in a list of (id, is an output)."""

    def __init__(self) -> None:
        self.items: list[tuple[str, bool]] = []
        self._tells = False
        self._placed: set[str] = set()
        self._awaited: dict[str, str] = {}

    def add(self, name: str, after: str | None, *, known_place: bool, output: bool) -> bool:
        at = [item for item, _ in self.items]
        if name in at:
            if known_place and after in at and name not in self._placed:
                self._placed.add(name)
                if after != name:
                    one = self.items.pop(at.index(name))
                    self._insert_after(after, one)
            return False
        self._tells |= after is not None
        follower = self._awaited.pop(name, None)
        if after in at:
            self._insert_after(after, (name, output))
        elif known_place and self._tells and after in (None, ROOT):
            self.items.insert(0, (name, output))
        elif after in (None, ROOT) and follower in at:
            self.items.insert(at.index(follower), (name, output))
        else:
            self.items.append((name, output))
        if after not in (None, ROOT, *at):
            self._awaited[after] = name
        elif known_place and after is not None:
            self._placed.add(name)
        return True

    def _insert_after(self, after: str, one: tuple[str, bool]) -> None:
        self.items.insert([item for item, _ in self.items].index(after) + 1, one)

    def remove(self, name: str) -> None:
        self.items = [one for one in self.items if one[0] != name]
        self._placed.discard(name)
        self._awaited = {awaited: item for awaited, item in self._awaited.items() if item != name}


@given(st.lists(actions, max_size=40))
def test_order_is_that_of_a_plain_list(story: list[tuple[str, str, str | None, bool]]) -> None:
    conversation, plain = Conversation(), PlainList()
    for what, name, after, output in story:
        item: Item = FunctionCallOutput(name, f"c{name}", "x") if output else user(name)
        if what == "remove":
            known = next((one for one in plain.items if one[0] == name), None)
            shown = conversation.remove(name)
            assert (shown is not None) is (known is not None and not known[1])
            plain.remove(name)
        else:
            known_place = what == "add"
            assert conversation.add(item, after, known_place=known_place) is plain.add(
                name, after, known_place=known_place, output=output
            )
        visible = [name for name, is_output in plain.items if not is_output]
        assert ids(conversation) == visible
        assert len(conversation) == len(visible)
        assert conversation.last_id == (plain.items[-1][0] if plain.items else None)
        order = [name for name, _ in plain.items]
        for shown in conversation:
            at = order.index(shown.item_id)
            assert shown.previous_item_id == (order[at - 1] if at else None)


def test_nothing_before_an_item_means_the_beginning() -> None:
    conversation = holding(user("a"), user("b"))
    conversation.add(user("first"), None)
    assert ids(conversation) == ["first", "a", "b"]


def test_a_server_that_never_tells_places_means_the_end() -> None:
    conversation = Conversation()
    for name in "abc":
        conversation.add(user(name), None)
    assert ids(conversation) == ["a", "b", "c"]


# --- what is read


def test_words_that_grow_are_read_as_one() -> None:
    conversation = holding(assistant("a"))
    for word in ("one ", "two ", "three"):
        conversation.grow("a", 0, word, spoken=True)
    (item,) = conversation
    assert item == AssistantMessage(item_id="a", status="in_progress", content=(AssistantAudio("one two three"),))
    assert conversation.get("a") is item


def test_written_and_spoken_parts_are_told_apart() -> None:
    conversation = holding(assistant("a"))
    conversation.grow("a", 0, "written", spoken=False)
    conversation.grow("a", 1, "spoken", spoken=True)
    (item,) = conversation
    assert isinstance(item, AssistantMessage)
    assert item.content == (AssistantText("written"), AssistantAudio("spoken"))


def test_the_final_word_replaces_what_grew() -> None:
    conversation = holding(assistant("a"))
    conversation.grow("a", 0, "hel", spoken=True)
    assert conversation.complete(assistant("a", OutputAudio("hello"), status="completed"))
    assert not conversation.complete(assistant("a", OutputAudio("hello"), status="completed"))
    assert not conversation.complete(assistant("unknown"))
    (item,) = conversation
    assert item == AssistantMessage(item_id="a", status="completed", content=(AssistantAudio("hello"),))


def test_what_the_user_said_becomes_known_later() -> None:
    conversation = holding(Message("u", "user", (InputAudio(),), "completed"))
    assert next(iter(conversation)) == UserMessage(item_id="u", content=(UserAudio(None),))
    assert conversation.say("u", 0, "hello")
    assert not conversation.say("unknown", 0, "hello")
    assert next(iter(conversation)) == UserMessage(item_id="u", content=(UserAudio("hello"),))


def test_a_users_message_shows_texts_images_and_speech() -> None:
    picture = InputImage("data:image/png;base64,", "low")
    conversation = holding(Message("u", "user", (InputText("see"), picture, InputAudio(transcript="so")), "completed"))
    (item,) = conversation
    assert isinstance(item, UserMessage)
    assert item.content == (InputText("see"), picture, UserAudio("so"))


def test_system_messages_and_unknown_items() -> None:
    request = McpApprovalRequest("m", "server", "tool", "{}")
    conversation = holding(Message("s", "system", (InputText("note"),), "completed"), request)
    note, other = conversation
    assert note == SystemMessage(item_id="s", content=(InputText("note"),))
    assert other == OtherItem(item_id="m", previous_item_id="s", item=request)


def test_a_call_has_its_output() -> None:
    conversation = holding(FunctionCall("f", "tool", "c", "{}", "completed"))
    assert conversation.output("c", "42") == "f"
    assert conversation.output("c", "42") is None
    assert conversation.output("unknown", "42") is None
    conversation.add(FunctionCallOutput("o", "c", "42"), "f")
    assert list(conversation) == [
        ToolCall(item_id="f", status="completed", name="tool", call_id="c", arguments="{}", output="42")
    ]
    assert conversation.get("o") is None


def test_an_item_without_an_id_is_kept() -> None:
    conversation = Conversation()
    assert conversation.add(Message(UNSET, "user", (InputText("x"),)), None)
    assert len(conversation) == 1


def test_what_is_unknown_changes_nothing() -> None:
    conversation = Conversation()
    conversation.grow("x", 0, "y", spoken=True)
    assert not conversation.cut("x", 0, 1, 2, complete=True)
    assert conversation.remove("x") is None
    assert not list(conversation)


# --- interruptions

TEN_WORDS = "one two three four five six seven eight nine ten"


def cut_at(heard_ms: int, received_ms: int, *, complete: bool, text: str = TEN_WORDS) -> AssistantAudio:
    conversation = holding(assistant("a"))
    conversation.grow("a", 0, text, spoken=True)
    assert conversation.cut("a", 0, heard_ms, received_ms, complete=complete)
    conversation.complete(assistant("a", OutputAudio(text), status="completed"))
    (item,) = conversation
    assert isinstance(item, AssistantMessage)
    assert item.status == "incomplete"
    (part,) = item.content
    assert isinstance(part, AssistantAudio)
    return part


def test_a_cut_splits_the_transcript_between_words() -> None:
    part = cut_at(500, 1000, complete=True)
    assert part.audio_end_ms == 500
    assert part.heard == "one two three four five "
    assert part.unheard == "six seven eight nine ten"


def test_a_transcript_that_runs_ahead_of_its_audio_is_not_all_heard() -> None:
    part = cut_at(500, 500, complete=False)
    assert part.heard is not None
    assert len(part.heard) <= 500 // MS_PER_CHARACTER + 1


@given(
    st.text("ab ", max_size=60), st.integers(0, 3000), st.integers(0, 3000), st.booleans()
)  # fmt: skip
def test_heard_and_unheard_are_the_whole_transcript(text: str, one: int, other: int, complete: bool) -> None:
    heard_ms, received_ms = sorted((one, other))
    part = cut_at(heard_ms, received_ms, complete=complete, text=text)
    assert (part.heard or "") + (part.unheard or "") == part.transcript == text
    assert part.audio_end_ms == heard_ms
    if complete and heard_ms == received_ms > 0:
        assert not part.unheard
    if heard_ms == 0:
        assert not part.heard
    if part.heard and part.unheard:
        assert part.heard.endswith(" ") or part.unheard.startswith(" ")


# --- the view


def test_history_is_a_live_view() -> None:
    conversation = holding(user("a"))
    history = History(conversation)
    assert len(history) == 1
    conversation.add(user("b"), "a")
    assert [item.item_id for item in history] == ["a", "b"]
    assert history[-1].item_id == "b"
    assert [item.item_id for item in history[:1]] == ["a"]
    assert history == tuple(conversation)
    assert history != [1, 2]
    assert (history == 5) is False
    assert repr(history) == "<History of 2 items>"


def test_a_loop_over_history_survives_changes() -> None:
    conversation = holding(user("a"), user("b"), user("c"))
    seen = []
    for item in History(conversation):
        seen.append(item.item_id)
        conversation.remove("b")
        conversation.remove("c")
    assert seen == ["a", "b", "c"]


# --- what a step costs

LENGTHS = (10, 1000)


def long_conversation(length: int) -> Conversation:
    return holding(*(user(f"item{at}") for at in range(length)), assistant("last"))


@pytest.mark.parametrize("step", ["add", "grow", "say", "complete", "cut", "output", "remove", "get", "len"])
def test_a_step_costs_the_same_in_a_long_conversation(step: str) -> None:
    def cost(length: int) -> int:
        conversation = long_conversation(length)
        conversation.add(FunctionCall("f", "tool", "c", "{}"), "last")
        conversation.grow("last", 0, "word ", spoken=True)
        match step:
            case "add":
                return lines_run(lambda: conversation.add(user("new"), "item5"))
            case "grow":
                return lines_run(lambda: conversation.grow("last", 0, "more", spoken=True))
            case "say":
                return lines_run(lambda: conversation.say("last", 0, "all"))
            case "complete":
                return lines_run(lambda: conversation.complete(assistant("last", OutputAudio("all"))))
            case "cut":
                return lines_run(lambda: conversation.cut("last", 0, 1, 2, complete=False))
            case "output":
                return lines_run(lambda: conversation.output("c", "42"))
            case "remove":
                return lines_run(lambda: conversation.remove("item5"))
            case "get":
                return lines_run(lambda: conversation.get("last"))
            case _:
                return lines_run(lambda: len(conversation))

    short, long = (cost(length) for length in LENGTHS)
    assert short == long


def test_a_word_costs_the_same_at_the_end_of_a_long_speech() -> None:
    def cost(words: int) -> int:
        conversation = holding(assistant("a"))
        for _ in range(words):
            conversation.grow("a", 0, "word ", spoken=True)
        return lines_run(lambda: conversation.grow("a", 0, "word ", spoken=True))

    assert cost(10) == cost(1000)
