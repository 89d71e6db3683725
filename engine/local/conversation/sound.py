"""Between the client's audio formats and the model's own: mono 16-bit PCM at 24 kHz."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.audio.g711 import alaw_to_pcm, pcm_to_alaw, pcm_to_ulaw, ulaw_to_pcm
from engine.audio.resample import Resampler
from engine.wire.formats import G711_ALAW, G711_ULAW, PCM16, AudioFormat

_Codec = Callable[[bytes], bytes]
_TO_PCM: Mapping[str, _Codec] = {G711_ULAW.type: ulaw_to_pcm, G711_ALAW.type: alaw_to_pcm}
_FROM_PCM: Mapping[str, _Codec] = {G711_ULAW.type: pcm_to_ulaw, G711_ALAW.type: pcm_to_alaw}


class Decoder:
    """A client's audio, made PCM. Keeps half a sample, and what the change of rate needs, for the next
    call."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self._codec = _TO_PCM.get(audio_format.type)
        self._resampler = Resampler(audio_format.rate, PCM16.rate)

    def decode(self, audio: bytes) -> bytes:
        """The next audio as PCM."""
        return self._resampler.feed(audio if self._codec is None else self._codec(audio))

    def flush(self) -> bytes:
        """What was kept back, but for half a sample."""
        return self._resampler.flush()


class Encoder:
    """PCM, made a client's audio."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self._codec = _FROM_PCM.get(audio_format.type)
        self._resampler = Resampler(PCM16.rate, audio_format.rate)

    def encode(self, pcm: bytes, *, last: bool) -> bytes:
        """The next audio in the client's format. `last`: also what was kept back for the change of rate."""
        resampled = self._resampler.feed(pcm)
        if last:
            resampled += self._resampler.flush()
        return resampled if self._codec is None else self._codec(resampled)
