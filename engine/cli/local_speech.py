"""Speech for the local model and for the demonstration's caller, if the speech extra is installed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.local.speech_parts import SpeechParts, without_speech


@asynccontextmanager
async def open_speech() -> AsyncIterator[SpeechParts]:
    """Ears and a voice, or the placeholders, whose `notice` says what is missing."""
    yield without_speech()
