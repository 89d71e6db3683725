"""The speech processes: they hear what their grammar knows, refuse what it does not, and speak."""

from __future__ import annotations

import array
import math
from collections.abc import AsyncIterator, Iterator

import pytest

from engine.errors import EngineError
from engine.local.dialogue.description import customer_service
from engine.local.speech.child import available, open_speech
from engine.local.speech.grammar import Grammar
from engine.local.speech.vad import VoiceClassifier
from engine.local.speech_parts import SpeechParts

pytestmark = pytest.mark.skipif(not available(), reason="the speech extra is not installed")

QUIET = bytes(48 * 300)
FRAME = 768 * 2


@pytest.fixture
async def speech() -> AsyncIterator[SpeechParts]:
    dialogue = customer_service()
    async with open_speech(Grammar(dialogue.templates, dialogue.slots)) as parts:
        yield parts


async def said(speech: SpeechParts, text: str, voice: str = "ash") -> str | None:
    return await speech.ears.hear(QUIET + await speech.voice.speak(text, voice, 1.0) + QUIET)


async def test_it_understands_its_grammar_and_nothing_else(speech: SpeechParts) -> None:
    known = {"where is my order": "ash", "it is four seven one two": "echo", "can you explain how returns work": "ash"}
    for text, voice in known.items():
        assert await said(speech, text, voice) == text
    for text in ("the stock market fell sharply this morning", "they painted the kitchen yellow last summer"):
        assert await said(speech, text) is None


async def test_silence_and_noise_are_nothing(speech: SpeechParts) -> None:
    assert await speech.ears.hear(bytes(48_000)) is None
    assert await speech.ears.hear(b"") is None


async def test_the_same_words_sound_the_same_each_time_and_otherwise_in_another_voice(speech: SpeechParts) -> None:
    one = await speech.voice.speak("Good morning.", "alloy", 1.0)
    again = await speech.voice.speak("Good morning.", "alloy", 1.0)
    other = await speech.voice.speak("Good morning.", "echo", 1.0)
    assert one == again
    assert len(other) != len(one)
    async with open_speech(Grammar(("yes",), {})) as elsewhere:
        assert await elsewhere.voice.speak("Good morning.", "alloy", 1.0) == one
    slow = await speech.voice.speak("Good morning.", "alloy", 0.5)
    assert len(slow) > 1.4 * len(one)
    assert loudness(await speech.voice.speak(" ", "alloy", 1.0)) == 0


async def test_a_voice_is_told_from_silence(speech: SpeechParts) -> None:
    classifier = VoiceClassifier(0.5)
    pcm = await speech.voice.speak("Where is my order, please?", "ash", 1.0)
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
