"""Synthesis with eSpeak NG, through ctypes. Runs in a process of its own: the library is one per process, and GPL.

The library carries the phases of its oscillators and its random numbers from one sentence to the next, so that a
sentence never sounds the same twice, and is not even as long. Where the system can fork, each sentence is made by a
copy of the process as it was at the start: the same words in the same voice are then the same bytes, in every process.
"""

from __future__ import annotations

import ctypes
from functools import partial

import attrs

from engine.audio.resample import resample
from engine.local.speech.copies import in_a_copy

RATE = 22_050
_SYNCHRONOUS = 2
"""espeak_AUDIO_OUTPUT: samples go to the callback, and `espeak_Synth` returns when all have. Uses no thread, which a
copy of the process would not have."""
_SEED = 1
_RESAMPLING_CROSSINGS = 4
"""Fewer than usual: there is little above 9 kHz to go wrong, and a listener waits."""
_UTF8 = 1
_CHARACTER_POSITION = 1
_SPEED, _PITCH = 1, 3
"""espeak_PARAMETER: words a minute, and 0 to 100."""
_WORDS_A_MINUTE = 165

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


@attrs.frozen
class Timbre:
    """One way to speak."""

    name: str
    """The library's name of the voice and its variant."""
    pitch: int = 50
    pace: float = 1.0


TIMBRES = {
    "alloy": Timbre("en-us+f2", 55),
    "ash": Timbre("en-us", 45),
    "ballad": Timbre("en-us+m1", 45),
    "coral": Timbre("en-us+f5", 50),
    "echo": Timbre("en-us", 35),
    "sage": Timbre("en-us+f1", 50),
    "shimmer": Timbre("en-us+f5", 60),
    "verse": Timbre("en-us+m1", 55),
    "marin": Timbre("en-us+f5", 45),
    "cedar": Timbre("en-us+m1", 35),
}
"""The protocol's voices, in timbres that the recognizer understands. Unknown ones speak as the first of them."""


class EspeakSynthesizer:
    """The library, started."""

    def __init__(self) -> None:
        import espeakng_loader

        self._pieces: list[bytes] = []
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        # The library keeps the pointer: the callback must live as long as it does.
        self._callback = _Callback(self._collect)
        data = espeakng_loader.get_data_path().encode()
        rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, 0)
        if rate != RATE:
            raise RuntimeError(f"eSpeak NG started with {rate} samples a second instead of {RATE}")
        self._library.espeak_SetSynthCallback(self._callback)
        self._library.espeak_ng_SetRandSeed(_SEED)

    def speak(self, text: str, voice: str, speed: float) -> bytes:
        """`text` as mono 16-bit PCM at RATE. `voice` is one of TIMBRES; `speed` 1.0 is usual."""
        return in_a_copy(partial(self._speak, text, voice, speed))()

    def _speak(self, text: str, voice: str, speed: float) -> bytes:
        timbre = TIMBRES.get(voice, TIMBRES["alloy"])
        self._library.espeak_SetVoiceByName(timbre.name.encode())
        self._library.espeak_SetParameter(_SPEED, round(_WORDS_A_MINUTE * timbre.pace * speed), 0)
        self._library.espeak_SetParameter(_PITCH, timbre.pitch, 0)
        self._pieces.clear()
        encoded = text.encode()
        failed = self._library.espeak_Synth(encoded, len(encoded) + 1, 0, _CHARACTER_POSITION, 0, _UTF8, None, None)
        return b"" if failed else b"".join(self._pieces)

    def _collect(self, samples: ctypes._Pointer[ctypes.c_short], count: int, events: int | None) -> int:
        if samples and count:
            self._pieces.append(ctypes.string_at(samples, count * 2))
        return 0


def at_rate(pcm: bytes, rate: int) -> bytes:
    """What `speak` gave, at another rate."""
    return resample(pcm, RATE, rate, crossings=_RESAMPLING_CROSSINGS)
