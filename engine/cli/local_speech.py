"""Speech for the local model and for the demonstration's caller, if the speech extra is installed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.errors import EngineError
from engine.local.dialogue.description import Dialogue, customer_service
from engine.local.speech.child import available
from engine.local.speech.child import open_speech as open_child
from engine.local.speech.grammar import Grammar
from engine.local.speech_parts import SpeechParts, without_speech


@asynccontextmanager
async def open_speech(dialogue: Dialogue | None = None) -> AsyncIterator[SpeechParts]:
    """Ears and a voice that last as long as the block, or placeholders whose `notice` says what is missing.

    Args:
        dialogue: what the ears understand; None: the one that ships.

    Raises:
        EngineError: speech is installed and does not start, or its process dies: the block is cancelled then.
    """
    if not available():
        yield without_speech()
        return
    known = dialogue or customer_service()
    failure: Exception | None = None
    try:
        async with open_child(Grammar(known.templates, known.slots)) as parts:
            try:
                yield parts
            except Exception as error:
                failure = error
    except* EngineError as group:
        failure = failure or _first(group)
    if failure is not None:
        raise failure


def _first(group: BaseExceptionGroup[EngineError]) -> EngineError:
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    assert isinstance(first, EngineError)
    return first
