"""Every place where a user can put a secret: a line each. What is planted here must be printed and written nowhere."""

from __future__ import annotations

import functools
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import attrs

from engine import RealtimeSession
from engine.secret.value import Secret
from engine.wire.response import ResponseParams
from engine.wire.session import McpTool, Session

Act = Callable[[RealtimeSession[Any]], Awaitable[object]]


@attrs.define
class Planting:
    """What a session is made of, with secrets in it."""

    config: dict[str, Any] = attrs.field(factory=lambda: {"headers": {"User-Agent": "tests"}})
    settings: dict[str, Any] = attrs.field(factory=lambda: {"tools": [], "extra": {"tools": [], "vendor": {}}})
    initial: dict[str, Any] = attrs.field(factory=lambda: {"extra": {}})
    agent_tools: list[McpTool] = attrs.field(factory=list)
    acts: list[Act] = attrs.field(factory=list)
    query: list[str] = attrs.field(factory=list)

    def header(self, name: str, value: str | Secret) -> None:
        self.config["headers"][name] = value


@attrs.frozen
class Place:
    name: str
    plant: Callable[[Planting, str], object]
    arrives: bool = True
    """Whether the server is sent it, at the latest when the session has begun."""

    @property
    def secret(self) -> str:
        """A secret that is nowhere else, with what has to be escaped in one form or another."""
        digest = b64encode(sha256(self.name.encode()).digest()).decode().replace("/", "~").replace("+", "'")
        return f"{'ek_' if 'ephemeral' in self.name else ''}{digest[:14]}{self.odd}{digest[14:30]}"

    @property
    def odd(self) -> str:
        return "~" if self.name.startswith(("header", "key", "url")) else '"/%\\'


def mcp(label: str, **fields: Any) -> dict[str, Any]:
    return {"type": "mcp", "server_label": label, **fields}


def updates(settings: Mapping[str, Any]) -> Act:
    return lambda session: session.update_settings(settings)


def asks_with_extra(secret: str) -> Act:
    return lambda session: session.respond(params=ResponseParams(extra={"vendor": {"token": secret}}))


def asks_with_tool(secret: str) -> Act:
    params = ResponseParams(tools=(McpTool("asked", authorization=secret),), conversation="none")
    return lambda session: session.respond(params=params, out_of_band=True)


def sends(payload: Mapping[str, Any]) -> Act:
    return lambda session: session.send_event(payload)


def basic(secret: str) -> str:
    return "Basic " + b64encode(f"user:{secret}".encode()).decode()


async def later(secret: str) -> str:
    return secret


KEYS = [
    Place("key: a text", lambda p, s: p.config.update(api_key=s)),
    Place("key: a Secret", lambda p, s: p.config.update(api_key=Secret(s))),
    Place("key: of a function", lambda p, s: p.config.update(api_key=lambda: s)),
    Place("key: of a partial function", lambda p, s: p.config.update(api_key=functools.partial(str, s))),
    Place("key: of an async function", lambda p, s: p.config.update(api_key=functools.partial(later, s))),
    Place("key: ephemeral", lambda p, s: p.config.update(api_key=s)),
    Place("header: Authorization", lambda p, s: p.header("Authorization", f"Bearer {s}")),
    Place("header: Authorization, basic", lambda p, s: p.header("Authorization", basic(s))),
    Place("header: api-key", lambda p, s: p.header("api-key", s)),
    Place("header: X-API-Key", lambda p, s: p.header("X-API-Key", Secret(s))),
]
"""Places of which a session has one."""

PLACES = [
    Place("header: Cookie", lambda p, s: p.header("Cookie", f"theme=dark; session={s}")),
    Place("header: Proxy-Authorization", lambda p, s: p.header("Proxy-Authorization", basic(s))),
    Place("header: another", lambda p, s: p.header("X-Anything", s)),
    Place("url: query", lambda p, s: p.query.append(f"api-key={quote(s)}")),
    Place("url: query, without a name", lambda p, s: p.query.append(quote(s))),
    Place("url: query, by a harmless name", lambda p, s: p.query.append(f"region={quote(s)}")),
    Place("settings: mcp authorization", lambda p, s: p.settings["tools"].append(mcp("a", authorization=s))),
    Place("settings: mcp headers", lambda p, s: p.settings["tools"].append(mcp("b", headers={"X": s}))),
    Place("settings: mcp server_url", lambda p, s: p.settings["tools"].append(mcp("c", server_url=at(s)))),
    Place("settings: mcp user", lambda p, s: p.settings["tools"].append(mcp("d", server_url=of_user(s)))),
    Place("settings: mcp, a Secret", lambda p, s: p.settings["tools"].append(mcp("e", authorization=Secret(s)))),
    Place("settings: extra", lambda p, s: p.settings["extra"].update(vendor_token=s)),
    Place("settings: extra, within", lambda p, s: p.settings["extra"]["vendor"].update(deep=[{"er": {"key": s}}])),
    Place("settings: extra, a tool", lambda p, s: p.settings["extra"]["tools"].append(mcp("f", authorization=s))),
    Place("settings: extra, headers", lambda p, s: p.settings["extra"]["tools"].append(mcp("g", headers={"k": s}))),
    Place("initial: extra", lambda p, s: p.initial["extra"].update(first_token=s)),
    Place("initial: extra, within", lambda p, s: p.initial["extra"].update(deep=[{"er": s}])),
    Place("agent: mcp authorization", lambda p, s: p.agent_tools.append(McpTool("i", authorization=s))),
    Place("agent: mcp headers", lambda p, s: p.agent_tools.append(McpTool("j", headers={"Authorization": s}))),
    Place("agent: mcp server_url", lambda p, s: p.agent_tools.append(McpTool("k", server_url=at(s)))),
    Place("update_settings: extra", lambda p, s: p.acts.append(lambda x: x.update_settings(extra={"token": s}))),
    Place(
        "update_settings: within", lambda p, s: p.acts.append(lambda x: x.update_settings({"extra": {"a": {"b": s}}}))
    ),
    Place("respond: extra", lambda p, s: p.acts.append(asks_with_extra(s)), arrives=False),
    Place("respond: a tool", lambda p, s: p.acts.append(asks_with_tool(s))),
    Place("send_event: a tool", lambda p, s: p.acts.append(sends(update(mcp("l", authorization=s))))),
    Place("send_event: headers", lambda p, s: p.acts.append(sends(update(mcp("m", headers={"X-Key": s}))))),
    Place("send_event: server_url", lambda p, s: p.acts.append(sends(update(mcp("n", server_url=at(s)))))),
    Place("send_event: an object", lambda p, s: p.acts.append(sends_object(s))),
]
"""Places that all of them have."""


def at(secret: str) -> str:
    return f"https://mcp.example.test/sse?token={quote(secret, safe='')}"


def of_user(secret: str) -> str:
    return f"https://somebody:{quote(secret, safe='')}@mcp.example.test/sse"


def update(tool: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "session.update", "session": {"type": "realtime", "tools": [tool]}}


def sends_object(secret: str) -> Act:
    from engine.wire.client_events import SessionUpdate

    return lambda session: session.send_event(SessionUpdate(Session(extra={"sent_token": secret})))


def planted(*keys: Place) -> Planting:
    """Return what a session is made of that has a secret in every place."""
    planting = Planting()
    for place in (*keys, *PLACES):
        place.plant(planting, place.secret)
    return planting
