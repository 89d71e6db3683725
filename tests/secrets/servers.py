"""Servers that repeat every secret they were sent, in each way there is."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from html import escape
from urllib.parse import quote

import orjson
import trio
from websockets.http11 import Request

from engine.wire.server_events import ErrorDetail, ErrorEvent
from tests.secrets.printing import forms
from tests.session.sockets import CREATED, text_of
from tests.transport.peer import Peer

Repeats = Sequence[str]
Serves = Callable[[Peer, Repeats, list[str]], Awaitable[None]]
"""Serves one connection: what it knows, and where it notes what it was sent."""

LONGEST_REASON = 123


def told(secrets: Repeats) -> str:
    """Return all secrets in one text: whole, cut, starred out, encoded."""
    ways: list[Callable[[str], str]] = [
        str,
        repr,
        str.upper,
        escape,
        quote,
        lambda s: quote(s, safe="").lower(),
        lambda s: json.dumps(s),
        lambda s: s[:12],
        lambda s: s[-12:],
        lambda s: f"{s[:10]}****{s[-4:]}",
        lambda s: f"{s[:3]}...{s[-4:]}",
        lambda s: f"********{s[-10:]}",
        lambda s: b64encode(s.encode()).decode(),
        lambda s: b64encode(f"user:{s}".encode()).decode(),
        lambda s: b64encode(f":{s}".encode()).decode(),
    ]
    return " ".join(f"<{way(secret)}>" for secret in secrets for way in ways)


def known(secrets: Repeats, sent: Sequence[str]) -> list[str]:
    """Return those secrets that a server has been sent."""
    return [secret for secret in secrets if any(form in text for form in forms(secret) for text in sent)]


async def read(peer: Peer, sent: list[str]) -> None:
    """Accept, and note the handshake."""
    note(await peer.accept(), sent)


def note(request: Request, sent: list[str]) -> None:
    sent.append(f"{request.path} {list(request.headers.raw_items())}")


def answers(status: str, *, length: bool = True) -> Serves:
    async def serve(peer: Peer, secrets: Repeats, sent: list[str]) -> None:
        note(await peer.request(), sent)
        body = told(known(secrets, sent)).encode()
        size = f"Content-Length: {len(body)}\r\n" if length else ""
        head = f"HTTP/1.1 {status}\r\n{size}X-Key: {secrets[0]}\r\nLocation: /elsewhere?key={quote(secrets[0])}\r\n\r\n"
        await peer.write(head.encode() + body)
        await until_gone(peer)

    return serve


def bad_handshake(header: str) -> Serves:
    async def serve(peer: Peer, secrets: Repeats, sent: list[str]) -> None:
        note(await peer.request(), sent)
        fields = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": "x", header: secrets[0]}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        await peer.write(f"HTTP/1.1 101 Switching\r\n{lines}\r\n".encode())
        await until_gone(peer)

    return serve


async def no_http(peer: Peer, secrets: Repeats, sent: list[str]) -> None:
    note(await peer.request(), sent)
    await peer.write(f"220 {told(secrets[:1])}\r\n\r\n".encode())
    await peer.stream.send_eof()
    await until_gone(peer)


async def never_answers(peer: Peer, secrets: Repeats, sent: list[str]) -> None:
    note(await peer.request(), sent)
    await trio.sleep_forever()


async def never_greets(peer: Peer, secrets: Repeats, sent: list[str]) -> None:
    await read(peer, sent)
    await trio.sleep_forever()


async def dies(peer: Peer, secrets: Repeats, sent: list[str]) -> None:
    await read(peer, sent)
    peer.vanish()


async def turns_away(peer: Peer, secrets: Repeats, sent: list[str]) -> None:
    await read(peer, sent)
    secrets = known(secrets, sent)
    await peer.say(error(told(secrets)), "no JSON: " + told(secrets))
    await peer.say_goodbye(3000, f"invalid: {secrets[0]} and {secrets[-1]}"[:LONGEST_REASON])
    await peer.hear_goodbye()


def error(text: str) -> str:
    return text_of(ErrorEvent(ErrorDetail("invalid_request_error", text, "invalid_value", param=text)))


def converses(way: Callable[[Peer, Repeats], Awaitable[None]]) -> Serves:
    async def serve(peer: Peer, secrets: Repeats, sent: list[str]) -> None:
        await read(peer, sent)
        await peer.say(CREATED)
        while True:
            message = await peer.hear()
            sent.append(message)
            event = orjson.loads(message)
            if event["type"] == "session.update":
                echo = {"type": "session.updated", "event_id": "e", "session": {"id": "s", **event["session"]}}
                await peer.say(orjson.dumps(echo).decode(), error(told(known(secrets, sent)[-2:])))
            if event["type"] == "input_audio_buffer.commit":
                break
        secrets = known(secrets, sent)
        await peer.say(*in_every_event(secrets))
        await way(peer, secrets)

    return serve


def in_every_event(secrets: Repeats) -> list[str]:
    text = told(secrets)
    failed = {"type": "failed", "error": {"type": "server_error", "code": "x", "message": text}}
    whole = [secret for secret in secrets for secret in (secret, quote(secret, safe=""))]
    events: list[dict[str, object]] = [
        {"type": "response.created", "response": {"id": "r", "status": "in_progress", "output": []}},
        {"type": "response.done", "response": {"id": "r", "status": "failed", "status_details": failed, "output": []}},
        {"type": "a.new.event", "error": {"message": text}, "whole": whole, "deep": [{"er": whole}]},
        {"type": "session.created", "session": {"type": "realtime", "tools": [{"type": "mcp", "key": whole}]}},
        {"type": "session.updated", "session": {"type": "realtime", "tracing": {"odd": whole}, "voice": whole[0]}},
        {"type": "response.output_text.delta", "delta": {"not": whole}},
        {
            "type": "conversation.item.input_audio_transcription.failed",
            "item_id": "i",
            "error": {"type": "x", "message": text},
        },
        {
            "type": "conversation.item.done",
            "item": {"id": "m", "type": "mcp_call", "name": "n", "server_label": "a", "arguments": "", "error": failed},
        },
        {
            "type": "response.output_item.done",
            "response_id": "r",
            "item": {"id": "m2", "type": "mcp_call", "name": "n", "server_label": "a", "arguments": "", "output": text},
        },
    ]
    return [orjson.dumps(event).decode() for event in events]


async def closes(peer: Peer, secrets: Repeats) -> None:
    await peer.say_goodbye(1011, f"cannot go on with {secrets[0]} and {secrets[-1]}"[:LONGEST_REASON])
    await peer.hear_goodbye()


async def expires(peer: Peer, secrets: Repeats) -> None:
    await peer.say_goodbye(1001, f"maximum duration of {secrets[0]}")
    await peer.hear_goodbye()


async def resets(peer: Peer, secrets: Repeats) -> None:
    peer.vanish()


async def breaks_the_protocol(peer: Peer, secrets: Repeats) -> None:
    await peer.write(b"\x83\x05" + secrets[0].encode()[:5])
    await until_gone(peer)


async def until_gone(peer: Peer) -> None:
    async for _ in peer.stream:
        pass


SERVERS: dict[str, Serves] = {
    "301": answers("301 Moved"),
    "401": answers("401 Unauthorized"),
    "401 without a length": answers("401 Unauthorized", length=False),
    "403": answers("403 Forbidden"),
    "404": answers("404 Not Found"),
    "500": answers("500 Oops"),
    "a bad Upgrade": bad_handshake("Upgrade"),
    "a bad Accept": bad_handshake("Sec-WebSocket-Accept"),
    "an extension": bad_handshake("Sec-WebSocket-Extensions"),
    "no HTTP": no_http,
    "no answer": never_answers,
    "no greeting": never_greets,
    "death": dies,
    "an error and a close": turns_away,
    "a close in the middle": converses(closes),
    "an expiry": converses(expires),
    "a reset": converses(resets),
    "a broken frame": converses(breaks_the_protocol),
}
