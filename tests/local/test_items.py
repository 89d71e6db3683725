"""Items: place, retrieval, truncation, deletion, and every way to get them wrong."""

from __future__ import annotations

import pybase64
import pytest

from engine.local.conversation.items import ItemEntry, ItemList
from engine.local.settings.options import LocalOptions
from engine.wire.items import InputText, Message
from tests.local.driver import Driver, Json, append, output, silence, speech, update, user_text


def place(text: str, item_id: str, previous: str | None) -> Json:
    return {**user_text(text, id=item_id), "previous_item_id": previous}


def spoken(options: LocalOptions | None = None) -> tuple[Driver, str]:
    """A driver whose last item is an assistant's speech, and the id of that."""
    driver = Driver(options)
    driver.say("hello")
    return driver, driver.of("response.output_item.done")[-1]["item"]["id"]


def truncate(item_id: str, ms: int, index: int = 0) -> Json:
    return {
        "type": "conversation.item.truncate",
        "item_id": item_id,
        "content_index": index,
        "audio_end_ms": ms,
    }


def retrieve(item_id: str) -> Json:
    return {"type": "conversation.item.retrieve", "item_id": item_id}


def delete(item_id: str) -> Json:
    return {"type": "conversation.item.delete", "item_id": item_id}


def test_items_stand_where_the_client_puts_them():
    driver = Driver()
    driver.send(
        place("1", "one", None), place("2", "two", None), place("0", "zero", "root"), place("1b", "oneb", "one")
    )
    added = driver.of("conversation.item.added")
    assert [event["previous_item_id"] for event in added] == [None, "one", None, "one"]
    assert [entry.item.id for entry in driver.machine.conversation] == ["zero", "one", "oneb", "two"]


def test_deleting_repairs_the_chain():
    driver = Driver()
    driver.send(place("1", "one", None), place("2", "two", None), delete("two"), place("3", "three", None))
    assert driver.of("conversation.item.deleted")[0]["item_id"] == "two"
    assert driver.of("conversation.item.added")[-1]["previous_item_id"] == "one"


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        (place("x", "new", "nobody"), "item_create_invalid_previous_item_id", "previous_item_id"),
        (place("x", "one", None), "item_create_duplicate_id", "item.id"),
        (place("x", "i" * 33, None), "string_above_max_length", "item.id"),
        (output("call_unknown", "x"), "invalid_tool_call_id", "item.call_id"),
        (delete("nobody"), "item_delete_invalid_item_id", "item_id"),
        (retrieve("nobody"), "item_retrieve_invalid_item_id", "item_id"),
        (truncate("nobody", 0), "item_truncate_invalid_item_id", "item_id"),
        (truncate("one", 0), None, "item_id"),
    ],
)
def test_what_is_refused_changes_nothing(event: Json, code: str | None, param: str):
    driver = Driver()
    driver.send(place("1", "one", None))
    served = driver.send({**event, "event_id": "mine"})
    assert [each["type"] for each in served] == ["error"]
    error = served[0]["error"]
    assert (error["code"], error["param"], error["event_id"]) == (code, param, "mine")
    assert len(driver.machine.conversation) == 1


def test_wrong_content_for_a_role():
    driver = Driver()
    item = {"type": "message", "role": "assistant", "content": [{"type": "output_audio", "transcript": "x"}]}
    driver.send({"type": "conversation.item.create", "item": item})
    assert driver.errors()[0]["code"] == "invalid_value"
    assert driver.errors()[0]["param"] == "item.content[0].type"


def test_items_that_only_the_server_makes():
    driver = Driver()
    item = {"type": "mcp_list_tools", "server_label": "x", "tools": []}
    driver.send({"type": "conversation.item.create", "item": item})
    assert driver.errors()[0]["param"] == "item.type"


def test_truncation_cuts_audio_and_forgets_the_words():
    driver, item_id = spoken()
    driver.send(truncate(item_id, 480))
    assert driver.events[-1] == {
        "type": "conversation.item.truncated",
        "event_id": driver.events[-1]["event_id"],
        "item_id": item_id,
        "content_index": 0,
        "audio_end_ms": 480,
    }
    part = driver.send(retrieve(item_id))[0]["item"]["content"][0]
    assert len(pybase64.b64decode(part["audio"])) == 480 * 48
    assert "transcript" not in part or part["transcript"] is None
    driver.say("what did you say")
    assert [line.text for line in driver.contexts[-1].history] == ["hello", None, "what did you say"]


