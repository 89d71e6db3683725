"""Responses: conflicts, limits, numbers, and the faults that can be asked for."""

from __future__ import annotations

from engine.local.conversation.replies import CallTool, SayText
from engine.local.settings.faults import (
    EarlyCancelRefused,
    FailedResponse,
    Faults,
    IncompleteResponse,
    LateDeltas,
    OverlappingItems,
    RefusedResponse,
    SilentResponse,
    SplitSpeech,
)
from engine.local.settings.options import LocalOptions
from engine.local.speech.placeholder_synthesizer import tones
from tests.local.driver import Driver, append, order, silence, speech, tool, update, user_text


def failing(*faults) -> LocalOptions:
    return LocalOptions(faults=Faults(of_responses=faults))


def audio_ms(driver: Driver) -> int:
    import pybase64

    deltas = driver.of("response.output_audio.delta")
    return sum(len(pybase64.b64decode(event["delta"])) for event in deltas) // 48


def test_a_second_default_response_is_refused_and_the_first_goes_on():
    driver = Driver()
    driver.send({"type": "response.create"}, {"type": "response.create", "event_id": "mine"})
    error = driver.errors()[0]
    assert (error["code"], error["event_id"]) == ("conversation_already_has_active_response", "mine")
    driver.settle()
    assert driver.of("response.created")[0]["response"]["id"] in error["message"]
    assert driver.of("response.done")[0]["response"]["status"] == "completed"
    driver.send({"type": "response.create"})
    assert len(driver.errors()) == 1


def test_cancelling_nothing_is_harmless():
    driver = Driver()
    driver.send({"type": "response.cancel"}, {"type": "response.cancel", "response_id": "resp_nobody"})
    assert {error["message"] for error in driver.errors()} == {"Cancellation failed: no active response found"}


def test_cancelling_before_the_announcement_still_announces():
    driver = Driver()
    served = driver.send({"type": "response.create"}, {"type": "response.cancel"})
    assert order(served) == ["response.created", "response.done"]
    assert driver.pass_ms(5000) == []


def test_metadata_and_overrides_are_echoed():
    driver = Driver()
    asked = {"metadata": {"topic": "x"}, "output_modalities": ["text"], "max_output_tokens": 100}
    driver.send({"type": "response.create", "response": asked})
    driver.settle()
    for event in (*driver.of("response.created"), *driver.of("response.done")):
        assert {key: event["response"][key] for key in asked} == asked


def test_the_token_limit_cuts_in_the_middle():
    driver = Driver()
    driver.send(update(max_output_tokens=30))
    driver.say("tell me a story")
    response = driver.of("response.done")[0]["response"]
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    assert response["output"][0]["status"] == "incomplete"
    assert 30 <= response["usage"]["output_tokens"] <= 35


