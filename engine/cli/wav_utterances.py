"""``--audio``: recordings of a caller, one utterance each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.cli.caller import Utterance


def read_utterances(paths: Sequence[Path]) -> tuple[Utterance, ...]:
    """Each file as an utterance: mono, 24 kHz, whatever it was.

    Raises:
        CommandFailed: a file does not exist, or is not WAV audio.
    """
    return ()
