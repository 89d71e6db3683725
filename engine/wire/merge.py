"""What `session.update` does to the settings of a session."""

from typing import Any, TypeVar

import attrs

from engine.wire.extra import Extra, laid_over
from engine.wire.session import (
    Audio,
    AudioInput,
    AudioOutput,
    NoiseReduction,
    Session,
    TranscriptionAudio,
    TranscriptionSession,
)
from engine.wire.struct import UNSET, evolve

AnySessionT = TypeVar("AnySessionT", Session, TranscriptionSession)

_MERGED_BY_KEY = (Audio, AudioInput, AudioOutput, TranscriptionAudio, NoiseReduction)


def merge(base: AnySessionT, override: AnySessionT) -> AnySessionT:
    """`base` with every key that is present in `override`.

    The audio objects and noise reduction merge key by key (protocol facts, 2.1 and 4.1), and what is extra does so
    deeply; everything else is replaced whole: turn detection, transcription and lists of tools too. None replaces,
    because null means "off".
    """
    merged: AnySessionT = _merged(base, override)
    return merged


def _merged(base: Any, override: Any) -> Any:
    changes = {}
    for field in attrs.fields(type(override)):
        old, new = getattr(base, field.name), getattr(override, field.name)
        if new is UNSET:
            continue
        if isinstance(old, Extra) and isinstance(new, Extra):
            new = Extra(laid_over(old, new))
        by_key = isinstance(new, _MERGED_BY_KEY) and type(old) is type(new)
        changes[field.name] = _merged(old, new) if by_key else new
    return evolve(base, **changes) if changes else base
