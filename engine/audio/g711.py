"""G.711, the companding of the telephone network: one byte stands for a 16-bit sample (ITU-T G.711; the rounding of
negative samples is that of the reference code in ITU-T G.191).

Both directions are table look-ups. Decoding is two `bytes.translate`, one for each half of the samples; the tables for
encoding have an entry for each of the 65,536 samples and are filled by intervals at the first use.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from engine.audio.samples import pcm_of, samples_of

_CODES = 256
_SAMPLES = 65536
_SIGN = 0x80
_ULAW_BIAS = 132
_ULAW_INVERTED = 0xFF
_ALAW_INVERTED = 0x55


def ulaw_to_pcm(audio: bytes) -> bytes:
    """µ-law bytes as 16-bit PCM of the same rate."""
    return _decode(audio, _halves("ulaw"))


def alaw_to_pcm(audio: bytes) -> bytes:
    """A-law bytes as 16-bit PCM of the same rate."""
    return _decode(audio, _halves("alaw"))


def pcm_to_ulaw(pcm: bytes) -> bytes:
    """16-bit PCM as µ-law bytes of the same rate.

    Raises:
        AudioError: an odd number of bytes.
    """
    return _encode(pcm, _code_table("ulaw"))


def pcm_to_alaw(pcm: bytes) -> bytes:
    """16-bit PCM as A-law bytes of the same rate.

    Raises:
        AudioError: an odd number of bytes.
    """
    return _encode(pcm, _code_table("alaw"))


def _decode(audio: bytes, halves: tuple[bytes, bytes]) -> bytes:
    pcm = bytearray(2 * len(audio))
    pcm[0::2] = audio.translate(halves[0])
    pcm[1::2] = audio.translate(halves[1])
    return bytes(pcm)


def _encode(pcm: bytes, table: bytes) -> bytes:
    # A negative sample indexes from the end of the table, which is where its code is.
    return bytes([table[sample] for sample in samples_of(pcm)])


@lru_cache(maxsize=2)
def _halves(law: str) -> tuple[bytes, bytes]:
    """The low and the high bytes of the samples that the 256 codes stand for."""
    decoded = [0] * _CODES
    for code, lowest, above in _intervals(law):
        middle = (lowest + above) // 2
        decoded[code | _SIGN] = middle
        decoded[code] = -middle
    inverted = _inverted(law)
    pcm = pcm_of(decoded[code ^ inverted] for code in range(_CODES))
    return pcm[0::2], pcm[1::2]


@lru_cache(maxsize=2)
def _code_table(law: str) -> bytes:
    """For each sample its code; negative samples at their place from the end."""
    table = bytearray(_SAMPLES)
    inverted = _inverted(law)
    for code, lowest, above in _intervals(law):
        last = code == _CODES // 2 - 1  # takes all that is louder
        first, end = max(lowest, 0), _SAMPLES // 2 if last else above
        table[first:end] = bytes([(code | _SIGN) ^ inverted]) * (end - first)
        # one's complement: -1 is coded as 0 is, but for the sign
        table[_SAMPLES - end : _SAMPLES - first] = bytes([code ^ inverted]) * (end - first)
    return bytes(table)


def _inverted(law: str) -> int:
    """What is exclusive-ored to a code on the line. In µ-law the sign is inverted too: there 1 means positive here."""
    return _ULAW_INVERTED & ~_SIGN if law == "ulaw" else _ALAW_INVERTED


def _intervals(law: str) -> Iterator[tuple[int, int, int]]:
    """Every code of a positive sample, with the samples it stands for: the lowest, and the one above the highest.

    In µ-law the first step reaches around zero: its middle is zero, and encoding takes what is not negative.
    """
    for code in range(_CODES // 2):
        segment, step = divmod(code, 16)
        if law == "ulaw":
            lowest = ((16 + step) << (segment + 3)) - _ULAW_BIAS
            above = ((17 + step) << (segment + 3)) - _ULAW_BIAS
        elif segment == 0:
            lowest, above = step << 4, (step + 1) << 4
        else:
            lowest, above = (16 + step) << (segment + 3), (17 + step) << (segment + 3)
        yield code, lowest, above
