"""Bare floor: asyncio on uvloop, the `websockets` client, orjson and pybase64."""

from __future__ import annotations

from benchmarks.clients.jobs import Hold
from benchmarks.clients.main import main
from benchmarks.clients.runtime import Asyncio, Runtime
from benchmarks.clients.seat import Seat


def load() -> tuple[Runtime, Hold]:
    import orjson
    import pybase64
    import uvloop
    from websockets.asyncio.client import connect

    async def hold(seat: Seat) -> None:
        async with connect(seat.url, max_size=None, compression=None) as socket:

            async def send_audio(pcm: bytes) -> None:
                audio = pybase64.b64encode_as_string(pcm)
                await socket.send(orjson.dumps({"type": "input_audio_buffer.append", "audio": audio}), text=True)

            await socket.send('{"type":"session.update","session":{"type":"realtime"}}')
            async for message in socket:
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

    return Asyncio("asyncio+uvloop", uvloop.new_event_loop), hold


if __name__ == "__main__":
    main(load)
