"""The speech extra if it is installed, and what stands in for it if it is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.local.dialogue.description import Dialogue
from engine.local.speech.child import available, open_speech
from engine.local.speech.grammar import Grammar
from engine.local.speech_parts import SpeechParts, without_speech


@asynccontextmanager
async def speech_for(dialogue: Dialogue) -> AsyncIterator[SpeechParts]:
    """Ears for what the dialogue's callers say, and a voice, for as long as the block; `notice` tells if it
    is neither.

    Raises:
        EngineError: speech is installed and does not start. If its process dies later, the block is cancelled
        and
            the error comes in a group.
    """
    if not available():
        yield without_speech()
        return
    async with open_speech(Grammar(dialogue.templates, dialogue.slots)) as parts:
        yield parts
