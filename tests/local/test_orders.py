"""The canonical sequences of the protocol, one test each."""

from __future__ import annotations

import pytest

from tests.local.driver import Driver, order, output, silence, speech, tool, update, user_text

ITEM = ["conversation.item.added", "conversation.item.done"]
SPOKEN = [
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
]
WRITTEN = [
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
]
CALLED = [
    "response.output_item.added",
    "conversation.item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "conversation.item.done",
    "response.output_item.done",
]
END = ["response.done", "rate_limits.updated"]
TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    *ITEM,
]


def test_a_fresh_socket_sees_session_created_and_nothing_else():
    driver = Driver()
    assert order(driver.events) == ["session.created"]
    driver.pass_ms(10_000)
    assert len(driver.events) == 1


def test_text_in_text_out():
    driver = Driver()
    driver.send(update(output_modalities=["text"]))
    assert order(driver.say("hello")) == [*ITEM, "response.created", *WRITTEN, *END]


def test_text_in_audio_out():
    driver = Driver()
    served = driver.say("hello")
    assert order(served) == [*ITEM, "response.created", *SPOKEN, *END]
    kinds = [event["type"] for event in served]
    first_audio = kinds.index("response.output_audio.delta")
    assert kinds[:first_audio].count("response.output_audio_transcript.delta") == 3
    last_words = len(kinds) - 1 - kinds[::-1].index("response.output_audio_transcript.delta")
    assert kinds[last_words:].count("response.output_audio.delta") > 1, "the transcript runs ahead of the audio"


def test_audio_turn_with_server_vad():
    driver = Driver(heard=["hello"])
    driver.send(update(audio={"input": {"transcription": {"model": "gpt-4o-transcribe"}}}))
    served = driver.append(silence(600) + speech(900) + silence(800))
    assert order(served) == TURN
    served = driver.settle()
    assert [kind for kind in order(served) if "transcription" not in kind] == ["response.created", *SPOKEN, *END]
    assert [kind for kind in order(served) if "transcription" in kind] == [
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
    ]
    user = driver.of("input_audio_buffer.speech_started")[0]["item_id"]
    named = [event for event in driver.events if event.get("item_id") == user]
    assert [event["type"] for event in named][:3] == TURN[:3]
    item = driver.of("conversation.item.added")[0]
    assert item["item"] == {
        "id": user,
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_audio", "transcript": None}],
    }


def test_audio_turn_with_manual_commit_asks_for_no_response():
    driver = Driver(heard=["hello"])
    driver.send(update(audio={"input": {"turn_detection": None}}))
    assert driver.append(silence(200) + speech(500)) == []
    assert order(driver.send({"type": "input_audio_buffer.commit"})) == ["input_audio_buffer.committed", *ITEM]
    assert driver.pass_ms(5000) == []
    driver.send({"type": "response.create"})
    assert order(driver.settle()) == ["response.created", *SPOKEN, *END]


def test_a_function_call_and_its_answer():
    driver = Driver()
    driver.send(update(tools=[tool("get_weather", city="string")]))
    served = driver.say("What is the weather in London?")
    assert order(served) == [*ITEM, "response.created", *CALLED, *END]
    done = driver.of("response.function_call_arguments.done")[0]
    assert done["name"] == "get_weather"
    assert done["arguments"] == '{"city": "London"}'
    assert driver.pass_ms(5000) == [], "the server never goes on by itself"
    assert order(driver.send(output(done["call_id"], "It is foggy in London."))) == ITEM
    assert "status" not in driver.events[-1]["item"]
    driver.send({"type": "response.create"})
    assert order(driver.settle()) == ["response.created", *SPOKEN, *END]
    assert driver.of("response.output_audio_transcript.done")[-1]["transcript"] == "It is foggy in London."


def test_parallel_calls_have_items_indices_and_call_ids_of_their_own():
    driver = Driver()
    driver.send(update(tools=[tool("get_weather", city="string")]))
    driver.say("What is the weather in London and in Paris?")
    calls = driver.of("response.done")[0]["response"]["output"]
    assert [call["arguments"] for call in calls] == ['{"city": "London"}', '{"city": "Paris"}']
    assert len({call["call_id"] for call in calls}) == 2
    assert [event["output_index"] for event in driver.of("response.output_item.done")] == [0, 1]


