"""What cannot be sent is refused where it is given, and the session goes on: its tasks never see it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from trio.testing import MockClock

from engine import RealtimeAgent, RealtimeRunner, RealtimeSession
from engine.errors import AudioError, EngineError, MessageError, SettingsError
from engine.models.local import LocalModel
from engine.wire.response import ResponseParams
from tests.session.litter import no_litter

Call = Callable[[RealtimeSession[Any]], Awaitable[object]]
HALF = "half a pair: \ud800"

REFUSED: dict[str, tuple[Call, type[EngineError]]] = {
    "a number is no audio": (lambda s: s.send_audio(960), AudioError),  # type: ignore[arg-type]
    "text is no audio": (lambda s: s.send_audio("noise"), AudioError),  # type: ignore[arg-type]
    "nothing is no audio": (lambda s: s.send_audio(None), AudioError),  # type: ignore[arg-type]
    "half a sample": (lambda s: s.send_audio(b"\0" * 961), AudioError),
    "half a sample, to be committed": (lambda s: s.send_audio(b"\0", commit=True), AudioError),
    "instructions": (lambda s: s.respond(instructions=HALF), MessageError),
    "metadata": (lambda s: s.respond(metadata={"why": object()}), MessageError),  # type: ignore[dict-item]
    "params": (lambda s: s.respond(params=ResponseParams(metadata={"why": HALF})), MessageError),
    "tools": (lambda s: s.respond(tools=[print]), SettingsError),  # type: ignore[list-item]
    "a message": (lambda s: s.send_message(HALF), MessageError),
    "an image": (lambda s: s.send_message({"type": "input_image", "image_url": HALF}), MessageError),
    "an event": (lambda s: s.send_event({"type": "session.update", "session": {1, 2}}), MessageError),
    "an agent": (lambda s: s.update_agent(RealtimeAgent(name="A", instructions=HALF)), SettingsError),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refused(name: str, autojump_clock: MockClock) -> None:
    call, error = REFUSED[name]
    async with no_litter(), await RealtimeRunner(RealtimeAgent(name="A"), model=LocalModel()).run() as session:
        with pytest.raises(error):
            await call(session)
        await session.send_message("hello")
        seen = []
        async for event in session:
            seen.append(event.type)
            if event.type == "agent_end":
                break
    assert "error" not in seen
    assert "audio" in seen


@pytest.mark.parametrize("kind", [bytearray, memoryview])
async def test_whatever_holds_bytes_is_audio(kind: Callable[[bytes], Any], autojump_clock: MockClock) -> None:
    async with await RealtimeRunner(RealtimeAgent(name="A"), model=LocalModel()).run() as session:
        await session.send_audio(kind(b"\0\0" * 480))
