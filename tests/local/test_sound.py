"""The telephone's formats in both directions, through the machine."""

from __future__ import annotations

import pybase64
import pytest

from engine.audio.g711 import pcm_to_alaw, pcm_to_ulaw
from engine.audio.resample import resample
from engine.audio.streams import Decoder, Encoder
from engine.wire.formats import G711_ALAW, G711_ULAW, PCM16, AudioFormat
from tests.local.driver import Driver, append, silence, speech, update

FORMATS = [({"type": "audio/pcmu"}, G711_ULAW, pcm_to_ulaw), ({"type": "audio/pcma"}, G711_ALAW, pcm_to_alaw)]


@pytest.mark.parametrize(("named", "audio_format", "encode"), FORMATS)
def test_a_spoken_turn_on_the_telephone(named, audio_format, encode):
    driver = Driver(heard=["hello"])
    driver.send(update(audio={"input": {"format": named}, "output": {"format": named}}))
    pcm = silence(500) + speech(800) + silence(500)
    line = encode(resample(pcm, PCM16.rate, audio_format.rate))
    for at in range(0, len(line), 160):
        driver.send(append(line[at : at + 160]))
    driver.settle()
    started = driver.of("input_audio_buffer.speech_started")[0]["audio_start_ms"]
    assert started == pytest.approx(200, abs=40)
    sizes = [len(pybase64.b64decode(event["delta"])) for event in driver.of("response.output_audio.delta")]
    assert sizes[:3] == [800, 1200, 2000]
    response = driver.of("response.done")[0]["response"]
    assert response["audio"]["output"]["format"] == named
    tokens = response["usage"]["output_token_details"]["audio_tokens"]
    assert tokens == -(-sum(sizes) // 8 // 50)
    item_id = driver.of("input_audio_buffer.committed")[0]["item_id"]
    driver.send({"type": "conversation.item.retrieve", "item_id": item_id})
    retrieved = pybase64.b64decode(driver.events[-1]["item"]["content"][0]["audio"])
    assert len(retrieved) == pytest.approx(len(driver.utterances[0]) / 6, abs=1)


def test_a_tenth_of_a_second_of_telephone_can_be_committed():
    driver = Driver(heard=["hello"])
    driver.send(update(audio={"input": {"format": {"type": "audio/pcmu"}, "turn_detection": None}}))
    driver.send(append(b"\xff" * 800), {"type": "input_audio_buffer.commit"})
    assert not driver.errors()
    assert len(driver.utterances[0]) == 4800


def test_half_samples_wait_for_their_other_half():
    decoder = Decoder(PCM16)
    assert decoder.decode(b"\x01") + decoder.decode(b"\x02\x03") + decoder.decode(b"\x04") == b"\x01\x02\x03\x04"


@pytest.mark.parametrize("audio_format", [PCM16, G711_ULAW, G711_ALAW])
def test_sound_is_as_long_as_it_was(audio_format: AudioFormat):
    pcm = speech(1000)
    encoder, decoder = Encoder(audio_format), Decoder(audio_format)
    parts = [encoder.encode(pcm[at : at + 5000], last=at + 5000 >= len(pcm)) for at in range(0, len(pcm), 5000)]
    encoded = b"".join(parts)
    assert audio_format.ms_of(len(encoded)) == 1000
    assert len(decoder.decode(encoded) + decoder.flush()) == len(pcm)
