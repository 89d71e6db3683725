"""Bare floor: a trio stream, the sans-IO core of `websockets`, orjson and pybase64. No session, no history."""

from __future__ import annotations

from benchmarks.clients.jobs import Hold
from benchmarks.clients.main import main
from benchmarks.clients.runtime import Runtime
from benchmarks.clients.seat import Seat


def load() -> tuple[Runtime, Hold]:
    import orjson
    import pybase64
    import trio
    from websockets.client import ClientProtocol
    from websockets.frames import Frame, Opcode
    from websockets.uri import parse_uri

    from benchmarks.clients.trio_runtime import Trio

    async def hold(seat: Seat) -> None:
        host, _, port = seat.authority.partition(":")
        stream = await trio.open_tcp_stream(host, int(port))
        async with stream:
            protocol = ClientProtocol(parse_uri(seat.url), max_size=None)
            protocol.send_request(protocol.connect())

            sending = False

            async def flush() -> None:
                nonlocal sending
                if sending:  # whoever is sending takes this along
                    return
                sending = True
                try:
                    while data := b"".join(protocol.data_to_send()):
                        await stream.send_all(data)
                finally:
                    sending = False

            async def send(event: bytes) -> None:
                protocol.send_text(event)
                await flush()

            async def send_audio(pcm: bytes) -> None:
                audio = pybase64.b64encode_as_string(pcm)
                await send(orjson.dumps({"type": "input_audio_buffer.append", "audio": audio}))

            await flush()
            while True:
                data = await stream.receive_some(65536)
                if not data:
                    return
                protocol.receive_data(data)
                for frame in protocol.events_received():
                    if not isinstance(frame, Frame):
                        await send(orjson.dumps({"type": "session.update", "session": {"type": "realtime"}}))
                        continue
                    if frame.opcode is not Opcode.TEXT:
                        continue
                    event = orjson.loads(frame.data)
                    kind = event["type"]
                    if kind == "response.output_audio.delta":
                        seat.audio(pybase64.b64decode(event["delta"]))
                        if seat.slow:
                            await seat.pace()
                    elif kind == "input_audio_buffer.speech_started":
                        seat.interrupted()
                    elif kind == "session.updated":
                        seat.open(send_audio)
                await flush()

    return Trio(), hold


if __name__ == "__main__":
    main(load)
