"""Run and model configuration: defaults, mappings, and what is refused."""

from typing import Any

import pytest

from engine.errors import SettingsError
from engine.secret.value import Secret, SecretFunction
from engine.settings import (
    GuardrailsSettings,
    RealtimeModelConfig,
    RealtimeModelSettings,
    RealtimeRunConfig,
    model_config,
    run_config,
)
from engine.wire.session import Audio, AudioOutput, Session

_VOICE = Session(audio=Audio(output=AudioOutput(voice="ash")))


def test_defaults() -> None:
    assert run_config(None) == run_config({}) == RealtimeRunConfig()
    assert model_config(None) == model_config({}) == RealtimeModelConfig()
    assert RealtimeRunConfig().model_settings == RealtimeModelConfig().initial_model_settings == Session()
    assert RealtimeRunConfig().guardrails_settings.debounce_text_length == 100


def test_a_config_is_itself() -> None:
    run, model = RealtimeRunConfig(raw_model_events=True), RealtimeModelConfig(url="wss://example.test")
    assert run_config(run) is run
    assert model_config(model) is model


def test_run_config_of_a_mapping() -> None:
    config = run_config(
        {
            "model_settings": {"voice": "ash"},
            "output_guardrails": ["a guardrail"],
            "guardrails_settings": {"debounce_text_length": 20},
            "tracing_disabled": True,
            "tool_error_formatter": str,
            "raw_model_events": True,
        }
    )
    assert config == RealtimeRunConfig(
        model_settings=RealtimeModelSettings(voice="ash"),
        output_guardrails=("a guardrail",),
        guardrails_settings=GuardrailsSettings(debounce_text_length=20),
        tracing_disabled=True,
        tool_error_formatter=str,
        raw_model_events=True,
    )
    assert config.model_settings == _VOICE


def test_model_config_of_a_mapping() -> None:
    config = model_config(
        {
            "api_key": lambda: "key",
            "url": "wss://example.test/realtime",
            "headers": {"x": "y"},
            "initial_model_settings": {"voice": "ash"},
            "call_id": "rtc_1",
            "transport": "trio-websocket",
            "ping_interval": None,
            "max_message_size": None,
        }
    )
    assert config.initial_model_settings == _VOICE
    assert (config.transport, config.ping_interval, config.max_message_size) == ("trio-websocket", None, None)


async def _key() -> str:
    return "key"


@pytest.mark.parametrize("api_key", ["key", Secret("key"), lambda: "key", lambda: Secret("key"), _key])
async def test_keys(api_key: Any) -> None:
    key = RealtimeModelConfig(api_key=api_key).api_key
    got = await key.get() if isinstance(key, SecretFunction) else key
    assert isinstance(got, Secret)
    assert got.reveal() == "key"
    assert RealtimeModelConfig(api_key=None).api_key is None


def test_secrets_are_not_in_the_repr() -> None:
    config = RealtimeModelConfig(api_key="hidden", headers={"authorization": "hidden"})
    assert "hidden" not in repr(config)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"modle_settings": {}}, ["run_config.modle_settings: unknown key", "did you mean 'model_settings'?"]),
        ({"model_settings": {"speed": 9}}, ["model_settings.speed: expected at most 1.5"]),
        ({"output_guardrails": "x"}, ["run_config.output_guardrails: expected an array, got 'x'"]),
        ({"guardrails_settings": {"debounce_text_length": 0}}, ["debounce_text_length: expected at least 1"]),
        ({"guardrails_settings": {"length": 5}}, ["guardrails_settings.length: unknown", "debounce_text_length"]),
        ({"guardrails_settings": 5}, ["guardrails_settings: expected a GuardrailsSettings or a mapping, got 5"]),
        ({"tracing_disabled": "yes"}, ["run_config.tracing_disabled: expected a boolean, got 'yes' (a string)"]),
        ({"raw_model_events": 1}, ["run_config.raw_model_events: expected a boolean, got 1 (an integer)"]),
        ({"tool_error_formatter": "x"}, ["run_config.tool_error_formatter: expected a function"]),
        (5, ["run_config: expected a RealtimeRunConfig or a mapping, got 5"]),
    ],
)
def test_run_config_refusal(config: Any, words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        run_config(config)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"api_kee": "sk-secret"}, ["model_config.api_kee: unknown key", "did you mean 'api_key'?"]),
        ({"api_key": b"sk-secret"}, ["model_config.api_key: expected a string or a function"]),
        ({"url": "https://example.test"}, ["model_config.url: expected a ws:// or wss:// URL"]),
        ({"headers": {"x": 5}}, ["model_config.headers.x: expected a string"]),
        ({"headers": "x"}, ["model_config.headers: expected an object"]),
        ({"initial_model_settings": {"voise": "x"}}, ["initial_model_settings.voise: unknown key"]),
        ({"call_id": 5}, ["model_config.call_id: expected a string, got 5"]),
        ({"transport": "sansIO"}, ["model_config.transport", "did you mean 'sansio'?"]),
        ({"connect_timeout": 0}, ["model_config.connect_timeout: expected at least 0.001, got 0"]),
        ({"connect_timeout": None}, ["model_config.connect_timeout: expected a number, got None"]),
        ({"ping_timeout": float("inf")}, ["model_config.ping_timeout: expected a finite number"]),
        ({"max_message_size": 1.5}, ["model_config.max_message_size: expected an integer, got 1.5"]),
    ],
)
def test_model_config_refusal(config: Any, words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        model_config(config)
    for word in words:
        assert word in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("most", [None, 1, 100])
def test_a_bound_of_tool_rounds(most: int | None) -> None:
    assert run_config({"max_tool_rounds": most}).max_tool_rounds == most
    assert RealtimeRunConfig().max_tool_rounds == 12


@pytest.mark.parametrize("most", [0, -1, 1.5, "12", True])
def test_what_is_no_bound_of_tool_rounds(most: Any) -> None:
    with pytest.raises(SettingsError, match=r"run_config\.max_tool_rounds"):
        RealtimeRunConfig(max_tool_rounds=most)
