"""Streams of audio between the formats of the protocol and mono 16-bit PCM at any rate.

A stream is cut into pieces anywhere, also within a sample, without changing a sample of what comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.audio.g711 import alaw_to_pcm, pcm_to_alaw, pcm_to_ulaw, ulaw_to_pcm
from engine.audio.resample import Resampler
from engine.wire.formats import G711_ALAW, G711_ULAW, PCM16, AudioFormat

_Codec = Callable[[bytes], bytes]
_TO_PCM: Mapping[str, _Codec] = {G711_ULAW.type: ulaw_to_pcm, G711_ALAW.type: alaw_to_pcm}
_FROM_PCM: Mapping[str, _Codec] = {G711_ULAW.type: pcm_to_ulaw, G711_ALAW.type: pcm_to_alaw}


class Decoder:
    """Audio of a format, made PCM. Keeps half a sample, and what the change of rate needs, for the next piece."""

    def __init__(self, audio_format: AudioFormat, rate: int = PCM16.rate) -> None:
        """Make a decoder that has kept nothing.

        Args:
            audio_format: of what comes in.
            rate: samples per second of what comes out.

        Raises:
            AudioError: one of the rates is not one of sound.
        """
        self.audio_format = audio_format
        self._codec = _TO_PCM.get(audio_format.type)
        self._resampler = Resampler(audio_format.rate, rate)

    def decode(self, audio: bytes) -> bytes:
        """Return the next audio as PCM, as far as it is certain by now."""
        return self._resampler.feed(audio if self._codec is None else self._codec(audio))

    def flush(self) -> bytes:
        """Return what was kept back, but for half a sample: the stream has ended."""
        return self._resampler.flush()


class Encoder:
    """PCM, made audio of a format. Keeps what the change of rate needs for the next piece."""

    def __init__(self, audio_format: AudioFormat, rate: int = PCM16.rate) -> None:
        """Make an encoder that has kept nothing.

        Args:
            audio_format: of what goes out.
            rate: samples per second of what comes in.

        Raises:
            AudioError: one of the rates is not one of sound.
        """
        self.audio_format = audio_format
        self.rate = rate
        self._codec = _FROM_PCM.get(audio_format.type)
        self._resampler = Resampler(rate, audio_format.rate)

    def encode(self, pcm: bytes, *, last: bool = False) -> bytes:
        """Return the next audio in the format, as far as it is certain by now; with `last`, all that was kept back."""
        resampled = self._resampler.feed(pcm)
        if last:
            resampled += self._resampler.flush()
        return resampled if self._codec is None else self._codec(resampled)
