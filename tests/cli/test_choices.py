"""What --model and --agent mean, and what is said of those that mean nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.cli.agent_choice import load_agent
from engine.cli.demo import billing, customer_service
from engine.cli.exit_status import CommandFailed, ExitStatus
from engine.cli.failures import status_of
from engine.cli.model_choice import choose_model
from engine.errors import (
    AuthenticationError,
    ConnectRefused,
    EngineError,
    ModelNotFound,
    SettingsError,
    TransportClosed,
    TransportLost,
)

KEYS = {"OPENAI_API_KEY": "sk-openai", "ENGINE_API_KEY": "other"}

# --- models


def test_the_local_model_needs_nothing() -> None:
    assert choose_model("local", {}).kind == "local"


def test_openai_by_name() -> None:
    choice = choose_model("openai:gpt-realtime-2.1", KEYS)
    assert (choice.kind, choice.model_name, choice.url, choice.api_key) == (
        "remote", "gpt-realtime-2.1", None, "sk-openai",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("url", "key", "name"),
    [
        ("ws://127.0.0.1:8765/v1/realtime", "other", "127.0.0.1:8765"),
        ("wss://voice.example.org/v1/realtime", "other", "voice.example.org"),
        ("wss://api.openai.com/v1/realtime?model=x", "sk-openai", "api.openai.com"),
        ("wss://eu.api.openai.com/v1/realtime", "sk-openai", "eu.api.openai.com"),
        ("wss://notopenai.com/v1/realtime", "other", "notopenai.com"),
    ],
)
def test_openai_s_key_goes_to_openai_only(url: str, key: str, name: str) -> None:
    choice = choose_model(url, KEYS)
    assert (choice.url, choice.api_key, choice.name) == (url, key, name)
    assert key not in repr(choice)


def test_azure_has_a_header_of_its_own() -> None:
    choice = choose_model("wss://mine.openai.azure.com/openai/v1/realtime", KEYS)
    assert (choice.api_key, choice.headers) == (None, {"api-key": "other"})


def test_a_server_without_encryption_needs_no_key_and_never_gets_openai_s() -> None:
    assert choose_model("ws://127.0.0.1:1/v1/realtime", {"OPENAI_API_KEY": "sk-openai"}).api_key is None


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("openai:gpt-realtime", ExitStatus.NO_KEY, "set OPENAI_API_KEY"),
        ("wss://api.openai.com/v1/realtime", ExitStatus.NO_KEY, "set OPENAI_API_KEY"),
        ("wss://voice.example.org/v1/realtime", ExitStatus.NO_KEY, "set ENGINE_API_KEY"),
        ("openai:", ExitStatus.UNKNOWN_MODEL, "no model 'openai:'"),
        ("gpt-realtime-2.1", ExitStatus.UNKNOWN_MODEL, "did you mean openai:gpt-realtime-2.1?"),
        ("https://host/v1/realtime", ExitStatus.UNKNOWN_MODEL, "did you mean wss://host/v1/realtime?"),
        ("locale", ExitStatus.UNKNOWN_MODEL, "'local', 'openai:NAME'"),
        ("wss://", ExitStatus.USAGE, "not a URL"),
        ("wss://host:notaport/", ExitStatus.USAGE, "not a URL"),
    ],
)
def test_models_that_cannot_be_used(text: str, status: ExitStatus, words: str) -> None:
    with pytest.raises(CommandFailed) as failed:
        choose_model(text, {})
    assert failed.value.status is status
    assert words in str(failed.value)


# --- agents


def test_an_agent_from_a_module() -> None:
    assert load_agent("engine.cli.demo:customer_service") is customer_service


FILE = """
from engine.agents.agent import RealtimeAgent
import helper_beside_it

reception = RealtimeAgent("Reception", instructions=helper_beside_it.WORDS)

def make():
    return reception

class Desk:
    agent = reception

def fail():
    raise RuntimeError("no\\nsuch thing")

number = 4
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shop.py").write_text(FILE)
    (tmp_path / "helper_beside_it.py").write_text("WORDS = 'Hello.'")
    monkeypatch.syspath_prepend(str(tmp_path.parent))
    return tmp_path / "shop.py"


@pytest.mark.parametrize("name", ["reception", "make", "Desk.agent"])
def test_an_agent_from_a_file(shop: Path, name: str) -> None:
    agent = load_agent(f"{shop}:{name}")
    assert (agent.name, agent.instructions) == ("Reception", "Hello.")


def test_an_agent_from_a_module_in_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "desk_of_this_test.py").write_text("from engine.cli.demo import billing as desk")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    assert load_agent("desk_of_this_test:desk") is billing


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("reception", "expected module:name"),
        ("shop.py:", "expected module:name"),
        ("no_such_module_here:x", "cannot be imported: ModuleNotFoundError"),
        ("engine.cli.demo:custmer_service", "did you mean 'customer_service'?"),
        ("engine.cli.demo:zzz", "its agents are billing, customer_service"),
        ("engine.errors:zzz", "there is no RealtimeAgent in it"),
        ("engine.cli.demo:SCRIPT", "that is a tuple, not a RealtimeAgent"),
        ("engine.cli.demo:Shop", "that is a type, not a RealtimeAgent"),
    ],
)
def test_agents_that_cannot_be_used(spec: str, words: str) -> None:
    with pytest.raises(CommandFailed) as failed:
        load_agent(spec)
    assert failed.value.status is ExitStatus.BAD_AGENT
    assert words in str(failed.value)


def test_a_function_that_fails_to_make_an_agent(shop: Path) -> None:
    with pytest.raises(CommandFailed, match=r"calling it failed: RuntimeError: no$"):
        load_agent(f"{shop}:fail")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed) as failed:
        load_agent(f"{tmp_path}/nothing.py:agent")
    assert failed.value.status is ExitStatus.NO_SUCH_FILE


def test_a_module_that_breaks(tmp_path: Path) -> None:
    broken = tmp_path / "broken_on_purpose.py"
    broken.write_text("1 / 0")
    with pytest.raises(CommandFailed, match="ZeroDivisionError: division by zero"):
        load_agent(f"{broken}:agent")


# --- servers that wait


@pytest.mark.parametrize("model", ["ws://127.0.0.1:1/v1/realtime", "wss://example.org/realtime", "openai:gpt-realtime"])
def test_a_server_that_waits_is_not_waited_for(model: str) -> None:
    assert choose_model(model, KEYS).capabilities.announces_session
    assert not choose_model(model, KEYS, server_waits=True).capabilities.announces_session


def test_the_local_model_waits_for_nobody() -> None:
    with pytest.raises(CommandFailed, match="--server-waits goes with --model") as failed:
        choose_model("local", KEYS, server_waits=True)
    assert failed.value.status is ExitStatus.USAGE


# --- errors


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AuthenticationError("no"), ExitStatus.KEY_REFUSED),
        (ModelNotFound("no"), ExitStatus.UNKNOWN_MODEL),
        (ConnectRefused("no"), ExitStatus.UNREACHABLE),
        (ConnectRefused("no", status=503), ExitStatus.UNREACHABLE),
        (SettingsError("no"), ExitStatus.USAGE),
        (TransportClosed(code=1011), ExitStatus.FAILED),
        (TransportLost("gone"), ExitStatus.FAILED),
    ],
)
def test_every_failure_has_its_status(error: EngineError, status: ExitStatus) -> None:
    assert status_of(error) is status


def test_statuses_are_distinct_and_explained() -> None:
    assert len({status.meaning for status in ExitStatus}) == len(ExitStatus)
