"""Settings: merged, filled with defaults, echoed whole, or refused whole."""

from __future__ import annotations

from typing import Any

import pytest

from engine.local.conversation.session_settings import DEFAULT_INSTRUCTIONS
from tests.local.driver import Driver, tool, update


def session(driver: Driver) -> dict[str, Any]:
    return driver.events[-1]["session"]


def test_only_what_is_named_changes():
    driver = Driver()
    before = session(driver)
    driver.send(update(audio={"output": {"speed": 1.25}}, tools=[tool("get_weather", city="string")]))
    after = session(driver)
    assert after["audio"]["output"] == {**before["audio"]["output"], "speed": 1.25}
    assert after["audio"]["input"] == before["audio"]["input"]
    assert after["tools"][0]["name"] == "get_weather"
    assert list(after) == list(before)


def test_a_partial_turn_detection_gets_its_defaults_again():
    driver = Driver()
    driver.send(
        update(
            audio={"input": {"turn_detection": {"type": "server_vad", "threshold": 0.9, "silence_duration_ms": 900}}}
        )
    )
    driver.send(update(audio={"input": {"turn_detection": {"type": "server_vad"}}}))
    assert session(driver)["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 200,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    }
    driver.send(update(audio={"input": {"turn_detection": {"type": "semantic_vad"}}}))
    assert session(driver)["audio"]["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": True,
        "interrupt_response": True,
    }


def test_clearing():
    driver = Driver()
    driver.send(update(instructions="Be brief.", audio={"input": {"transcription": {"model": "whisper-1"}}}))
    assert session(driver)["audio"]["input"]["transcription"] == {
        "model": "whisper-1",
        "language": None,
        "prompt": None,
    }
    nothing = {"transcription": None, "turn_detection": None, "noise_reduction": None}
    driver.send(update(instructions="", tools=[], audio={"input": nothing}))
    assert session(driver)["instructions"] == DEFAULT_INSTRUCTIONS
    audio = session(driver)["audio"]["input"]
    assert {key: audio[key] for key in nothing} == nothing


def test_the_models_differ_as_the_services_do():
    old, new = Driver(model="gpt-realtime"), Driver(model="gpt-realtime-2.1")
    assert session(old)["audio"]["output"]["voice"] == "alloy"
    assert session(new)["audio"]["output"]["voice"] == "marin"
    assert session(new)["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 500
    new.send(update(reasoning={"effort": "low"}, parallel_tool_calls=False))
    assert session(new)["reasoning"] == {"effort": "low"}
    old.send(update(reasoning={"effort": "low"}))
    assert old.errors()[0]["param"] == "session.reasoning"


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"voice": "alloy"}, "unknown_parameter", "session.voice"),
        ({"audio": {"input": {"format": "pcm16"}}}, "invalid_type", "session.audio.input.format"),
        (
            {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}},
            "integer_below_min_value",
            "session.audio.input.format.rate",
        ),
        ({"audio": {"output": {"voice": "nobody"}}}, "invalid_value", "session.audio.output.voice"),
        ({"output_modalities": ["text", "audio"]}, "invalid_value", "session.output_modalities"),
        ({"parallel_tool_calls": True}, "invalid_parameter", "session.parallel_tool_calls"),
        ({"max_output_tokens": 5000}, "invalid_value", "session.max_output_tokens"),
    ],
)
def test_one_wrong_member_refuses_the_whole(change: dict[str, Any], code: str, param: str):
    driver = Driver()
    served = driver.send({**update(instructions="Be brief.", **change), "event_id": "mine"})
    assert [event["type"] for event in served] == ["error"]
    assert (served[0]["error"]["code"], served[0]["error"]["param"]) == (code, param)
    driver.send(update())
    assert session(driver)["instructions"] == DEFAULT_INSTRUCTIONS


def test_a_session_keeps_its_type():
    driver = Driver()
    driver.send({"type": "session.update", "session": {"instructions": "x"}})
    driver.send({"type": "session.update", "session": {"type": "transcription"}})
    assert [(error["code"], error["param"]) for error in driver.errors()] == [
        ("missing_required_parameter", "session.type"),
        ("invalid_parameter", "session.type"),
    ]


def test_the_voice_is_fixed_once_it_was_heard():
    driver = Driver()
    driver.send(update(audio={"output": {"voice": "echo"}}))
    driver.say("hello")
    driver.send(update(audio={"output": {"voice": "echo", "speed": 0.9}}))
    assert not driver.errors()
    driver.send(update(instructions="x", audio={"output": {"voice": "ash"}}))
    assert driver.errors()[0]["code"] == "cannot_update_voice"
    driver.send({"type": "response.create", "response": {"audio": {"output": {"voice": "ash"}}}})
    assert driver.errors()[1]["code"] == "cannot_update_voice"
    aside = {"conversation": "none", "audio": {"output": {"voice": "ash"}}}
    driver.send({"type": "response.create", "response": aside})
    driver.settle()
    assert driver.of("response.done")[-1]["response"]["audio"]["output"]["voice"] == "ash"


def test_a_session_keeps_its_model():
    driver = Driver()
    driver.send(update(model="another", instructions="Be brief."))
    assert (session(driver)["model"], session(driver)["instructions"]) == ("gpt-realtime", "Be brief.")


def test_tracing_is_frozen_once_it_is_on():
    driver = Driver()
    driver.send(update(tracing="auto"), update(tracing="auto"), update(tracing=None))
    assert [error["param"] for error in driver.errors()] == ["session.tracing"]


def test_a_running_response_keeps_the_settings_it_began_with():
    driver = Driver()
    driver.send({"type": "response.create"})
    driver.pass_ms(100)
    driver.send(update(output_modalities=["text"], max_output_tokens=1))
    driver.settle()
    response = driver.of("response.done")[0]["response"]
    assert (response["output_modalities"], response["max_output_tokens"], response["status"]) == (
        ["audio"],
        "inf",
        "completed",
    )


def test_mcp_servers_cannot_be_reached():
    driver = Driver()
    shop = {"type": "mcp", "server_label": "shop", "server_url": "https://example.com/mcp"}
    served = driver.send(update(tools=[shop]), update(tools=[shop, tool("get_weather")]))
    assert [event["type"] for event in served] == [
        "session.updated",
        "mcp_list_tools.in_progress",
        "mcp_list_tools.failed",
        "session.updated",
    ]
    driver.send(update(tools=[shop, shop]))
    assert driver.errors()[0]["param"] == "session.tools"
