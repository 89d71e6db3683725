"""``--audio``: recordings of a caller, one utterance each."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from engine.audio.wav import read_wav
from engine.caller.caller import Utterance
from engine.cli.exit_status import CommandFailed, ExitStatus
from engine.errors import AudioError
from engine.wire.formats import PCM16


def read_utterances(paths: Sequence[Path]) -> tuple[Utterance, ...]:
    """Each file as an utterance: mono, 24 kHz, whatever it was. Its words are not known.

    Raises:
        CommandFailed: a file does not exist, cannot be read, or is not WAV audio.
    """
    return tuple(Utterance(None, _read(path)) for path in paths)


def _read(path: Path) -> bytes:
    try:
        if stat.S_ISDIR(os.stat(path).st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    except OSError as error:
        raise CommandFailed(ExitStatus.NO_SUCH_FILE, f"--audio {path}: {error.strerror}") from error
    try:
        return read_wav(path, PCM16.rate)
    except AudioError as error:
        raise CommandFailed(ExitStatus.NOT_AUDIO, f"--audio {error}") from error