def test_usage_counts_both_sides():
    driver = Driver(heard=["hello"])
    driver.send(append(silence(500) + speech(900) + silence(500)))
    driver.settle()
    committed = len(driver.utterances[0]) // 48
    usage = driver.of("response.done")[0]["response"]["usage"]
    assert usage["input_token_details"]["audio_tokens"] == committed // 100
    assert usage["output_token_details"]["audio_tokens"] == -(-audio_ms(driver) // 50)
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["input_token_details"]["cached_tokens"] == 0
    driver.say("thank you")
    again = driver.of("response.done")[1]["response"]["usage"]
    details = again["input_token_details"]
    assert details["cached_tokens"] % 64 == 0
    assert details["cached_tokens"] <= usage["input_tokens"]
    assert sum(details["cached_tokens_details"].values()) == details["cached_tokens"]
    assert details["text_tokens"] + details["audio_tokens"] == again["input_tokens"]


def test_rate_limits_follow_the_response():
    driver = Driver()
    driver.say("hello")
    total = driver.of("response.done")[0]["response"]["usage"]["total_tokens"]
    (limit,) = driver.of("rate_limits.updated")[0]["rate_limits"]
    assert (limit["name"], limit["limit"] - limit["remaining"]) == ("tokens", total)


def test_audio_comes_in_deltas_of_the_usual_size():
    driver = Driver()
    driver.say("tell me a story")
    sizes = [len(event["delta"]) for event in driver.of("response.output_audio.delta")]
    assert sizes[:3] == [6400, 9600, 16000]
    assert set(sizes[2:-1]) == {16000}
    assert audio_ms(driver) > 15_000


def test_text_like_deltas_are_padded_to_sixteen_characters():
    driver = Driver()
    driver.send(update(tools=[tool("get_weather", city="string")]))
    driver.say("hello")
    driver.say("weather in Oslo")
    padded = [
        event for event in driver.events if event["type"].endswith(".delta") and "audio.delta" not in event["type"]
    ]
    assert padded
    assert {(len(event["delta"]) + len(event["obfuscation"])) % 16 for event in padded} == {0}


def test_instructions_and_tools_of_a_response_replace_the_sessions():
    driver = Driver()
    driver.send(update(tools=[tool("get_weather", city="string")], instructions="Be kind."))
    driver.send(user_text("weather in Oslo"))
    driver.send({"type": "response.create", "response": {"tools": [], "instructions": "Be rude."}})
    assert (driver.contexts[0].instructions, driver.contexts[0].tools) == ("Be rude.", ())


def test_an_input_of_its_own():
    driver = Driver()
    driver.send(user_text("hello", id="one"), user_text("weather in Oslo", id="two"))
    reference = {"type": "item_reference", "id": "one"}
    own = user_text("thank you")["item"]
    driver.send({"type": "response.create", "response": {"conversation": "none", "input": [reference, own]}})
    assert [line.text for line in driver.contexts[0].history] == ["hello", "thank you"]
    driver.send({"type": "response.create", "response": {"input": [{"type": "item_reference", "id": "nobody"}]}})
    assert "'nobody' does not exist" in driver.errors()[0]["message"]


def test_an_empty_reply_is_a_response_without_output():
    driver = Driver(reply=lambda _: ())
    driver.say("hello")
    response = driver.of("response.done")[0]["response"]
    assert (response["status"], response["output"]) == ("completed", [])


def test_nothing_is_produced_for_a_response_that_is_over():
    driver = Driver()
    driver.send({"type": "response.create"}, {"type": "response.cancel"})
    assert driver.stopped == [driver.of("response.done")[0]["response"]["id"]]


def test_not_any_number_of_responses():
    driver = Driver()
    driver.send(*[{"type": "response.create", "response": {"conversation": "none", "input": []}}] * 65)
    assert [error["code"] for error in driver.errors()] == ["rate_limit_exceeded"]


# ---------------------------------------------------------------------------------------- faults
def test_a_failed_response():
    driver = Driver(options=failing(FailedResponse(responses=frozenset({1}))))
    driver.say("hello")
    response = driver.of("response.done")[0]["response"]
    assert response["status"] == "failed"
    assert response["status_details"]["error"]["code"] == "rate_limit_exceeded"
    assert driver.errors() == []
    driver.say("hello")
    assert driver.of("response.done")[1]["response"]["status"] == "completed"


def test_a_filtered_response():
    driver = Driver(options=failing(IncompleteResponse(after_tokens=5, reason="content_filter")))
    driver.say("hello")
    response = driver.of("response.done")[0]["response"]
    assert response["status_details"] == {"type": "incomplete", "reason": "content_filter"}


def test_deltas_that_come_too_late():
    driver = Driver(options=failing(LateDeltas(count=2)))
    driver.send(user_text("tell me a story"), {"type": "response.create"})
    driver.pass_ms(800)
    served = driver.send({"type": "response.cancel"})
    kinds = [event["type"] for event in served]
    assert kinds[-3:] == ["response.output_audio.delta", "response.output_audio.delta", "rate_limits.updated"]


def test_a_response_of_which_nothing_comes():
    driver = Driver(options=failing(SilentResponse(responses=frozenset({1}))))
    driver.send({"type": "response.create"})
    assert order(driver.pass_ms(600_000)) == ["response.created"]
    assert order(driver.send({"type": "response.cancel"})) == ["response.done"]


def test_a_refusal_for_no_reason():
    driver = Driver(options=failing(RefusedResponse(responses=frozenset({1}))))
    driver.send({"type": "response.create"})
    assert driver.errors()[0]["code"] == "conversation_already_has_active_response"
    driver.say("hello")
    assert driver.of("response.done")


def test_a_cancel_that_overtakes_the_response():
    driver = Driver(options=failing(EarlyCancelRefused()))
    driver.send({"type": "response.create"}, {"type": "response.cancel"})
    assert driver.errors()[0]["code"] == "response_cancel_not_active"
    driver.pass_ms(100)
    assert order(driver.send({"type": "response.cancel"})) == ["response.done"]


def test_speech_in_several_items():
    driver = Driver(options=failing(SplitSpeech()), reply=lambda _: (SayText("One. Two! Three?"),))
    driver.say("hello")
    output = driver.of("response.done")[0]["response"]["output"]
    assert [item["content"][0]["transcript"] for item in output] == ["One.", "Two!", "Three?"]
    assert audio_ms(driver) == sum(len(tones(text)) for text in ("One.", "Two!", "Three?")) // 48


def test_overlapping_items_close_in_order():
    reply = (SayText("Let me look that up for you."), CallTool("a", "{}"), CallTool("b", '{"x": 1}'))
    driver = Driver(options=failing(OverlappingItems()), reply=lambda _: reply)
    driver.say("hello")
    assert [event["output_index"] for event in driver.of("response.output_item.done")] == [0, 1, 2]
    kinds = [(event["type"], event.get("output_index")) for event in driver.events]
    last_words = len(kinds) - 1 - kinds[::-1].index(("response.output_audio_transcript.delta", 0))
    assert last_words < kinds.index(("response.output_item.added", 1))
    assert kinds.index(("response.output_item.added", 2)) < kinds.index(("response.output_item.done", 0))


def test_a_transcription_that_fails_and_one_that_comes_twice():
    for faults, kind, times in (
        (Faults(transcription_fails=True), "failed", 1),
        (Faults(repeat_transcripts=True), "completed", 2),
    ):
        driver = Driver(LocalOptions(faults=faults), heard=["hello"])
        driver.send(update(audio={"input": {"transcription": {"model": "whisper-1"}}}))
        driver.send(append(speech(900) + silence(500)))
        driver.settle()
        assert len(driver.of(f"conversation.item.input_audio_transcription.{kind}")) == times
        assert driver.of("response.done")[0]["response"]["status"] == "completed"
