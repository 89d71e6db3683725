"""Hearing and speaking, as the local model needs them, and what it has where neither is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs
import trio

from engine.local.conversation.listening import ClassifierFactory
from engine.local.conversation.loudness import LoudnessClassifier
from engine.local.speech.placeholder_synthesizer import tones

NO_SPEECH_NOTICE = (
    "The speech extra is not installed: the local model understands typed text only, and what it says is tones "
    "instead of words. Install it with: pip install 'engine[speech]'"
)


class Recognizer(Protocol):
    """Recognises speech."""

    async def hear(self, pcm: bytes) -> str | None:
        """The words in mono 16-bit PCM at 24 kHz, or None if they were not understood."""
        ...


class Synthesizer(Protocol):
    """Makes speech."""

    async def speak(self, text: str, voice: str, speed: float) -> bytes:
        """`text` as mono 16-bit PCM at 24 kHz. `speed` 1.0 is usual."""
        ...


class NullRecognizer:
    """Understands nothing."""

    async def hear(self, pcm: bytes) -> str | None:
        """None, after a checkpoint."""
        await trio.lowlevel.checkpoint()
        return None


class PlaceholderSynthesizer:
    """Says everything as tones of the right length."""

    async def speak(self, text: str, voice: str, speed: float) -> bytes:
        """Sound of the length of `text`; the same for every voice."""
        await trio.lowlevel.checkpoint()
        return tones(text, speed=speed)


@attrs.frozen
class SpeechParts:
    """What a server hears and speaks with. Shared by its connections."""

    recognizer: Recognizer
    synthesizer: Synthesizer
    classifiers: ClassifierFactory
    notice: str | None = None
    """What to tell whoever started the server; None: it hears and speaks."""
    shared: Callable[[], tuple[Recognizer, Synthesizer]] | None = None
    """Gives a client an access of its own to what is shared, so that clients are served in turn; None: all have the
    same."""

    def for_client(self) -> SpeechParts:
        """Return the parts as one client uses them."""
        if self.shared is None:
            return self
        recognizer, synthesizer = self.shared()
        return attrs.evolve(self, recognizer=recognizer, synthesizer=synthesizer, shared=None)


def without_speech() -> SpeechParts:
    """No words heard, none spoken: text turns work fully."""
    return SpeechParts(NullRecognizer(), PlaceholderSynthesizer(), LoudnessClassifier, NO_SPEECH_NOTICE)