def test_truncation_beyond_the_end_names_both_lengths():
    driver, item_id = spoken()
    driver.send(truncate(item_id, 99_000))
    entry = driver.machine.conversation.get(item_id)
    assert entry is not None
    assert driver.errors()[0]["message"] == f"Audio content of {entry.audio_ms}ms is already shorter than 99000ms"
    assert driver.errors()[0]["code"] == "invalid_value"


def test_a_second_truncation_a_negative_one_and_another_part():
    driver, item_id = spoken()
    driver.send(truncate(item_id, -1), truncate(item_id, 10, index=1))
    assert [error["param"] for error in driver.errors()] == ["audio_end_ms", "content_index"]
    driver.send(truncate(item_id, 10), truncate(item_id, 5))
    assert driver.errors()[-1]["code"] == "item_already_truncated"


def test_truncation_while_the_item_is_still_being_produced():
    driver = Driver()
    driver.send(user_text("tell me a story"), {"type": "response.create"})
    driver.pass_ms(600)
    item_id = driver.of("response.output_item.added")[0]["item"]["id"]
    served = driver.send(truncate(item_id, 200), {"type": "response.cancel"})
    assert served[0]["type"] == "conversation.item.truncated"
    driver.say("what did you say")
    assert driver.contexts[-1].history[1].text is None


def test_text_cannot_be_truncated():
    driver = Driver()
    driver.send(update(output_modalities=["text"]))
    driver.say("hello")
    driver.send(truncate(driver.of("response.output_item.done")[0]["item"]["id"], 0))
    assert driver.errors()[0]["message"] == "Only model output audio messages can be truncated"


def test_an_item_deleted_while_it_is_produced_closes_for_the_response_only():
    driver = Driver()
    driver.send(user_text("tell me a story"), {"type": "response.create"})
    driver.pass_ms(600)
    item_id = driver.of("response.output_item.added")[0]["item"]["id"]
    driver.send(delete(item_id))
    driver.settle()
    assert driver.of("response.done")[0]["response"]["output"][0]["id"] == item_id
    assert [event["item"]["id"] for event in driver.of("conversation.item.done")][1:] == []


def test_retrieval_shows_the_audio_that_was_cut_out():
    driver = Driver(heard=["hello"])
    driver.send(append(silence(1000) + speech(640) + silence(800)))
    item_id = driver.of("input_audio_buffer.committed")[0]["item_id"]
    started = driver.of("input_audio_buffer.speech_started")[0]["audio_start_ms"]
    stopped = driver.of("input_audio_buffer.speech_stopped")[0]["audio_end_ms"]
    part = driver.send(retrieve(item_id))[-1]["item"]["content"][0]
    audio = pybase64.b64decode(part["audio"])
    assert len(audio) == (stopped - started) * 48
    assert audio == driver.utterances[0]


def test_audio_in_a_client_item_is_heard():
    driver = Driver(heard=["what is the weather in rome"])
    content = [{"type": "input_audio", "audio": pybase64.b64encode(speech(500)).decode()}]
    item = {"type": "message", "role": "user", "content": content}
    served = driver.send({"type": "conversation.item.create", "item": item})
    assert "audio" not in served[0]["item"]["content"][0]
    driver.send({"type": "response.create"})
    assert driver.contexts[0].history[0].text == "what is the weather in rome"


def test_old_audio_is_forgotten_first():
    conversation = ItemList(kept_audio_bytes=100)
    for name in ("a", "b", "c"):
        conversation.add(ItemEntry(Message(name, "user", (InputText(name),))))
        conversation.keep_audio(name, bytes(60), 1)
    assert [entry.audio is not None for entry in conversation] == [False, False, True]
    conversation.remove("c")
    conversation.keep_audio("a", bytes(100), 1)
    assert [entry.audio is not None for entry in conversation] == [True, False]
