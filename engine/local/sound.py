"""Between the client's audio formats and the model's own: mono 16-bit PCM at 24 kHz."""

from __future__ import annotations

from engine.wire.formats import AudioFormat


class Decoder:
    """A client's audio, made PCM. Keeps a half sample for the next call."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self._format = audio_format
        self._half = b""

    def decode(self, audio: bytes) -> bytes:
        """The next audio as PCM."""
        audio = self._half + audio
        whole = self._format.align(len(audio))
        self._half = audio[whole:]
        return audio[:whole]


class Encoder:
    """PCM, made a client's audio."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self._format = audio_format

    def encode(self, pcm: bytes, *, last: bool) -> bytes:
        """The next audio in the client's format. `last`: also what the conversion held back."""
        return pcm
