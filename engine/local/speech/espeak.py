"""Synthesis with eSpeak NG, through ctypes. Runs in the child process: the library is one per process, and it is GPL.

Its audio comes at 22,050 samples a second. The same text in the same voice sounds the same each time, but for the
last bits: the library carries the phase of its oscillators from one utterance to the next.
"""

from __future__ import annotations

import ctypes

import attrs

RATE = 22_050
_RETRIEVAL = 1
"""espeak_AUDIO_OUTPUT: samples go to the callback, and `espeak_Synth` returns when all have."""
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
    "coral": Timbre("en-us+f3", 55),
    "echo": Timbre("en-us+m3", 40),
    "sage": Timbre("en-us+f4", 50),
    "shimmer": Timbre("en-us+f2", 65),
    "verse": Timbre("en-us+m1", 55),
    "marin": Timbre("en-us+f3", 50),
    "cedar": Timbre("en-us+m3", 35),
}
"""The protocol's voices. Unknown ones speak as the first of them."""


class Synthesiser:
    """The library, started."""

    def __init__(self) -> None:
        import espeakng_loader

        self._pieces: list[bytes] = []
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        # The library keeps the pointer: the callback must live as long as it does.
        self._callback = _Callback(self._collect)
        data = espeakng_loader.get_data_path().encode()
        rate = self._library.espeak_Initialize(_RETRIEVAL, 0, data, 0)
        if rate != RATE:
            raise RuntimeError(f"eSpeak NG started with {rate} samples a second instead of {RATE}")
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: str, speed: float) -> bytes:
        """`text` as mono 16-bit PCM at RATE. `voice` is one of TIMBRES; `speed` 1.0 is usual."""
        timbre = TIMBRES.get(voice, TIMBRES["alloy"])
        self._library.espeak_SetVoiceByName(timbre.name.encode())
        self._library.espeak_SetParameter(_SPEED, round(_WORDS_A_MINUTE * timbre.pace * speed), 0)
        self._library.espeak_SetParameter(_PITCH, timbre.pitch, 0)
        self._pieces.clear()
        encoded = text.encode()
        failed = self._library.espeak_Synth(encoded, len(encoded) + 1, 0, _CHARACTER_POSITION, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        return b"" if failed else b"".join(self._pieces)

    def _collect(self, samples: ctypes._Pointer[ctypes.c_short], count: int, events: int | None) -> int:
        if samples and count:
            self._pieces.append(ctypes.string_at(samples, count * 2))
        return 0
