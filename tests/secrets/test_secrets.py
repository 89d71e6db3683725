"""Secrets in every place where a user can put one are printed and written nowhere, whatever the server does."""

from __future__ import annotations

import logging
from base64 import b64encode
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs
import pytest
import trio
from websockets.exceptions import ConnectionClosed, InvalidState, ProtocolError
from websockets.server import ServerProtocol

from engine import RealtimeAgent, RealtimeModelConfig, RealtimeModelSettings, RealtimeRunner, RealtimeSession
from engine.cli.event_json import event_line
from engine.errors import EngineError, SettingsError
from engine.lab.replay.event_data import event_data
from engine.lab.replay.recording import recorded
from engine.models.openai import OpenAIRealtimeWebSocketModel
from engine.settings import RealtimeRunConfig, model_config
from tests.secrets.places import KEYS, PLACES, Place, Planting, planted
from tests.secrets.printing import Paper
from tests.secrets.servers import SERVERS, Serves
from tests.session.sockets import both_transports
from tests.transport.links import listening
from tests.transport.peer import Peer

PATIENCE = 20
SILENT = logging.Logger("the test's own server", logging.CRITICAL)
KEY_OF_THE_REST = KEYS[0]
TALKATIVE = "a close in the middle"


@attrs.frozen(repr=False)
class Call:
    """One session with secrets in every place, against one server."""

    key: Place
    transport: str
    folder: Path
    paper: Paper = attrs.field(factory=Paper)
    sent: list[str] = attrs.field(factory=list, repr=False)

    @property
    def secrets(self) -> list[str]:
        return [place.secret for place in (self.key, *PLACES)]

    async def hold(self, serves: Serves) -> None:
        async def serve(stream: trio.SocketStream) -> None:
            try:
                await serves(Peer(stream, ServerProtocol(max_size=None, logger=SILENT)), self.secrets, self.sent)
            except (trio.BrokenResourceError, trio.ClosedResourceError, EOFError, ConnectionClosed):
                return
            except (InvalidState, ProtocolError):
                return

        with self.paper.log(), trio.fail_after(PATIENCE):
            async with listening(serve) as port:
                await self.against(f"ws://127.0.0.1:{port}/v1/realtime")
        self.paper.files("folder", self.folder)

    async def against(self, url: str) -> None:
        """Hold the session, and print all there is of it."""
        planting = planted(self.key)
        try:
            session = await self.begun(planting, url)
            self.paper.show("session", session)
            self.paper.show("its insides", vars(session))
            async with session:
                await self.converse(session, planting)
        except (EngineError, ExceptionGroup) as error:
            self.paper.fail("error", error)

    async def begun(self, planting: Planting, url: str) -> RealtimeSession[Any]:
        agent: RealtimeAgent[Any] = RealtimeAgent("Keeper", tools=planting.agent_tools)
        run = {
            "model_settings": planting.settings,
            "raw_model_events": True,
            "latency_log": self.folder / "latency.jsonl",
        }
        config = {
            "url": f"{url}?{'&'.join(planting.query)}",
            "transport": self.transport,
            "initial_model_settings": planting.initial,
            "connect_timeout": 0.3,
            "close_timeout": 0.2,
            **planting.config,
        }
        self.paper.show("run config", RealtimeRunConfig(**run))
        self.paper.show("model settings", RealtimeModelSettings(**planting.settings))
        self.paper.show("model config", RealtimeModelConfig(**config))
        self.paper.show("agent", agent)
        model = recorded(OpenAIRealtimeWebSocketModel(), self.folder / "recording")
        self.paper.show("model", vars(model))
        return await RealtimeRunner(agent, model=model, config=run).run(model_config=config)

    async def converse(self, session: RealtimeSession[Any], planting: Planting) -> None:
        for act in planting.acts:
            try:
                self.paper.show("handle", await act(session))
            except EngineError as error:
                self.paper.fail("error of a call", error)
        await session.commit_audio()
        async for event in session:
            assert isinstance(session.model, type(recorded(session.model, self.folder)))
            session.model.note(event)
            self.paper.show("event", event)
            self.paper.add("event's JSON", event_line(event).decode())
            self.paper.add("event's data", repr(event_data(event)))
            if event.type == "error":
                self.paper.fail("error event", event.error)
        self.paper.show("queues", session.mailboxes)


def assert_hidden(paper: Paper, secrets: list[str]) -> None:
    if shown := paper.holds(secrets):
        pytest.fail("\n".join(shown), pytrace=False)


