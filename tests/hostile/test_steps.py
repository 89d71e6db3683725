"""No step of the local model is longer than it says, whatever a client sends: counted, not timed."""

from __future__ import annotations

import orjson
import pybase64
import pytest
import trio
from hypothesis import given

from engine.audio import streams
from engine.local.conversation import steps
from engine.local.conversation.session_machine import SessionMachine
from engine.local.intake import read_client
from engine.local.settings.options import LocalOptions
from engine.local.settings.quotas import Quotas
from engine.wire.client_decoding import ClientError, decode_client
from tests.hostile import SETTINGS, time_is_left
from tests.hostile.drawn import MESSAGES
from tests.local.caller import call
from tests.local.driver import Json, append, update, user_text


class Counted:
    """Counts the samples that pass the decoders and encoders in each step of a machine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.samples = 0
        self.most = 0
        for cls, name, per_byte in ((streams.Decoder, "decode", 3), (streams.Encoder, "encode", 0.5)):
            monkeypatch.setattr(cls, name, self._counting(getattr(cls, name), per_byte))

    def _counting(self, original, per_byte):
        def counted(codec, audio, **more):
            if codec.audio_format.rate != 24_000:
                self.samples += len(audio) * per_byte
            return original(codec, audio, **more)

        return counted

    def run(self, machine: SessionMachine, event: Json) -> int:
        """Handle one event to its end. Returns in how many steps."""
        self._step(lambda: machine.handle(decode_client(orjson.dumps(event)), 0))
        taken = 1
        while machine.busy:
            assert machine.wake_at == 0, "the next step is wanted at once"
            self._step(lambda: machine.advance(0))
            taken += 1
        return taken

    def _step(self, step) -> None:
        self.samples = 0
        step()
        self.most = max(self.most, self.samples)


def machine_of(kind: str) -> SessionMachine:
    machine = SessionMachine(LocalOptions(), now=0, wall_s=0, seed=1)
    machine.open()
    shape = {"type": kind, "rate": 24000} if kind == "audio/pcm" else {"type": kind}
    change = update(audio={"input": {"format": shape, "turn_detection": None}, "output": {"format": shape}})
    machine.handle(decode_client(orjson.dumps(change)), 0)
    return machine


@pytest.mark.parametrize("kind", ["audio/pcmu", "audio/pcma"])
def test_audio_is_decoded_and_encoded_in_steps(kind, monkeypatch):
    counted, machine = Counted(monkeypatch), machine_of(kind)
    audio = pybase64.b64encode(bytes(40_000)).decode()
    assert counted.run(machine, {"type": "input_audio_buffer.append", "audio": audio}) >= 40_000 * 3 // steps.RESAMPLED
    content = [{"type": "input_audio", "audio": audio}]
    item = {"id": "a", "type": "message", "role": "user", "content": content}
    assert counted.run(machine, {"type": "conversation.item.create", "item": item}) > 10
    assert counted.run(machine, {"type": "conversation.item.retrieve", "item_id": "a"}) > 10
    assert counted.most <= steps.RESAMPLED_AT_ONCE


def test_pcm_is_looked_at_in_steps():
    machine = machine_of("audio/pcm")
    machine.handle(decode_client(orjson.dumps(append(bytes(steps.SAMPLES * 2 * 5)))), 0)
    taken = 1
    while machine.busy:
        machine.advance(0)
        taken += 1
    assert taken == 5


def test_what_is_no_longer_than_a_step_is_done_at_once():
    machine = machine_of("audio/pcm")
    machine.handle(decode_client(orjson.dumps(append(bytes(steps.SAMPLES * 2)))), 0)
    assert not machine.busy


async def test_events_wait_behind_long_work_in_order(autojump_clock):
    async with call() as caller:
        await caller.send(
            append(bytes(48_000 * 20)), {"type": "input_audio_buffer.commit", "event_id": "x"}, user_text("hi")
        )
        served = await caller.until(
            "conversation.item.done", lambda event: event["item"]["content"][0].get("text") == "hi"
        )
        kinds = [event["type"] for event in served]
        assert kinds[0] == "input_audio_buffer.committed"


async def test_others_have_their_turn_between_the_steps(autojump_clock):
    """A bystander counts the rounds of the event loop that an append takes."""
    rounds = 0

    async def bystander() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await trio.lowlevel.checkpoint()

    async with call() as caller, trio.open_nursery() as nursery:
        nursery.start_soon(bystander)
        await caller.send(append(bytes(48_000 * 60)), {"type": "input_audio_buffer.clear"})
        await caller.until("input_audio_buffer.cleared")
        nursery.cancel_scope.cancel()
    assert rounds >= 60


def tools(count: int) -> list[Json]:
    return [{"type": "function", "name": "x"}] * count


def response(**asked: object) -> Json:
    return {"type": "response.create", "response": asked}


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (user_text("7" * 1_000_000), "string_above_max_length"),
        (user_text("what is the weather " * 50_000), "string_above_max_length"),
        (update(instructions="x" * 200_000), "string_above_max_length"),
        (update(tools=tools(129)), "array_above_max_length"),
        (response(tools=tools(129)), "array_above_max_length"),
        (update(tools=tools(100_000)), "event_above_max_values"),
        (
            response(input=[{"type": "item_reference", "id": "x" * 20}] * 129),
            "array_above_max_length",
        ),
        (
            user_text("x", content=[{"type": "input_text", "text": "x" * 40}] * 65),
            "array_above_max_length",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_too_much_is_an_error_that_tells_the_limit(event, code):
    answer = read_client(orjson.dumps(event).decode(), Quotas())
    assert isinstance(answer, ClientError)
    assert answer.code == code
    assert any(str(limit) in answer.message for limit in (20_000, 100_000, 128, 64))


def test_drawn_messages_are_read_or_refused():
    go_on = time_is_left()

    @SETTINGS
    @given(MESSAGES)
    def drawn(message: bytes) -> None:
        if go_on():
            text = message.decode("utf-8", "replace")
            whole = decode_client(text)
            read = read_client(text, Quotas())
            assert read == whole or (isinstance(read, ClientError) and "_above_max_" in str(read.code))

    drawn()
