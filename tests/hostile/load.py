"""A server under attack: how long well-behaved callers wait for `response.created`, alone and beside hostile clients.

    python -m tests.hostile.load                    two phases of two minutes
    python -m tests.hostile.load --seconds 20       shorter ones

`engine serve` runs as a process of its own. Callers type, in turns that do not come at the same time; two of them speak
if the speech extra is installed. Hostile clients send, each in a loop, what costs a server most. Everything goes over
loopback, and is bounded in number and time. Printed are the p50 and p99 of both phases in milliseconds, their ratio,
and the callers that were cut.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import orjson
import pybase64
import trio

from engine.errors import EngineError
from engine.local.dialogue.description import customer_service
from engine.local.speech.child import available
from engine.local.speech.installed import speech_for
from engine.transport.interface import Transport
from engine.transport.sansio import connect_sansio
from tests.hostile.beside import REQUEST, UPGRADE, frame
from tests.local.driver import Json, append, tool, update, user_text

CALLERS, SPOKEN, HOSTILE = 50, 2, 10
TURN_SECONDS = 8.0
"""From one turn of a typed caller to its next: 50 of them ask six times a second."""
_CALL_STEP_MS = 100
_SAID = ("hello", "what is the weather in Paris", "where is order 4712", "tell me a story", "thank you")
_QUIET = bytes(48 * _CALL_STEP_MS)


@attrs.define
class Phase:
    """What was seen in one phase."""

    name: str
    waits_ms: list[float] = attrs.field(factory=list)
    cut: list[str] = attrs.field(factory=list)
    attacks: int = 0

    def percentile(self, share: float) -> float:
        ordered = sorted(self.waits_ms)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("nan")


# ---------------------------------------------------------------------------------------------- callers
class Line:
    """A caller's end: sends events, and waits for one of a type."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._unseen: list[Json] = []

    async def send(self, *events: Json) -> None:
        await self._transport.send([orjson.dumps(event) for event in events])

    async def until(self, *kinds: str) -> Json:
        while True:
            while self._unseen:
                event = self._unseen.pop(0)
                if event["type"] in kinds:
                    return event
            self._unseen.extend(orjson.loads(message) for message in await self._transport.receive())


async def typed(url: str, phase: Phase, name: str, rng: random.Random) -> None:
    """Type a turn now and then, and wait for its end."""
    try:
        await trio.sleep(rng.random() * TURN_SECONDS)
        async with connect_sansio(url, {}) as transport:
            line = Line(transport)
            for said in itertools.cycle(_SAID):
                began = trio.current_time()
                await line.send(user_text(said), {"type": "response.create"})
                await line.until("response.created")
                phase.waits_ms.append((trio.current_time() - began) * 1000)
                await line.until("response.done")
                await trio.sleep(max(TURN_SECONDS * (0.7 + 0.6 * rng.random()) - (trio.current_time() - began), 0.2))
    except EngineError as error:
        phase.cut.append(f"{name}: {error}")


