"""The agent's sound at the caller's end: the same wherever the server cuts it, at the right pitch in any format."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from engine.audio.g711 import pcm_to_alaw, pcm_to_ulaw
from engine.audio.level import first_audible_ns
from engine.audio.samples import pcm_of, samples_of
from engine.audio.streams import Decoder
from engine.caller.call_events import CallEvent, PlaybackBegan, PlaybackEnded
from engine.caller.player import Player
from engine.caller.recording import Recording
from engine.clock import now_ns
from engine.events import Audio, AudioEnd, AudioInterrupted
from engine.wire.formats import G711_ALAW, G711_ULAW, PCM16, AudioFormat
from tests.audio.tones import hertz, tone

FORMATS = [PCM16, AudioFormat("audio/pcm", 8000), AudioFormat("audio/pcm", 16000), AudioFormat("audio/pcm", 44100),
           AudioFormat("audio/pcm", 48000), G711_ULAW, G711_ALAW]  # fmt: skip
CUTS = st.lists(st.integers(1, 2000), max_size=6)
MS = 1_000_000


def encoded(pcm: bytes, audio_format: AudioFormat) -> bytes:
    codec = {G711_ULAW.type: pcm_to_ulaw, G711_ALAW.type: pcm_to_alaw}.get(audio_format.type)
    return pcm if codec is None else codec(pcm)


def cut(audio: bytes, sizes: Sequence[int]) -> list[bytes]:
    found, at = [], 0
    for size in sizes:
        found.append(audio[at : at + size])
        at += size
    return [piece for piece in (*found, audio[at:]) if piece]


def audio(data: bytes, item: str = "a") -> Audio:
    return Audio(context=None, at_ns=0, response_id="r", item_id=item, content_index=0, data=data)


def end(item: str = "a") -> AudioEnd:
    return AudioEnd(context=None, at_ns=0, response_id="r", item_id=item, content_index=0)


@attrs.define
class Speaker:
    """A sound device that keeps what it is given."""

    played: bytearray = attrs.field(factory=bytearray)
    stopped_at: list[int] = attrs.field(factory=list)

    def play(self, pcm: bytes) -> None:
        self.played += pcm

    def stop(self) -> None:
        self.stopped_at.append(len(self.played))


@attrs.define
class Heard:
    """What came of a playback."""

    speaker: Speaker
    told: list[CallEvent]
    recorded: bytes = b""

    def of(self, kind: type) -> list[int]:
        return [round(event.at_ns / MS) for event in self.told if isinstance(event, kind)]


def played(events: Sequence[Audio | AudioEnd | AudioInterrupted | float], audio_format: AudioFormat) -> Heard:
    """Play events, with so many seconds between them where a number stands, and a second more."""
    heard = Heard(Speaker(), [])

    async def main(path: Path) -> None:
        recording = Recording(path, began_ns=now_ns())
        player = Player(heard.told.append, recording, output_format=lambda: audio_format, device=heard.speaker)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(player.run)
            for event in (*events, 1.0):
                if isinstance(event, float):
                    await trio.sleep(event)
                else:
                    player.on_event(event)
            recording.advance(now_ns())
            recording.close()
            nursery.cancel_scope.cancel()

    with TemporaryDirectory() as folder:
        path = Path(folder) / "call.wav"
        trio.run(main, path, clock=MockClock(autojump_threshold=0))
        with wave.open(str(path)) as file:
            assert file.getframerate() == 24_000
            heard.recorded = pcm_of(samples_of(file.readframes(file.getnframes()))[1::2])
    return heard


def whole(line: bytes, audio_format: AudioFormat) -> bytes:
    decoder = Decoder(audio_format)
    return decoder.decode(line) + decoder.flush()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(FORMATS), CUTS, CUTS)
def test_items_sound_the_same_wherever_they_are_cut(
    audio_format: AudioFormat, sizes: list[int], others: list[int]
) -> None:
    one = encoded(tone(440, audio_format.rate, 0.08), audio_format)
    other = encoded(tone(660, audio_format.rate, 0.05), audio_format)
    heard = played(
        [
            *[audio(piece) for piece in cut(one, sizes)],
            end("a"),
            *[audio(piece, "b") for piece in cut(other, others)],
            end("b"),
        ],
        audio_format,
    )
    sound = whole(one, audio_format) + whole(other, audio_format)
    assert bytes(heard.speaker.played) == sound
    assert heard.recorded.startswith(sound)
    assert not any(heard.recorded[len(sound) :])
    assert heard.of(PlaybackEnded) == [80, 130]
    assert [event.played_ms for event in heard.told if isinstance(event, PlaybackEnded)] == [80, 50]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(FORMATS), CUTS, st.data())
def test_items_that_mingle_keep_their_own_halves(
    audio_format: AudioFormat, sizes: list[int], data: st.DataObject
) -> None:
    lines = {item: encoded(tone(hz, audio_format.rate, 0.05), audio_format) for item, hz in (("a", 440), ("b", 880))}
    left = {item: cut(line, sizes) for item, line in lines.items()}
    came: list[tuple[str, bytes]] = []
    while any(left.values()):
        item = data.draw(st.sampled_from([item for item in left if left[item]]))
        came.append((item, left[item].pop(0)))
    heard = played([audio(piece, item) for item, piece in came], audio_format)
    decoders = {item: Decoder(audio_format) for item in lines}
    assert bytes(heard.speaker.played) == b"".join(decoders[item].decode(piece) for item, piece in came)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(FORMATS), CUTS, st.integers(1, 3000), CUTS)
def test_an_interruption_takes_the_half_sample_with_it(
    audio_format: AudioFormat, sizes: list[int], heard_bytes: int, others: list[int]
) -> None:
    line = encoded(tone(440, audio_format.rate, 0.1), audio_format)
    after = encoded(tone(660, audio_format.rate, 0.05), audio_format)
    interruption = AudioInterrupted(context=None, at_ns=0, response_id="r")
    heard = played(
        [
            *[audio(piece) for piece in cut(line[:heard_bytes], sizes)],
            0.02,
            interruption,
            *[audio(piece, "b") for piece in cut(after, others)],
            end("b"),
        ],
        audio_format,
    )
    assert bytes(heard.speaker.played[heard.speaker.stopped_at[0] :]) == whole(after, audio_format)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(FORMATS), CUTS, st.integers(10, 60))
def test_the_first_sound_is_told_at_its_moment(audio_format: AudioFormat, sizes: list[int], silent_ms: int) -> None:
    quiet = bytes(2 * (audio_format.rate * silent_ms // 1000))
    line = encoded(quiet + tone(440, audio_format.rate, 0.05), audio_format)
    (began,) = played([*[audio(piece) for piece in cut(line, sizes)], end()], audio_format).of(PlaybackBegan)
    # Windows of 10 ms are judged, counted from where a piece begins.
    assert silent_ms - 12 <= began <= silent_ms + 2


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(FORMATS), CUTS, st.integers(30, 200))
def test_a_stall_leaves_a_gap_and_no_noise(audio_format: AudioFormat, sizes: list[int], gap_ms: int) -> None:
    line = encoded(tone(440, audio_format.rate, 0.05), audio_format)
    events: list[Audio | AudioEnd | float] = []
    for piece in cut(line, sizes):
        events += [audio(piece), gap_ms / 1000 + 0.05]
    heard = played([*events, end()], audio_format)
    assert bytes(heard.speaker.played) == whole(line, audio_format)
    loudest = max(abs(sample) for sample in samples_of(heard.recorded))
    assert loudest <= 10_600


@pytest.mark.parametrize("audio_format", FORMATS, ids=str)
def test_a_recording_has_the_pitch_and_the_length(audio_format: AudioFormat) -> None:
    line = encoded(tone(440, audio_format.rate, 0.5), audio_format)
    heard = played([*[audio(piece) for piece in cut(line, [4801, 3, 999])], end()], audio_format)
    assert hertz(heard.recorded, 24_000) == pytest.approx(440, abs=5)
    assert heard.of(PlaybackEnded) == [500]
    assert first_audible_ns(heard.recorded) == 0
