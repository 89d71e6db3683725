"""WAV files that grow: 16-bit PCM, written as it comes."""

from __future__ import annotations

import wave
from pathlib import Path

from engine.outside.files import create_file
from engine.wire.formats import PCM16


class WavWriter(wave.Wave_write):
    """A new WAV file. It owns the file under it, which `wave` closes only where it has opened it by name.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, path: Path, *, channels: int, rate: int) -> None:
        self._under = create_file(path)
        super().__init__(self._under)
        self.setnchannels(channels)
        self.setsampwidth(PCM16.bytes_per_sample)
        self.setframerate(rate)

    def close(self) -> None:
        """Write the lengths into the head and close the file. May be called again."""
        try:
            super().close()
        finally:
            if (under := getattr(self, "_under", None)) is not None:
                under.close()