async def spoken(url: str, phase: Phase, name: str, sentence: bytes) -> None:
    """Speak a sentence in real time, again and again. Its wait counts from the last sound and the silence after it."""
    try:
        async with connect_sansio(url, {}) as transport:
            line = Line(transport)
            await line.send(
                update(audio={"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 300}}})
            )
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_speak, line, sentence)
                while True:
                    await line.until("input_audio_buffer.speech_stopped")
                    stopped = trio.current_time()
                    await line.until("response.created")
                    phase.waits_ms.append((trio.current_time() - stopped) * 1000)
                    await line.until("response.done")
    except* EngineError as errors:
        phase.cut.append(f"{name}: {errors.exceptions[0]}")


async def _speak(line: Line, sentence: bytes) -> None:
    size = len(_QUIET)
    while True:
        sound = sentence + _QUIET * 100
        for at in range(0, len(sound), size):
            await line.send(append(sound[at : at + size]))
            await trio.sleep(_CALL_STEP_MS / 1000)


# ---------------------------------------------------------------------------------------------- hostile clients
_ULAW = {"format": {"type": "audio/pcmu"}}
_BAD_TOOL = {
    "type": "function",
    "name": "get_order_status",
    "parameters": {"type": "object", "properties": {}, "required": [["a"]]},
}
_NOISE = random.Random(1).randbytes(48_000 * 8)


def _events(*events: Json) -> bytes:
    return b"".join(frame(json.dumps(event).encode()) for event in events)


def attacks() -> list[bytes]:
    """What each of the hostile clients sends over a connection, again and again."""
    create = {"type": "response.create"}
    ulaw = pybase64.b64encode(bytes(2 * 2**20)).decode()
    return [
        b"GET //[ HTTP/1.1\r\n" + UPGRADE + b"\r\n",
        REQUEST
        + _events(
            update(audio={"input": {**_ULAW, "turn_detection": None}}),
            {"type": "input_audio_buffer.append", "audio": ulaw},
        ),
        REQUEST + _events(user_text("7" * 90_000), create) * 3,
        REQUEST + _events(user_text("what is the weather " * 4_500), create) * 3,
        REQUEST + _events(update(tools=[_BAD_TOOL]), user_text("where is order 4712"), create),
        REQUEST
        + _events(
            update(tools=[tool("get_order_status", order_id="integer")]), user_text("order " + "7" * 5000), create
        ),
        REQUEST + frame(b"", first=0x01) + frame(b"", first=0x00) * 20_000,
        REQUEST + _events(update(tools=[{"type": "function", "name": "x"}] * 3000)),
        REQUEST + b"".join(_events(append(_NOISE[at : at + 48_000])) for at in range(0, len(_NOISE), 48_000)),
        REQUEST + _events({"type": "input_audio_buffer.clear"}) * 2_000,
    ]


async def hostile(port: int, attack: bytes) -> None:
    """Attack, read a little, hang up, come again."""
    while True:
        try:
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                with trio.move_on_after(5):
                    await stream.send_all(attack)
                    with trio.move_on_after(1):
                        while await stream.receive_some(2**16):
                            pass
        except (OSError, trio.BrokenResourceError):
            pass
        print(end=".", flush=True)  # counted by whoever has started this
        await trio.sleep(0.05)


async def attack_until_killed(port: int) -> None:
    """Be all hostile clients."""
    async with trio.open_nursery() as nursery:
        for attack in attacks()[:HOSTILE]:
            nursery.start_soon(hostile, port, attack)


@asynccontextmanager
async def hostile_clients(port: int, phase: Phase) -> AsyncIterator[None]:
    """Run hostile clients in a process of their own, and wait for their first attack."""
    command = [sys.executable, "-m", "tests.hostile.load", "--attack", str(port)]
    process = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    try:
        phase.attacks += len(await process.stdout.receive_some())
        yield
    finally:
        process.kill()
        with trio.move_on_after(10, shield=True):
            while done := await process.stdout.receive_some():
                phase.attacks += len(done)
            await process.wait()


# ---------------------------------------------------------------------------------------------- the run
@asynccontextmanager
async def server() -> AsyncIterator[tuple[str, int, trio.Process]]:
    """`engine serve`, until the block ends."""
    command = [
        sys.executable,
        "-c",
        "import sys; from engine.cli.main import main; sys.exit(main())",
        "serve",
        "--json",
    ]
    process = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    try:
        line = b""
        while not line.endswith(b"\n"):
            received = await process.stdout.receive_some()
            if not received:
                raise RuntimeError("the server does not start: see what `engine serve` says")
            line += received
        told = json.loads(line)
        yield told["url"], told["port"], process
    finally:
        process.terminate()
        with trio.move_on_after(10, shield=True):
            await process.wait()
        if process.returncode is None:
            process.kill()


async def hold(url: str, phase: Phase, seconds: float, sentence: bytes | None) -> None:
    """Run one phase."""
    voices = SPOKEN if sentence else 0
    with trio.move_on_after(seconds):
        async with trio.open_nursery() as nursery:
            for number in range(CALLERS - voices):
                nursery.start_soon(typed, url, phase, f"typed {number}", random.Random(number))
            for number in range(voices):
                nursery.start_soon(spoken, url, phase, f"spoken {number}", sentence)


async def sentence_said() -> bytes | None:
    """A sentence in the local model's own voice, or nothing without the speech extra."""
    if not available():
        return None
    async with speech_for(customer_service()) as speech:
        return await speech.synthesizer.speak("what is the weather in paris", "marin", 1.0)


def told(phase: Phase) -> str:
    """Return the line about one phase."""
    return (
        f"{phase.name:<16}{len(phase.waits_ms):5} responses  p50 {phase.percentile(0.5):6.1f} ms  "
        f"p99 {phase.percentile(0.99):6.1f} ms  cut: {', '.join(phase.cut) or 'nobody'}, "
        f"{phase.attacks} attacks"
    )


async def main(seconds: float) -> int:
    """Run both phases. Returns 1 if a caller was cut, or the server has ended."""
    sentence = await sentence_said()
    alone, attacked = Phase("alone"), Phase("under attack")
    async with server() as (url, port, process):
        await hold(url, alone, seconds, sentence)
        print(told(alone), flush=True)
        async with hostile_clients(port, attacked):
            await hold(url, attacked, seconds, sentence)
        print(told(attacked), flush=True)
        ended = process.returncode is not None
    ratios = (attacked.percentile(share) / alone.percentile(share) for share in (0.5, 0.99))
    print("ratio of p50 {:.2f}, of p99 {:.2f}".format(*ratios))
    if ended:
        print("the server has ended")
    return 1 if ended or alone.cut or attacked.cut else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0, help="of each phase (default: 120)")
    parser.add_argument("--attack", type=int, metavar="PORT", help="only be the hostile clients of a server there")
    given = parser.parse_args()
    if given.attack is not None:
        trio.run(attack_until_killed, given.attack)
    sys.exit(trio.run(main, given.seconds))
