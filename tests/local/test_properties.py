"""Whatever a client does, the machine keeps its promises."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.local.conversation.items import id_of
from engine.local.settings.faults import (
    FailedResponse,
    Faults,
    IncompleteResponse,
    OverlappingItems,
    RefusedResponse,
    SilentResponse,
    SplitSpeech,
)
from engine.local.settings.latencies import Latencies, LogNormal
from engine.local.settings.options import LocalOptions
from tests.local.driver import Driver, Json, append, silence, speech, tool, update, user_text

_MODEL = st.sampled_from(["gpt-realtime", "gpt-realtime-2.1"])
_SAID = st.sampled_from(
    [
        "hello",
        "what is the weather in paris",
        "tell me a story",
        "where is my order 1234",
        "billing please",
        "xyzzy",
        "",
    ]
)
_TOOLS = [
    tool("get_weather", city="string"),
    tool("get_order_status", order_number="integer"),
    tool("transfer_to_billing"),
]
_DETECTION = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"type": st.just("server_vad")},
        optional={
            "create_response": st.booleans(),
            "interrupt_response": st.booleans(),
            "idle_timeout_ms": st.just(5000),
            "silence_duration_ms": st.integers(0, 700),
        },
    ),
    st.just({"type": "semantic_vad", "eagerness": "high"}),
)
_FORMAT = st.sampled_from([{"type": "audio/pcm", "rate": 24000}, {"type": "audio/pcmu"}, {"type": "audio/pcma"}])
_AUDIO = st.fixed_dictionaries(
    {},
    optional={
        "input": st.fixed_dictionaries(
            {},
            optional={
                "turn_detection": _DETECTION,
                "transcription": st.sampled_from([None, {"model": "whisper-1"}, {"model": "gpt-realtime-whisper"}]),
            },
        ),
        "output": st.fixed_dictionaries(
            {},
            optional={"voice": st.sampled_from(["alloy", "marin"]), "format": _FORMAT, "speed": st.floats(0.25, 1.5)},
        ),
    },
)
_UPDATE = st.fixed_dictionaries(
    {},
    optional={
        "tools": st.sampled_from([[], _TOOLS]),
        "output_modalities": st.sampled_from([["text"], ["audio"]]),
        "tool_choice": st.sampled_from(["auto", "none", "required", {"type": "function", "name": "get_weather"}]),
        "max_output_tokens": st.sampled_from(["inf", 1, 7, 40]),
        "audio": _AUDIO,
    },
).map(lambda session: update(**session))
_RESPONSE = st.fixed_dictionaries(
    {},
    optional={
        "conversation": st.sampled_from(["auto", "none"]),
        "metadata": st.sampled_from([None, {"a": "b"}]),
        "output_modalities": st.sampled_from([["text"], ["audio"]]),
        "input": st.sampled_from([[], [{"type": "item_reference", "id": "nobody"}]]),
        "max_output_tokens": st.sampled_from(["inf", 3]),
    },
).map(lambda response: {"type": "response.create", "response": response})
_PLACE = st.sampled_from([{}, {"previous_item_id": None}, {"previous_item_id": "root"}, {"previous_item_id": "nobody"}])
_CREATE = st.builds(lambda said, place: {**user_text(said), **place}, _SAID, _PLACE)
_SOUND = st.sampled_from([silence(200), silence(700), speech(150), speech(600), speech(300) + silence(800)])
_BROKEN = st.sampled_from(
    [
        {"type": "input_audio_buffer.append", "audio": "&"},
        {"type": "output_audio_buffer.clear"},
        {"type": "session.update", "session": {"voice": "alloy"}},
        {"no": "type"},
        {"type": "response.create", "response": {"max_output_tokens": 0}},
        {"type": "conversation.item.create", "item": {"type": "message", "role": "wizard", "content": []}},
    ]
)
_SIMPLE = st.sampled_from(
    [
        {"type": "response.create"},
        {"type": "response.cancel"},
        {"type": "input_audio_buffer.commit"},
        {"type": "input_audio_buffer.clear"},
    ]
)
_Action = tuple[str, Any]
_ACTIONS: st.SearchStrategy[_Action] = st.one_of(
    st.tuples(st.just("send"), st.one_of(_SIMPLE, _UPDATE, _RESPONSE, _CREATE, _BROKEN, _SOUND.map(append))),
    st.tuples(st.just("pass"), st.sampled_from([1, 20, 150, 300, 1000, 6000])),
    st.tuples(st.just("retrieve"), st.integers(0, 30)),
    st.tuples(st.just("delete"), st.integers(0, 30)),
    st.tuples(st.just("truncate"), st.tuples(st.integers(0, 30), st.integers(0, 3000))),
    st.tuples(st.just("answer"), st.integers(0, 5)),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
)
_FAULTS = st.lists(
    st.sampled_from(
        [FailedResponse(), IncompleteResponse(), OverlappingItems(), RefusedResponse(), SilentResponse(), SplitSpeech()]
    ).flatmap(lambda fault: st.just(type(fault)(responses=frozenset({2, 3})))),
    max_size=2,
    unique_by=type,
).map(lambda faults: Faults(of_responses=tuple(faults)))


@st.composite
def _options(draw: st.DrawFn) -> LocalOptions:
    latencies = draw(st.sampled_from([Latencies(), Latencies.none(), Latencies(first_output=LogNormal(300))]))
    return LocalOptions(
        latencies=latencies, faults=draw(_FAULTS), seed=draw(st.integers(0, 3)), kept_audio_seconds=5, history_items=8
    )


def _perform(driver: Driver, action: _Action) -> None:
    match action:
        case "send", event:
            _send_one(driver, event)
        case "pass", ms:
            driver.pass_ms(ms)
        case "retrieve", which:
            _send_one(driver, {"type": "conversation.item.retrieve", "item_id": _item(driver, which)})
        case "delete", which:
            _send_one(driver, {"type": "conversation.item.delete", "item_id": _item(driver, which)})
        case "truncate", (which, ms):
            event = {"type": "conversation.item.truncate", "content_index": 0, "audio_end_ms": ms}
            _send_one(driver, {**event, "item_id": _item(driver, which)})
        case "answer", which:
            calls = driver.of("response.function_call_arguments.done")
            call_id = calls[which % len(calls)]["call_id"] if calls else "nobody"
            item = {"type": "function_call_output", "call_id": call_id, "output": "{}"}
            _send_one(driver, {"type": "conversation.item.create", "item": item})
        case "cancel", which:
            created = driver.of("response.created")
            response_id = created[which % len(created)]["response"]["id"] if created else "nobody"
            _send_one(driver, {"type": "response.cancel", "response_id": response_id})


def _send_one(driver: Driver, event: Json) -> None:
    """Every event but an append is answered at once, except that a response takes its time."""
    served = driver.send(event)
    if event.get("type") not in ("input_audio_buffer.append", "response.create"):
        assert served, event


def _item(driver: Driver, which: int) -> str:
    added = driver.of("conversation.item.added")
    return added[which % len(added)]["item"]["id"] if added else "nobody"


def _check_responses(events: list[Json]) -> None:
    """created, everything else, done: once each, and one of the default conversation at a time."""
    open_: dict[str, bool] = {}
    closed: set[str] = set()
    for event in events:
        response = event.get("response")
        response_id = response["id"] if isinstance(response, dict) else event.get("response_id")
        if response_id is None:
            continue
        assert response_id not in closed, event
        if event["type"] == "response.created":
            assert isinstance(response, dict)
            assert response_id not in open_
            in_conversation = response["conversation_id"] is not None
            assert not (in_conversation and any(open_.values())), "two responses of the default conversation"
            open_[response_id] = in_conversation
        assert response_id in open_, event
        if event["type"] == "response.done":
            assert isinstance(response, dict)
            assert response["status"] in ("completed", "cancelled", "failed", "incomplete")
            del open_[response_id]
            closed.add(response_id)


def _check_chain(driver: Driver) -> None:
    """The client can rebuild the conversation from what it is told."""
    chain: list[str] = []
    for event in driver.events:
        if event["type"] == "conversation.item.added":
            previous = event["previous_item_id"]
            place = 0 if previous is None else chain.index(previous) + 1
            assert event["item"]["id"] not in chain
            chain.insert(place, event["item"]["id"])
        elif event["type"] == "conversation.item.deleted":
            chain.remove(event["item_id"])
    assert [id_of(entry.item) for entry in driver.machine.conversation] == chain


def _check_items(events: list[Json]) -> None:
    """What an output item ends with is what its deltas said."""
    said: dict[str, str] = {}
    for event in events:
        kind = event["type"]
        if kind in (
            "response.output_text.delta",
            "response.output_audio_transcript.delta",
            "response.function_call_arguments.delta",
        ):
            said[event["item_id"]] = said.get(event["item_id"], "") + event["delta"]
        elif kind == "response.output_item.done":
            item = event["item"]
            part = item["content"][0] if item["type"] == "message" else {}
            whole = part.get("text", part.get("transcript", item.get("arguments")))
            assert whole == said.get(item["id"], "")


@settings(max_examples=120, deadline=None)
@given(st.lists(_ACTIONS, max_size=40), _options(), _MODEL, st.lists(st.one_of(st.none(), _SAID), max_size=4))
def test_no_client_can_break_it(actions, options, model, heard):
    driver = Driver(options, model=model, heard=heard)
    for action in actions:
        _perform(driver, action)
        _check_chain(driver)
    _check_responses(driver.events)
    _check_items(driver.events)
    driver.send({"type": "response.cancel"})
    driver.settle()
    silent = [fault for fault in options.faults.of_responses if isinstance(fault, SilentResponse)]
    created, done = driver.of("response.created"), driver.of("response.done")
    if not silent:
        assert sorted(event["response"]["id"] for event in created) == sorted(event["response"]["id"] for event in done)
    assert len({event["event_id"] for event in driver.events}) == len(driver.events)


@settings(max_examples=25, deadline=None)
@given(st.lists(_ACTIONS, max_size=25), _options())
def test_a_seed_gives_the_same_events_each_time(actions, options):
    runs = []
    for _ in range(2):
        driver = Driver(options, heard=["hello", None])
        for action in actions:
            _perform(driver, action)
        driver.settle()
        runs.append((driver.events, driver.times))
    assert runs[0] == runs[1]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 7000), max_size=30), st.booleans())
def test_how_audio_is_cut_into_appends_does_not_matter(cuts, padded):
    sound = silence(500) + speech(700) + silence(900) + speech(400) + silence(300 if padded else 900)
    whole = Driver(heard=["hello", "hello"])
    whole.append(sound)
    pieces = Driver(heard=["hello", "hello"])
    at = 0
    for cut in cuts:
        pieces.send(append(sound[at : at + 2 * cut]))
        at += 2 * cut
    if at < len(sound):
        pieces.send(append(sound[at:]))
    assert pieces.utterances == whole.utterances
    assert [event["type"] for event in pieces.events] == [event["type"] for event in whole.events]
