"""A call in every format that a session can be asked for: right pitch, right lengths, on both sides."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
import trio

from engine.agents.agent import RealtimeAgent
from engine.audio.g711 import alaw_to_pcm, pcm_to_alaw, pcm_to_ulaw, ulaw_to_pcm
from engine.audio.samples import pcm_of, samples_of
from engine.caller.call import CallHarness, CallOutcome
from engine.caller.call_events import CallEvent, PlaybackEnded
from engine.caller.caller import PreparedCaller, Utterance
from engine.cli.call_folder import CallFolder
from engine.cli.transcript import AgentSaid, Transcript
from engine.errors import AudioError
from engine.models.scripted import Expect, HangUp, Pause, Say, ScriptedModel, Step
from engine.session.runner import RealtimeRunner
from engine.wire.client_events import InputAudioBufferAppend, ResponseCreate, SessionUpdate
from engine.wire.formats import G711_ALAW, G711_ULAW, PCM16, AudioFormat
from engine.wire.server_events import ResponseOutputAudioDelta, ServerEvent, SessionUpdated
from engine.wire.session import Audio, AudioInput, AudioOutput, Session
from tests.audio.tones import hertz, tone
from tests.cli.support import virtual
from tests.support.talk import begins, ends, falls_silent, speaks

FORMATS = {"pcm16": PCM16, "g711_ulaw": G711_ULAW, "g711_alaw": G711_ALAW}
RATES = [AudioFormat("audio/pcm", rate) for rate in (8000, 16000, 44100, 48000)]
ENCODE = {G711_ULAW.type: pcm_to_ulaw, G711_ALAW.type: pcm_to_alaw}
DECODE = {G711_ULAW.type: ulaw_to_pcm, G711_ALAW.type: alaw_to_pcm}
AGENT_HZ, CALLER_HZ = 440, 600
SPOKEN_MS = 1000


def answer(line: bytes, sizes: Sequence[int]) -> list[ServerEvent]:
    deltas: list[ServerEvent] = []
    at = 0
    for size in (*sizes, len(line)):
        if piece := line[at : at + size]:
            deltas.append(ResponseOutputAudioDelta("r", "a", 0, 0, piece))
        at += size
    return [begins("r", "req_1"), *speaks("r", "a", "hello", 0), *deltas, *falls_silent("r", "a", "hello"), ends("r")]


@pytest.mark.parametrize("confirmed", [None, *RATES, *FORMATS.values()], ids=str)
@pytest.mark.parametrize("name", FORMATS)
def test_a_call_has_its_pitch_on_both_sides(name: str, confirmed: AudioFormat | None, tmp_path: Path) -> None:
    """In the format that was asked for, or in the one that the server confirms instead."""
    audio_format = confirmed or FORMATS[name]
    encode, decode = (codec.get(audio_format.type, bytes) for codec in (ENCODE, DECODE))
    line = encode(tone(AGENT_HZ, audio_format.rate, SPOKEN_MS / 1000))
    sides = Audio(AudioInput(format=audio_format), AudioOutput(format=audio_format))
    echo = [Expect(SessionUpdate), Say([SessionUpdated(Session(audio=sides))])] if confirmed else []
    script: list[Step] = [*echo, Expect(ResponseCreate), Say(answer(line, [4801, 3, 77])), Pause(6), HangUp()]
    model, events, transcript = ScriptedModel(script), list[CallEvent](), Transcript()
    model_settings = {"input_audio_format": name, "output_audio_format": name, "turn_detection": None}

    async def main() -> None:
        runner = RealtimeRunner(RealtimeAgent[Any]("Plain"), model=model, config={"model_settings": model_settings})
        session = await runner.run()
        with CallFolder(tmp_path / "call") as folder:
            caller = PreparedCaller([Utterance("oh", tone(CALLER_HZ, 24_000, 1.0))])
            await CallHarness(
                session=session,
                caller=caller,
                model_name="test",
                open_recording=folder.open,
                watchers=(folder.on_event, transcript.on_event, events.append),
            ).run()

    trio.run(main, clock=virtual())
    with wave.open(str(tmp_path / "call" / "call.wav")) as file:
        both, rate = samples_of(file.readframes(file.getnframes())), file.getframerate()
    assert hertz(pcm_of(both[0::2]), rate) == pytest.approx(CALLER_HZ, abs=3)
    assert hertz(pcm_of(both[1::2]), rate) == pytest.approx(AGENT_HZ, abs=3)
    sent = b"".join(event.audio for event in model.sent if isinstance(event, InputAudioBufferAppend))
    assert hertz(decode(sent), audio_format.rate) == pytest.approx(CALLER_HZ, abs=3)
    assert [event.played_ms for event in events if isinstance(event, PlaybackEnded)] == [SPOKEN_MS]
    (said,) = [entry for entry in transcript.entries if isinstance(entry, AgentSaid)]
    assert said.received_ms == pytest.approx(SPOKEN_MS)
    lines = [orjson.loads(each) for each in (tmp_path / "call" / "events.jsonl").read_bytes().splitlines()]
    assert lines[0]["output_format"] == {"type": FORMATS[name].type, "rate": FORMATS[name].rate}
    lengths = [each["ms"] for each in lines if each["type"] == "audio"]
    assert sum(lengths) == pytest.approx(SPOKEN_MS, abs=len(lengths))


def test_a_rate_that_is_none_of_sound_breaks_the_call_off_by_name() -> None:
    """Rather than noise, or a program that ends."""
    script: list[Step] = [Expect(ResponseCreate), Say(answer(b"\1\0" * 400, [])), Pause(6), HangUp()]
    outcomes: list[CallOutcome] = []

    async def main() -> None:
        session = await RealtimeRunner(RealtimeAgent[Any]("Plain"), model=ScriptedModel(script)).run()
        session._input_format = AudioFormat("audio/pcm", 500)  # as a server may confirm it
        caller = PreparedCaller([Utterance("oh", tone(CALLER_HZ, 24_000, 1.0))])
        outcomes.append(await CallHarness(session=session, caller=caller, model_name="test").run())

    trio.run(main, clock=virtual())
    assert isinstance(outcomes[0].failure, AudioError)
    assert "at 500 samples per second" in outcomes[0].reason
