"""What is not in the grammar is never taken for something that is: a caller is understood, or asked again."""

from __future__ import annotations

import array
import math
import random
from collections.abc import Callable

import pytest

from engine.local.dialogue.description import customer_service
from engine.local.speech.child import available, open_speech
from engine.local.speech.grammar import Grammar
from engine.local.speech.parts import SpeechParts

pytestmark = pytest.mark.skipif(not available(), reason="the speech extra is not installed")

RATE = 24_000
QUIET = bytes(2 * RATE * 3 // 10)
KNOWN = {
    "ash": ("where is my order", "it is four seven one two", "what is the weather in tokyo"),
    "cedar": ("my order number is four seven one two", "i was charged twice", "can you explain how returns work"),
    "alloy": ("can you check my order please", "thank you goodbye"),
    "coral": ("where is my package", "when are you open"),
}
FOREIGN = {
    "ash": (
        "where is my umbrella",
        "what is your foreign policy",
        "it is four seven one",
        "can i get a puppy",
        "shut up",
    ),
    "cedar": ("the stock market fell sharply this morning", "my marriage does not work", "my heart is broken"),
    "alloy": ("connect me to the internet", "my order number is four seven one", "i have a political problem"),
    "coral": ("they painted the kitchen yellow last summer", "my heart is broken", "i have a political problem"),
}
"""The hardest of `sentences`: most of the words are known, and one is not."""
SOUNDS: dict[str, Callable[[random.Random, int], float]] = {
    "silence": lambda source, at: 0,
    "hiss": lambda source, at: source.gauss(0, 3000),
    "a tone": lambda source, at: 8000 * math.sin(math.tau * 440 * at / RATE),
    "a melody": lambda source, at: (
        6000
        * math.sin(math.tau * (262, 330, 392, 523)[at * 4 // RATE % 4] * at / RATE)
        * math.exp(-(at * 4 % RATE) / RATE)
    ),
    "a hum with beats": lambda source, at: 9000 * math.sin(math.tau * 110 * at / RATE) * (at * 3 // RATE % 2),
}


async def said(speech: SpeechParts, text: str, voice: str) -> str | None:
    return await speech.recognizer.hear(QUIET + await speech.synthesizer.speak(text, voice, 1.0) + QUIET)


@pytest.mark.long
async def test_what_the_grammar_knows_is_understood_and_nothing_else_is() -> None:
    dialogue = customer_service()
    async with open_speech(Grammar(dialogue.templates, dialogue.slots)) as speech:
        known = {(voice, text): await said(speech, text, voice) for voice, texts in KNOWN.items() for text in texts}
        assert {key: heard for key, heard in known.items() if heard != key[1]} == {}
        foreign = {(voice, text): await said(speech, text, voice) for voice, texts in FOREIGN.items() for text in texts}
        assert {key: heard for key, heard in foreign.items() if heard is not None} == {}


async def test_what_is_not_speech_says_nothing() -> None:
    dialogue = customer_service()
    source = random.Random(1)
    async with open_speech(Grammar(dialogue.templates, dialogue.slots)) as speech:
        for name, sound in SOUNDS.items():
            pcm = array.array("h", [round(sound(source, at)) for at in range(2 * RATE)]).tobytes()
            assert await speech.recognizer.hear(QUIET + pcm + QUIET) is None, name
        assert await speech.recognizer.hear(b"") is None
