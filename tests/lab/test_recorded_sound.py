"""The sound of a recording: what came of each item, wherever it was cut, in the format that the server confirmed."""

from __future__ import annotations

import wave
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import RealtimeAgent, RealtimeRunner
from engine.audio.g711 import alaw_to_pcm, pcm_to_alaw, pcm_to_ulaw, ulaw_to_pcm
from engine.lab.replay.recorded_call import load_recording
from engine.lab.replay.recording import recorded
from engine.lab.replay.replay import replay
from engine.models.scripted import Expect, HangUp, Pause, Say, ScriptedModel
from engine.wire.client_events import ResponseCreate, SessionUpdate
from engine.wire.formats import G711_ALAW, G711_ULAW, PCM16, AudioFormat
from engine.wire.server_events import ResponseOutputAudioDelta, ResponseOutputAudioDone, ServerEvent, SessionUpdated
from engine.wire.session import Audio, AudioInput, AudioOutput, Session
from tests.audio.tones import hertz, tone
from tests.cli.support import virtual
from tests.support.talk import begins, ends

ENCODE = {G711_ULAW.type: pcm_to_ulaw, G711_ALAW.type: pcm_to_alaw}
DECODE = {G711_ULAW.type: ulaw_to_pcm, G711_ALAW.type: alaw_to_pcm}
FORMATS = [PCM16, AudioFormat("audio/pcm", 16000), AudioFormat("audio/pcm", 8000), G711_ULAW, G711_ALAW]


def says(lines: Mapping[str, Sequence[bytes]]) -> list[ServerEvent]:
    """Items with the pieces of their audio."""
    events: list[ServerEvent] = []
    for item, pieces in lines.items():
        events += [ResponseOutputAudioDelta("r", item, 0, 0, piece) for piece in pieces]
        events.append(ResponseOutputAudioDone("r", item, 0, 0))
    return [begins("r", "req_1"), *events, ends("r")]


def sound_of(folder: Path, audio_format: AudioFormat, events: Sequence[ServerEvent]) -> tuple[bytes, int]:
    confirmed = Session(audio=Audio(AudioInput(format=audio_format), AudioOutput(format=audio_format)))
    script = [Expect(SessionUpdate), Say([SessionUpdated(confirmed)]), Expect(ResponseCreate), Say(events), Pause(9)]
    model = recorded(ScriptedModel([*script, HangUp()]), folder)

    async def main() -> None:
        session = await RealtimeRunner(RealtimeAgent[Any]("Plain"), model=model).run()
        async with session:
            await session.respond()
            async for event in session:
                model.note(event)

    trio.run(main, clock=virtual())
    with wave.open(str(folder / "agent.wav")) as file:
        return file.readframes(file.getnframes()), file.getframerate()


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(FORMATS), st.lists(st.integers(1, 900), max_size=6))
def test_the_sound_of_items_is_the_same_wherever_they_are_cut(audio_format: AudioFormat, sizes: list[int]) -> None:
    encode, decode = (codec.get(audio_format.type, bytes) for codec in (ENCODE, DECODE))
    lines = {item: encode(tone(hz, audio_format.rate, 0.05)) for item, hz in (("a", 440), ("b", 880))}
    cut: dict[str, list[bytes]] = {}
    for item, line in lines.items():
        at, cut[item] = 0, []
        for size in (*sizes, len(line)):
            cut[item] += [line[at : at + size]] if line[at : at + size] else []
            at += size
    cut["a"].append(b"\1" if audio_format.bytes_per_sample == 2 else b"")  # half a sample, and then its end
    with TemporaryDirectory() as folder:
        heard, rate = sound_of(Path(folder), audio_format, says(cut))
    assert (heard, rate) == (decode(lines["a"]) + decode(lines["b"]), audio_format.rate)


@pytest.mark.parametrize("audio_format", FORMATS, ids=str)
def test_the_file_has_the_pitch(audio_format: AudioFormat, tmp_path: Path) -> None:
    line = ENCODE.get(audio_format.type, bytes)(tone(440, audio_format.rate, 0.5))
    heard, rate = sound_of(tmp_path / "call", audio_format, says({"a": [line]}))
    assert hertz(heard, rate) == pytest.approx(440, abs=5)


def test_a_format_that_changes_in_the_call_keeps_the_pitch(tmp_path: Path) -> None:
    """The file has one rate: what comes later is made that of the first sound."""
    other = Session(audio=Audio(output=AudioOutput(format=AudioFormat("audio/pcm", 16000))))
    events = [
        *says({"a": [tone(440, 24000, 0.3)]})[:-1],
        SessionUpdated(other),
        *says({"b": [tone(880, 16000, 0.3)]})[1:],
    ]
    heard, rate = sound_of(tmp_path / "call", PCM16, events)
    half = len(heard) // 4 * 2
    assert (hertz(heard[:half], rate), hertz(heard[half:], rate)) == (
        pytest.approx(440, abs=8),
        pytest.approx(880, abs=16),
    )


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=6))
def test_a_replay_sends_the_audio_of_clients_that_cut_samples(sizes: list[int]) -> None:
    lines = ['{"direction":"received","data":{"type":"session.created","session":{"type":"realtime"}}}']
    lines.append('{"direction":"sent","data":{"type":"session.update","session":{"type":"realtime"}}}')
    for size in sizes:
        audio = b64encode(b"\7" * size).decode()
        lines.append(f'{{"direction":"sent","data":{{"type":"input_audio_buffer.append","audio":"{audio}"}}}}')
    lines[0] = '{"engine_recording":1}\n' + lines[0]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "wire.jsonl"
        path.write_text("\n".join(lines) + "\n")
        came = replay(load_recording(path))
    assert not [difference for difference in came.differences if difference.what == "audio"]