@both_transports
@pytest.mark.parametrize("name", SERVERS)
async def test_nothing_shows_what_a_server_repeats(name: str, transport: str, tmp_path: Path) -> None:
    call = Call(KEY_OF_THE_REST, transport, tmp_path)
    await call.hold(SERVERS[name])
    assert_hidden(call.paper, call.secrets)
    assert KEY_OF_THE_REST.secret in "".join(call.sent), "the key was sent"


@pytest.mark.parametrize("key", KEYS, ids=lambda place: place.name)
async def test_every_secret_arrives_and_none_is_shown(key: Place, tmp_path: Path) -> None:
    call = Call(key, "sansio", tmp_path)
    await call.hold(SERVERS[TALKATIVE])
    assert_hidden(call.paper, call.secrets)
    wire = "".join(call.sent).replace("\\\\", "\\").replace('\\"', '"')
    for place in (key, *PLACES):
        secret = place.secret
        encoded = b64encode(f"user:{secret}".encode()).decode()
        ways = [secret, quote(secret), quote(secret, safe=""), encoded]
        assert any(way in wire for way in ways) or not place.arrives, place.name
    assert "***" not in wire


@both_transports
async def test_nobody_there(transport: str, tmp_path: Path) -> None:
    call = Call(KEY_OF_THE_REST, transport, tmp_path)
    async with listening(trio.aclose_forcefully) as port:
        pass
    with call.paper.log():
        await call.against(f"ws://127.0.0.1:{port}/v1/realtime")
        await call.against(f"wss://127.0.0.1:{port}/v1/realtime")
    assert len(call.paper.sheets) > len(PLACES)
    assert_hidden(call.paper, call.secrets)


WRONG: dict[str, dict[str, Any]] = {
    "a timeout": {"connect_timeout": -1},
    "an unknown key": {"conect_timeout": 1},
    "a transport": {"transport": "none"},
    "a scheme": {"url": "https://user:{s}@example.test/?key={s}"},
    "no scheme": {"url": "{s}"},
    "a user": {"url": "ws://user:{s}@127.0.0.1:1/?key={s}"},
    "a port": {"url": "ws://127.0.0.1:port/?key={s}"},
    "headers": {"headers": "Authorization: {s}"},
    "a header": {"headers": {"Authorization": "{s}\nX: y"}},
    "a header's type": {"headers": {"Authorization": ["{s}"]}},
    "a key with a line break": {"api_key": "{s}\n{s}"},
    "a key's type": {"api_key": ["{s}"]},
    "a key of bytes": {"api_key": b"sk-1234567890"},
    "another machine": {"url": "ws://example.test/?key={s}"},
    "tools": {"initial_model_settings": {"tools": {"type": "mcp", "authorization": "{s}"}}},
    "a tool": {"initial_model_settings": {"tools": [{"type": "mcp", "authorization": "{s}", "label": "{s}"}]}},
    "a tool without a type": {"initial_model_settings": {"tools": [{"authorization": "{s}"}]}},
    "a tool's headers": {"initial_model_settings": {"tools": [{"type": "mcp", "server_label": "x", "headers": "{s}"}]}},
    "a tool's key": {
        "initial_model_settings": {"tools": [{"type": "mcp", "server_label": "x", "authorization": ["{s}"]}]}
    },
    "settings": {"initial_model_settings": "{s}"},
    "an extra": {"initial_model_settings": {"extra": "{s}"}},
    "an extra that disagrees": {
        "initial_model_settings": {"voice": "ash", "extra": {"audio": {"output": {"voice": "{s}"}}}}
    },
    "an extra format": {"initial_model_settings": {"extra": {"audio": {"input": {"format": {"type": "{s}"}}}}}},
}
"""Settings that are wrong; `{s}` is a secret."""


def filled(value: Any, secret: str) -> Any:
    if isinstance(value, str):
        return value.replace("{s}", secret)
    if isinstance(value, dict):
        return {name: filled(each, secret) for name, each in value.items()}
    return [filled(each, secret) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", WRONG)
async def test_what_is_wrong_is_told_without_secrets(name: str) -> None:
    secret = "Zx9Qw8Er7Ty6Ui5Op4Lk3Jh"
    paper = Paper()
    given = {"api_key": secret, "url": f"ws://127.0.0.1:1/?key={secret}", **filled(WRONG[name], secret)}
    for make in (lambda: RealtimeModelConfig(**given), lambda: model_config(given)):
        try:
            make()
        except (SettingsError, TypeError) as error:
            paper.fail("made", error)
    with pytest.raises((SettingsError, TypeError)) as told:
        async with await RealtimeRunner(RealtimeAgent("A")).run(model_config=given):
            pass
    paper.fail("opened", told.value)
    assert_hidden(paper, [secret, "sk-1234567890"])
