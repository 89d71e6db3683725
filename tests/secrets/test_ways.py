"""No key goes where everybody can read it: over an unencrypted connection to another machine, or to a child process."""

from __future__ import annotations

import os
from typing import Any

import pytest
import trio

from engine import RealtimeAgent, RealtimeRunner
from engine.cli.main import main
from engine.errors import ConnectRefused, SettingsError
from engine.local.chat_responder import chat_responder
from engine.local.speech import process
from engine.local.speech.environment import child_environment
from engine.transport.address import is_loopback

KEY = "Zx9Qw8Er7Ty6Ui5Op4"
WITH_KEYS: list[dict[str, Any]] = [
    {"api_key": KEY},
    {"api_key": lambda: pytest.fail("the key was asked for")},
    {"headers": {"Authorization": f"Bearer {KEY}"}},
    {"headers": {"api-key": KEY}},
    {"headers": {"Cookie": KEY}},
    {"url": f"ws://away.test/?api-key={KEY}"},
    {"initial_model_settings": {"tools": [{"type": "mcp", "server_label": "x", "authorization": KEY}]}},
]


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(host: str, port: int, **_: object) -> trio.SocketStream:
        raise OSError(0, f"dialled {host}")

    monkeypatch.setattr(trio, "open_tcp_stream", refuse)


async def opened(**config: Any) -> None:
    async with await RealtimeRunner(RealtimeAgent("A")).run(model_config=config):
        pass


@pytest.mark.parametrize("transport", ["sansio", "trio-websocket"])
@pytest.mark.parametrize("config", WITH_KEYS, ids=range(len(WITH_KEYS)))
async def test_no_key_goes_to_another_machine_unencrypted(config: dict[str, Any], transport: str) -> None:
    given = {"url": "ws://away.test/", "transport": transport, **config}
    with pytest.raises(SettingsError, match="allow_unencrypted_key=True") as refused:
        await opened(**given)
    assert KEY not in str(refused.value)
    if not callable(config.get("api_key")):
        with pytest.raises(ConnectRefused, match="cannot be reached"):
            await opened(**given, allow_unencrypted_key=True)
        with pytest.raises(ConnectRefused, match="cannot be reached"):
            await opened(**{**given, "url": given["url"].replace("ws:", "wss:")})


@pytest.mark.parametrize("config", [{}, {"headers": {"X-Tenant": "a"}}, {"url": "ws://away.test/?model=m"}])
async def test_without_a_key_every_machine_may_be_talked_to(config: dict[str, Any]) -> None:
    with pytest.raises(ConnectRefused, match="cannot be reached"):
        await opened(**{"url": "ws://away.test/", **config})


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("localhost", True),
        ("LocalHost", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost.example.test", False),
        ("mylocalhost", False),
        ("127.0.0.1.example.test", False),
        ("128.0.0.1", False),
        ("0.0.0.0", False),
        ("::2", False),
        ("", False),
    ],
)
def test_which_hosts_are_this_machine(host: str, is_here: bool) -> None:
    assert is_loopback(host) is is_here


@pytest.mark.parametrize(
    ("url", "key"),
    [("http://away.test/v1", KEY), (f"http://u:{KEY}@away.test/v1", None), (f"http://away.test/?k={KEY}", None)],
)
def test_nor_does_the_key_of_another_language_model(url: str, key: str | None) -> None:
    with pytest.raises(SettingsError, match="allow_unencrypted_key") as refused:
        chat_responder(url, "m", api_key=key)
    assert KEY not in str(refused.value)
    chat_responder(url, "m", api_key=key, allow_unencrypted_key=True)
    chat_responder(url.replace("http:", "https:"), "m", api_key=key)


def test_the_command_line_asks_for_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ENGINE_CHAT_KEY", KEY)
    assert main(["serve", "--chat", f"http://user:{KEY}@away.test/v1"]) == 2
    told = capsys.readouterr().err
    assert "--allow-unencrypted-key" in told
    assert KEY not in told


def test_what_a_child_process_gets() -> None:
    given = {"PATH": "/bin", "LC_ALL": "C", "OPENAI_API_KEY": KEY, "MY_TOKEN": KEY, "PYTHONPATH": "x"}
    assert child_environment(given) == {"PATH": "/bin", "LC_ALL": "C", "PYTHONPATH": "x"}


async def test_a_speech_process_has_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    given: list[dict[str, str]] = []

    async def note(*_: object, env: dict[str, str], **__: object) -> trio.Process:
        given.append(env)
        raise OSError("enough")

    monkeypatch.setattr(trio.lowlevel, "open_process", note)
    with pytest.raises(OSError, match="enough"):
        await process.SpeechProcess.start("hear", {})
    assert KEY not in str(given)
    assert given[0]["PATH"] == os.environ["PATH"]