def test_items_of_the_newest_models_overlap_and_those_of_older_ones_follow():
    from engine.local.conversation.replies import CallTool, SayText

    def reply(_):
        return (SayText("Let me look."), CallTool("get_weather", '{"city": "Oslo"}'))

    for model, overlap in (("gpt-realtime", False), ("gpt-realtime-2.1", True)):
        driver = Driver(model=model, reply=reply)
        driver.send(update(tools=[tool("get_weather", city="string")], output_modalities=["text"]))
        driver.say("weather?")
        kinds = [event["type"] for event in driver.events]
        assert (
            kinds.index("response.function_call_arguments.delta") < kinds.index("response.output_text.done")
        ) is overlap
        assert [item["type"] for item in driver.of("response.done")[0]["response"]["output"]] == [
            "message",
            "function_call",
        ]
        assert driver.of("response.done")[0]["response"]["output"][0].get("phase") == (
            "commentary" if overlap else None
        )


def test_barge_in_before_any_output():
    driver = Driver(heard=["hello", "wait"])
    driver.append(silence(600) + speech(900) + silence(800))
    driver.pass_ms(50)
    served = driver.append(speech(400))
    assert order(served) == ["input_audio_buffer.speech_started", "response.done"]
    response = served[-1]["response"]
    assert (response["status"], response["status_details"]["reason"]) == ("cancelled", "turn_detected")
    assert response["output"] == []
    assert response["usage"]["total_tokens"] == 0


