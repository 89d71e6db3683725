"""The speech processes: they start, speak, tell a voice from silence, and end."""

from __future__ import annotations

import array
import math
from collections.abc import AsyncIterator, Iterator

import pytest

from engine.errors import EngineError
from engine.local.dialogue.description import customer_service
from engine.local.speech.child import available, open_speech
from engine.local.speech.grammar import Grammar
from engine.local.speech.parts import SpeechParts
from engine.local.speech.vad import VoiceClassifier

pytestmark = pytest.mark.skipif(not available(), reason="the speech extra is not installed")

FRAME = 768 * 2


@pytest.fixture
async def speech() -> AsyncIterator[SpeechParts]:
    dialogue = customer_service()
    async with open_speech(Grammar(dialogue.templates, dialogue.slots)) as parts:
        yield parts


async def test_the_same_words_sound_the_same_each_time_and_otherwise_in_another_voice(speech: SpeechParts) -> None:
    one = await speech.synthesizer.speak("Good morning.", "alloy", 1.0)
    again = await speech.synthesizer.speak("Good morning.", "alloy", 1.0)
    other = await speech.synthesizer.speak("Good morning.", "echo", 1.0)
    assert one == again
    assert len(other) != len(one)
    async with open_speech(Grammar(("yes",), {})) as elsewhere:
        assert await elsewhere.synthesizer.speak("Good morning.", "alloy", 1.0) == one
    slow = await speech.synthesizer.speak("Good morning.", "alloy", 0.5)
    assert len(slow) > 1.4 * len(one)
    assert loudness(await speech.synthesizer.speak(" ", "alloy", 1.0)) == 0


async def test_a_voice_is_told_from_silence(speech: SpeechParts) -> None:
    classifier = VoiceClassifier(0.5)
    pcm = await speech.synthesizer.speak("Where is my order, please?", "ash", 1.0)
    judged = [classifier.is_speech(frame) for frame in frames(pcm)]
    assert sum(judged) > len(judged) / 2
    assert not any(VoiceClassifier(0.5).is_speech(frame) for frame in frames(bytes(len(pcm))))


def loudness(pcm: bytes) -> float:
    samples = array.array("h", pcm)
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples))


def frames(pcm: bytes) -> Iterator[bytes]:
    for at in range(0, len(pcm) - FRAME, FRAME):
        yield pcm[at : at + FRAME]


async def test_a_grammar_that_cannot_be_pronounced_is_refused_at_the_start() -> None:
    with pytest.raises(EngineError, match="florp"):
        async with open_speech(Grammar(("say florp",), {})):
            pass


async def test_what_the_block_raises_comes_out_as_it_is() -> None:
    with pytest.raises(ValueError, match="mine"):
        async with open_speech(Grammar(("yes",), {})):
            raise ValueError("mine")
