"""Bare floor: trio-websocket with a 64 KiB receive buffer, orjson and pybase64."""

from __future__ import annotations

from benchmarks.clients.jobs import Hold
from benchmarks.clients.main import main
from benchmarks.clients.runtime import Runtime
from benchmarks.clients.seat import Seat


def load() -> tuple[Runtime, Hold]:
    import orjson
    import pybase64
    import trio_websocket

    from benchmarks.clients.trio_runtime import Trio

    async def hold(seat: Seat) -> None:
        async with trio_websocket.open_websocket_url(
            seat.url, max_message_size=2**26, receive_buffer_size=65536
        ) as socket:

            async def send_audio(pcm: bytes) -> None:
                audio = pybase64.b64encode_as_string(pcm)
                await socket.send_message(orjson.dumps({"type": "input_audio_buffer.append", "audio": audio}).decode())

            await socket.send_message('{"type":"session.update","session":{"type":"realtime"}}')
            while True:
                try:
                    message = await socket.get_message()
                except trio_websocket.ConnectionClosed:
                    return
                event = orjson.loads(message)
                kind = event["type"]
                if kind == "response.output_audio.delta":
                    seat.audio(pybase64.b64decode(event["delta"]))
                    if seat.slow:
                        await seat.pace()
                elif kind == "input_audio_buffer.speech_started":
                    seat.interrupted()
                elif kind == "session.updated":
                    seat.open(send_audio)

    return Trio(), hold


if __name__ == "__main__":
    main(load)