def test_barge_in_while_audio_is_generated():
    driver = Driver(heard=["tell me a story", "wait"])
    driver.append(silence(600) + speech(900) + silence(800))
    driver.pass_ms(1500)
    said = "".join(event["delta"] for event in driver.of("response.output_audio_transcript.delta"))
    served = driver.append(speech(400))
    assert order(served) == [
        "input_audio_buffer.speech_started",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    response = served[-2]["response"]
    assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert response["output"][0]["status"] == "incomplete"
    assert response["output"][0]["content"] == [{"type": "output_audio", "transcript": said}]
    assert response["usage"]["output_token_details"]["audio_tokens"] > 0
    after = driver.append(silence(800))
    assert order(after)[:2] == TURN[1:3]
    assert after[1]["previous_item_id"] == response["output"][0]["id"]


def test_speech_after_the_end_of_a_response_only_announces_itself():
    driver = Driver(heard=["hello", "yes"])
    driver.append(silence(600) + speech(900) + silence(800))
    driver.settle()
    assert order(driver.append(speech(400))) == ["input_audio_buffer.speech_started"]


def test_barge_in_without_interrupt_response_leaves_the_response_alone():
    driver = Driver(heard=["tell me a story", "wait"])
    driver.send(update(audio={"input": {"turn_detection": {"type": "server_vad", "interrupt_response": False}}}))
    driver.append(silence(600) + speech(900) + silence(800))
    driver.pass_ms(1000)
    served = driver.append(speech(500) + silence(800))
    assert [event["type"] for event in served] == [*TURN, "error"]
    assert served[-1]["error"]["code"] == "conversation_already_has_active_response"
    assert served[-1]["error"]["event_id"] is None
    driver.settle()
    assert driver.of("response.done")[0]["response"]["status"] == "completed"


def test_vad_without_create_response_commits_only():
    driver = Driver(heard=["hello"])
    driver.send(update(audio={"input": {"turn_detection": {"type": "server_vad", "create_response": False}}}))
    assert order(driver.append(silence(600) + speech(900) + silence(800))) == TURN
    assert driver.pass_ms(5000) == []


def test_cancel_while_audio_is_generated():
    driver = Driver()
    driver.send(user_text("tell me a story"), {"type": "response.create"})
    driver.pass_ms(1000)
    served = driver.send({"type": "response.cancel"})
    assert order(served)[-3:] == ["response.output_item.done", *END]
    assert served[-2]["response"]["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert driver.pass_ms(10_000) == []


def test_out_of_band_responses_leave_the_conversation_alone_and_run_beside_it():
    driver = Driver(heard=["wait"])
    driver.send(user_text("tell me a story"), {"type": "response.create"})
    aside = {
        "conversation": "none",
        "metadata": {"topic": "aside"},
        "output_modalities": ["text"],
        "instructions": 'Say exactly: "billing"',
        "input": [],
    }
    driver.send({"type": "response.create", "response": aside}, {"type": "response.create", "response": aside})
    driver.pass_ms(900)
    own = [event for event in driver.of("response.created") if event["response"]["metadata"]]
    assert len(own) == 2
    assert own[0]["response"]["conversation_id"] is None
    ids = {event["response"]["id"] for event in own}
    done = [event for event in driver.of("response.done") if event["response"]["id"] in ids]
    assert [event["response"]["metadata"] for event in done] == [{"topic": "aside"}] * 2
    assert done[0]["response"]["output"][0]["content"] == [{"type": "output_text", "text": "billing"}]
    assert len(driver.of("conversation.item.added")) == 2, "the user's message and the story's"
    driver.settle()


def test_speech_does_not_cancel_an_out_of_band_response():
    driver = Driver(heard=["wait"])
    driver.send({"type": "response.create", "response": {"conversation": "none", "input": []}})
    driver.pass_ms(220)
    driver.append(speech(400))
    assert driver.of("response.done") == []
    driver.settle()
    assert driver.of("response.done")[0]["response"]["status"] == "completed"


def test_out_of_band_responses_are_cancelled_by_id():
    driver = Driver()
    driver.send({"type": "response.create", "response": {"conversation": "none", "input": []}})
    driver.pass_ms(220)
    driver.send({"type": "response.cancel"})
    assert driver.errors()[0]["code"] == "response_cancel_not_active"
    response_id = driver.of("response.created")[0]["response"]["id"]
    served = driver.send({"type": "response.cancel", "response_id": response_id})
    assert served[-2]["response"]["status"] == "cancelled"


def test_idle_timeout_commits_the_silence_and_responds():
    driver = Driver()
    driver.send(update(audio={"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}}))
    driver.say("hello")
    spoken_ms = sum(len(event["delta"]) for event in driver.of("response.output_audio.delta")) * 3 // 4 // 48
    served = driver.append(silence(4000 + spoken_ms), step_ms=20)
    assert served == []
    served = driver.append(silence(1200), step_ms=20)
    assert order(served)[:5] == [
        "input_audio_buffer.timeout_triggered",
        "input_audio_buffer.committed",
        *ITEM,
        "response.created",
    ]
    assert served[0]["audio_end_ms"] - served[0]["audio_start_ms"] == pytest.approx(5000, abs=50)
    assert served[0]["item_id"] == served[1]["item_id"]
    driver.settle()
    assert len(driver.of("input_audio_buffer.timeout_triggered")) == 1


def test_history_can_be_seeded_without_waiting():
    driver = Driver()
    assistant = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello."}]}
    call = {"type": "function_call", "name": "get_weather", "call_id": "call_1", "arguments": "{}"}
    served = driver.send(
        user_text("hello"),
        {"type": "conversation.item.create", "item": assistant},
        {"type": "conversation.item.create", "item": call},
        output("call_1", "sunny"),
    )
    assert [event["type"] for event in served] == ITEM * 4
    chain = [event["previous_item_id"] for event in served[::2]]
    assert chain == [None, *[event["item"]["id"] for event in served[:-2:2]]]


def test_transcription_sessions_never_respond():
    driver = Driver(transcription=True, heard=["hello"])
    created = driver.events[0]["session"]
    assert list(created) == ["type", "object", "id", "expires_at", "audio", "include"]
    assert created["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 200,
    }
    session = {"type": "transcription", "audio": {"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}}}}
    driver.send({"type": "session.update", "session": session})
    driver.append(speech(1600) + silence(800))
    driver.pass_ms(3000)
    assert order(driver.events)[2:] == [
        *TURN,
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
    ]
    driver.send({"type": "response.create"})
    assert driver.errors()


def test_after_an_hour_the_session_expires():
    driver = Driver()
    expires = driver.events[0]["session"]["expires_at"]
    driver.pass_ms(3_599_999)
    assert driver.hung_up is None
    served = driver.pass_ms(1)
    assert [event["error"]["code"] for event in served] == ["session_expired"]
    assert driver.hung_up is not None
    assert (driver.hung_up.code, driver.hung_up.reason) == (
        1001,
        "Your session hit the maximum duration of 60 minutes.",
    )
    assert expires == driver.machine._ids.unix_s(driver.now)
    assert driver.send({"type": "response.create"}) == []
