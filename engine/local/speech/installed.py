"""Speech of the local model: the speech extra if it is installed, placeholders if it is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.local.dialogue.description import Dialogue, customer_service
from engine.local.speech.child import available, open_speech
from engine.local.speech.grammar import Grammar
from engine.local.speech.parts import SpeechParts, without_speech


@asynccontextmanager
async def speech_for(dialogue: Dialogue | None = None) -> AsyncIterator[SpeechParts]:
    """A recognizer and a synthesizer for as long as the block, or placeholders whose `notice` says what is missing.

    Args:
        dialogue: what the recognizer understands is what its callers say; None: the one that ships.

    Raises:
        SettingsError: a word of the dialogue has no pronunciation.
        SpeechFailed: speech is installed and does not start.
    """
    if not available():
        yield without_speech()
        return
    known = dialogue or customer_service()
    async with open_speech(Grammar(known.templates, known.slots)) as parts:
        yield parts
