"""What an application gives as the user's audio, made bytes of the session's input format.

Bytes in that format already are nobody's business here: `send_audio` passes them on itself, as long as no sound of
another kind went before them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from engine._messages import show
from engine.audio.buffers import AudioBuffer, Samples, read_buffer
from engine.audio.resample import check_rate
from engine.audio.samples import samples_of
from engine.audio.streams import Encoder
from engine.errors import AudioError
from engine.wire.formats import PCM16, AudioFormat

PART_MS: Final = 200
"""Sound that is converted at once: 10 ms of work, after which other tasks have their turn."""


@attrs.frozen
class UserSound:
    """Samples at a rate."""

    samples: Samples
    rate: int | None
    """Samples per second; None: the session's own."""

    def __len__(self) -> int:
        return len(self.samples)

    def parts(self, audio_format: AudioFormat) -> Iterator[bytes]:
        """Yield it in parts that are short enough to be converted at once, as 16-bit PCM."""
        size = max((self.rate or audio_format.rate) * PART_MS // 1000, 1)
        for first in range(0, len(self), size):
            yield self.samples.pcm(first, first + size)


def read_user_audio(audio: AudioBuffer, rate: int | None, audio_format: AudioFormat) -> bytes | UserSound:
    """Return bytes of the session's format, or else the sound that an application gives.

    Args:
        audio: bytes of the session's format, or with a rate 16-bit PCM; or a buffer whose elements are samples.
        rate: samples per second; None: the session's own.
        audio_format: the session's.

    Raises:
        AudioError: it is no audio, it has more than one channel, or the rate is none of sound.
    """
    given = read_buffer(audio)
    if rate is None:
        return UserSound(given, None) if isinstance(given, Samples) else given
    if type(rate) is not int:
        raise AudioError(f"rate is a whole number of samples per second, not {show(rate)}")
    check_rate(rate)
    if isinstance(given, bytes):
        if not PCM16.is_aligned(len(given)):
            raise AudioError(f"{len(given)} bytes are not whole samples: bytes with a rate are 16-bit PCM")
        if (PCM16.type, rate) == (audio_format.type, audio_format.rate):
            return given
        given = Samples(samples_of(given))
    return UserSound(given, rate)


class UserAudioEncoder:
    """Makes pieces of PCM one sound of the session's format, however long each piece is."""

    def __init__(self) -> None:
        self._encoder: Encoder | None = None
        self.idle = True
        """Nothing was kept back. An attribute, because every piece of a microphone asks."""

    def encode(self, pcm: bytes, rate: int | None, audio_format: AudioFormat) -> bytes:
        """Return what is to be sent: the rest of a sound of another kind, and of this one what is certain by now.

        Args:
            pcm: 16-bit PCM.
            rate: its samples per second; None: those of the format.
            audio_format: the session's.

        Raises:
            AudioError: the session's format has a rate that nothing can be resampled to.
        """
        rate = audio_format.rate if rate is None else rate
        if (encoder := self._encoder) is not None and (encoder.rate, encoder.audio_format) == (rate, audio_format):
            return encoder.encode(pcm)
        rest = self.rest(audio_format)
        self._encoder, self.idle = Encoder(audio_format, rate), False
        return rest + self._encoder.encode(pcm)

    def rest(self, audio_format: AudioFormat) -> bytes:
        """Return what was kept back, because the sound has ended. What was kept for another format is lost."""
        encoder = self._encoder
        self.drop()
        return b"" if encoder is None or encoder.audio_format != audio_format else encoder.encode(b"", last=True)

    def drop(self) -> None:
        """Forget what was kept back."""
        self._encoder, self.idle = None, True
