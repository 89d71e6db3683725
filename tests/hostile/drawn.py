"""What is drawn: requests, frames, and events that are almost right."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import strategies as st

from tests.hostile.beside import REQUEST, UPGRADE, frame
from tests.local.driver import user_text

# ---------------------------------------------------------------------------------------------- requests
_TARGETS = st.one_of(
    st.sampled_from(
        [b"//[", b"//", b"*", b"http://[", b"/v1/realtime?", b"/%zz", b"/\x00", b"/v1/realtime?" + b"a=b&" * 500]
    ),
    st.binary(max_size=30),
    st.text(alphabet="/[]:@?#%&=.v1realtime", max_size=20).map(lambda text: b"/" + text.encode()),
)
_NAMES = st.sampled_from(
    [
        b"Host",
        b"Origin",
        b"Authorization",
        b"Connection",
        b"Upgrade",
        b"Sec-WebSocket-Key",
        b"Sec-WebSocket-Version",
        b"Sec-WebSocket-Protocol",
        b"Sec-WebSocket-Extensions",
        b"Content-Length",
        b"Transfer-Encoding",
        b"Expect",
        b"OpenAI-Beta",
        b"X",
        b"",
        b" ",
    ]
)
_VALUES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [
            b"null",
            b"http://[",
            b"realtime, openai-insecure-api-key.",
            b"chunked",
            b"100-continue",
            b"9" * 5000,
            b"Bearer ",
            b"permessage-deflate; client_max_window_bits=99",
            b"a" * 70,
            b",",
        ]
    ),
)
_HEADERS = st.lists(st.tuples(_NAMES, _VALUES), max_size=5)


@st.composite
def handshakes(draw: st.DrawFn) -> bytes:
    """A request, more or less."""
    if draw(st.booleans()):
        method = draw(st.sampled_from([b"GET", b"POST", b"CONNECT", b"get", b"", b"\x16\x03\x01"]))
        version = draw(st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2", b"HTTP/9.9", b""]))
        extra = b"".join(name + b": " + value + b"\r\n" for name, value in draw(_HEADERS))
        usual = UPGRADE if draw(st.booleans()) else b""
        return method + b" " + draw(_TARGETS) + b" " + version + b"\r\n" + usual + extra + b"\r\n"
    data = bytearray(REQUEST)
    for _ in range(draw(st.integers(1, 4))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data) + draw(st.binary(max_size=20))


# ---------------------------------------------------------------------------------------------- frames
@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """A frame, allowed or not: any opcode, fragments, control frames, lengths that lie, no mask, thousands of none."""
    kind = draw(st.sampled_from(["any", "fragment", "close", "ping", "long", "unmasked", "many", "junk"]))
    payload = draw(st.binary(max_size=60))
    match kind:
        case "fragment":
            return frame(payload, first=draw(st.sampled_from([0x00, 0x01, 0x80])))
        case "close":
            return frame(
                draw(st.sampled_from([b"", b"\x03", b"\x03\xe8", b"\xff\xff", b"\x03\xee\xff\xfe"])), first=0x88
            )
        case "ping":
            return frame(payload * draw(st.integers(0, 4)), first=draw(st.sampled_from([0x89, 0x8A, 0x09]))) * 50
        case "long":
            return b"\x81\xff" + draw(st.integers(0, 2**64 - 1)).to_bytes(8, "big") + bytes(4) + payload
        case "unmasked":
            return bytes((0x81, len(payload))) + payload
        case "many":
            return frame(b"", first=0x01) + frame(b"", first=0x00) * draw(st.integers(0, 3000))
        case "junk":
            return payload
        case _:
            return frame(payload, first=draw(st.integers(0, 255)), mask=draw(st.binary(min_size=4, max_size=4)))


# ---------------------------------------------------------------------------------------------- events
_ODD_TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "7" * 5000,
            "²²²",
            "٣٣٣",
            "\x1b[2J\x00",
            "[" * 3000,
            '{"a":' * 300 + "1" + "}" * 300,
            "\ud7ff",
            "A" * 30000,
            "Where is order " + "7" * 5000,
            "what is the weather in " * 200,
            "\n" * 20000,
            ".!?" * 3000,
            "9" * 30000,
            'say exactly "' + "9" * 9000 + '"',
            "greeting: a" + " " * 9000 + "b",
            '"assistant"' + " " * 9000,
        ]
    ),
)
_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), _ODD_TEXTS
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=8,
)
_SCHEMAS = st.fixed_dictionaries(
    {},
    optional={
        "type": _JSON,
        "properties": st.one_of(
            _JSON,
            st.dictionaries(
                st.sampled_from(["order_id", "city", "a", ""]),
                st.fixed_dictionaries(
                    {},
                    optional={
                        "type": st.one_of(st.sampled_from(["integer", "number", "string", "array", "null"]), _JSON),
                        "enum": _JSON,
                        "anyOf": _JSON,
                        "oneOf": _JSON,
                    },
                ),
                max_size=3,
            ),
        ),
        "required": st.one_of(
            _JSON, st.lists(st.one_of(st.sampled_from(["order_id", "city", "a"]), _JSON), max_size=3)
        ),
    },
)
_TOOLS = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.just("function"),
            "name": st.one_of(
                st.sampled_from(["get_order_status", "get_weather", "set_a", "transfer_to_billing"]), _ODD_TEXTS
            ),
            "parameters": _SCHEMAS,
        }
    ),
    max_size=4,
)


def _item(content: Any) -> dict[str, Any]:
    return {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": content}}


_CALL = {
    "type": "conversation.item.create",
    "item": {"type": "function_call", "name": "get_weather", "call_id": "c", "arguments": "{}"},
}
_KNOWN = st.one_of(
    _ODD_TEXTS.map(user_text),
    _TOOLS.map(lambda tools: {"type": "session.update", "session": {"type": "realtime", "tools": tools}}),
    _ODD_TEXTS.map(lambda text: {"type": "session.update", "session": {"type": "realtime", "instructions": text}}),
    st.tuples(_TOOLS, _ODD_TEXTS, st.sampled_from(["auto", "required", "none"])).map(
        lambda drawn: {
            "type": "response.create",
            "response": {
                "conversation": "none",
                "tools": drawn[0],
                "tool_choice": drawn[2],
                "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": drawn[1]}]}],
            },
        }
    ),
    st.just({"type": "response.create"}),
    st.just(_CALL),
    st.one_of(
        _ODD_TEXTS, _JSON.map(lambda value: orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_DATACLASS).decode())
    ).map(
        lambda text: {
            "type": "conversation.item.create",
            "item": {"type": "function_call_output", "call_id": "c", "output": text},
        }
    ),
    st.lists(_JSON, max_size=3).map(_item),
    st.integers(1, 400_000).map(lambda size: {"type": "input_audio_buffer.append", "audio": "AAAA" * size}),
    st.integers(1, 20_000).map(lambda size: _item([{"type": "input_audio", "audio": "gH+A" * size}])),
    st.sampled_from(["audio/pcmu", "audio/pcma", "audio/pcm"]).map(
        lambda kind: {
            "type": "session.update",
            "session": {
                "type": "realtime",
                "audio": {
                    "input": {"format": {"type": kind, **({"rate": 24000} if kind == "audio/pcm" else {})}},
                    "output": {"format": {"type": kind, **({"rate": 24000} if kind == "audio/pcm" else {})}},
                },
            },
        }
    ),
    st.sampled_from(["input_audio_buffer.commit", "input_audio_buffer.clear", "response.cancel"]).map(
        lambda kind: {"type": kind}
    ),
)
_UNKNOWN = st.one_of(
    _JSON,
    st.fixed_dictionaries(
        {"type": st.sampled_from(["session.update", "conversation.item.create", "response.create"])},
        optional={"session": _JSON, "item": _JSON, "response": _JSON, "event_id": _JSON},
    ),
)


def _text(event: Any) -> bytes:
    try:
        return orjson.dumps(event)
    except (TypeError, orjson.JSONEncodeError):  # an integer beyond 64 bits, or half a surrogate pair
        return b"{}"


MESSAGES = st.one_of(
    _KNOWN.map(_text),
    _UNKNOWN.map(_text),
    st.binary(max_size=40),
    st.sampled_from(
        [
            b"[" * 5000,
            b'{"type":' * 300,
            b'{"a":1e999}',
            b'{"type":"response.create","response":{"input":[' + b"{}," * 30000 + b"{}]}}",
            b'{"n":' + b"9" * 5000 + b"}",
            b'"' + b"\\u0000" * 100 + b'"',
        ]
    ),
)
