"""The embedded server beside the real one: the same client events give the same order, fields and
settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.local.conversation.replies import CallTool, SayText
from tests.local.driver import Driver, Json, append, silence, speech
from tests.recordings import Recording, recorded

_CHUNK_MS = 100
_SPEECH_FROM_MS, _SPEECH_UNTIL_MS = 1760, 4032
"""Where the speaker of the recorded audio turn was heard: speech_started said 1460 after 300 of padding,
speech_stopped 4256 after 200 of silence. The recordings' own audio was cut short, so ours stands in for
it."""


def _replies(recording: Recording) -> Iterable[tuple[SayText | CallTool, ...]]:
    """What the model said in each response."""
    for line in recording.received:
        if line.data["type"] == "response.done":
            parts: list[SayText | CallTool] = []
            for item in line.data["response"]["output"]:
                if item["type"] == "function_call":
                    parts.append(CallTool(item["name"], item["arguments"]))
                else:
                    part = item["content"][0]
                    parts.append(SayText(part.get("transcript") or part.get("text")))
            yield tuple(parts)


def _replayed(recording: Recording) -> Driver:
    """Our server, given what the client of the recording sent, at the same points of the conversation."""
    first = recording.received[0].data["session"]
    replies = iter(list(_replies(recording)))
    words = [
        line.data["transcript"] for line in recording.received if line.data["type"].endswith("transcription.completed")
    ]
    driver = Driver(model=first["model"], reply=lambda _: next(replies), heard=list(words))
    sound = silence(_SPEECH_FROM_MS) + speech(_SPEECH_UNTIL_MS - _SPEECH_FROM_MS) + silence(4000)
    at = 0
    calls: dict[str, str] = {}
    for line in recording.lines:
        event = dict(line.data)
        if line.direction == "received":
            if event["type"] in ("response.done", "response.function_call_arguments.done"):
                while len(driver.of(event["type"])) <= _seen(recording, line):
                    driver.until(driver.machine.wake_at or 0)
            continue
        if event["type"] == "input_audio_buffer.append":
            event = append(sound[at : at + _CHUNK_MS * 48])
            at += _CHUNK_MS * 48
        if event["type"] == "conversation.item.create" and "call_id" in event["item"]:
            done = driver.of("response.function_call_arguments.done")[-1]
            calls[event["item"]["call_id"]] = done["call_id"]
            event["item"] = {**event["item"], "call_id": done["call_id"]}
        driver.send(event)
    driver.settle()
    driver.pass_ms(2000)
    return driver


def _seen(recording: Recording, line: Any) -> int:
    """How many events of this type came before this line."""
    before = recording.lines[: recording.lines.index(line)]
    return sum(1 for each in before if each.direction == "received" and each.data["type"] == line.data["type"])


def _streams(events: list[Json]) -> dict[str, list[str]]:
    """Types in order, by what they are about; within one of these the service's order is fixed.

    Deltas of one kind count once, where the first one stands: how many there are is up to the model.
    """
    owners: dict[str, str] = {}
    streams: dict[str, list[str]] = {}
    responses = 0
    clients = 0
    for event in events:
        kind = event["type"]
        if kind == "rate_limits.updated":
            continue
        if kind == "response.created":
            responses += 1
            owners[event["response"]["id"]] = f"response {responses}"
        owner = "session"
        if "response" in event:
            owner = owners[event["response"]["id"]]
        elif "response_id" in event:
            owner = owners[event["response_id"]]
            owners[event.get("item_id") or event["item"]["id"]] = owner
        elif kind.startswith(("conversation.item", "input_audio_buffer")):
            item = event.get("item_id") or event["item"]["id"]
            if item not in owners:
                clients += 1
                owners[item] = f"client item {clients}"
            owner = owners[item]
            if "transcription" in kind:
                owner += " transcription"
        stream = streams.setdefault(owner, [])
        if not (kind.endswith(".delta") and kind in stream):
            stream.append(kind)
    return streams


def _shape(value: Any) -> Any:
    """Keys and kinds of a value. Azure repeats `part` as `content`; deltas of a text may or may not need
    padding."""
    if isinstance(value, dict):
        return {
            key: _shape(each)
            for key, each in value.items()
            if key != "obfuscation" and not (key == "content" and "part" in value)
        }
    if isinstance(value, list):
        return [_shape(each) for each in value[:1]]
    if isinstance(value, bool):
        return "bool"
    return "number" if isinstance(value, (int, float)) else type(value).__name__


def _shapes(events: list[Json]) -> dict[str, list[Any]]:
    shapes: dict[str, list[Any]] = {}
    for event in events:
        shape = _shape(event)
        known = shapes.setdefault(event["type"], [])
        if shape not in known:
            known.append(shape)
    return shapes


@recorded
def test_every_stream_of_events_has_the_recorded_order(recording: Recording) -> None:
    driver = _replayed(recording)
    assert _streams(driver.events) == _streams([line.data for line in recording.received])


@recorded
def test_every_event_has_the_recorded_fields(recording: Recording) -> None:
    ours = _shapes(_replayed(recording).events)
    for kind, shapes in _shapes([line.data for line in recording.received]).items():
        for shape in shapes:
            assert shape in ours[kind], kind


@recorded
def test_settings_are_echoed_as_recorded(recording: Recording) -> None:
    driver = _replayed(recording)
    ours = [event["session"] for event in driver.events if event["type"].startswith("session.")]
    theirs = [line.data["session"] for line in recording.received if line.data["type"].startswith("session.")]
    own = ("id", "expires_at", "instructions")
    for mine, real in zip(ours, theirs, strict=True):
        assert {key: value for key, value in mine.items() if key not in own} == {
            key: value for key, value in real.items() if key not in own
        }
        assert list(mine) == list(real)
    assert ours[-1]["instructions"] == theirs[-1]["instructions"]


@recorded
def test_speech_is_found_where_the_service_found_it(recording: Recording) -> None:
    driver = _replayed(recording)
    for kind, field in (
        ("input_audio_buffer.speech_started", "audio_start_ms"),
        ("input_audio_buffer.speech_stopped", "audio_end_ms"),
    ):
        recorded_at = [line.data[field] for line in recording.received if line.data["type"] == kind]
        assert [event[field] for event in driver.of(kind)] == recorded_at


@recorded
def test_what_was_said_ends_up_in_the_response(recording: Recording) -> None:
    driver = _replayed(recording)
    ours = [event["response"] for event in driver.of("response.done")]
    theirs = [line.data["response"] for line in recording.received if line.data["type"] == "response.done"]
    own = {"id", "conversation_id", "usage", "output"}
    for mine, real in zip(ours, theirs, strict=True):
        assert {key: value for key, value in mine.items() if key not in own} == {
            key: value for key, value in real.items() if key not in own
        }
        assert list(mine) == list(real)
