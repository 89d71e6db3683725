"""Sample rates: a streaming resampler between any two, for mono 16-bit PCM, without numpy.

Polyphase, with a Kaiser-windowed sinc as the low-pass filter (Crochiere and Rabiner, "Multirate Digital Signal
Processing", 1983): output sample n lies at input position n * source / target, whose fraction has only as many values
as the reduced target rate; for each of them the filter's taps are computed once. The stream is cut into chunks
anywhere without changing a sample, and is not delayed: the first output sample lies at the first input sample.
"""

from __future__ import annotations

import math
from functools import lru_cache
from operator import mul

from engine.audio.samples import SampleCutter, pcm_of, samples_of
from engine.errors import AudioError

ZERO_CROSSINGS = 10
"""On each side, at the lower of the two rates: the passband is flat to about 0.8 of half that rate."""
_CUTOFF = 0.93
"""Of half the lower rate: the middle of the transition band."""
_KAISER_BETA = 6.0
"""About 60 dB down in the stopband."""
_LOWEST_RATE, _HIGHEST_RATE = 1_000, 384_000


class Resampler:
    """Turns a stream at one rate into the same sound at another.

    Args:
        source: samples per second that come in.
        target: samples per second that go out.
        crossings: how many zero crossings of the filter on each side; fewer are faster and roll off earlier.

    Raises:
        AudioError: a rate below 1 kHz or above 384 kHz.
    """

    def __init__(self, source: int, target: int, *, crossings: int = ZERO_CROSSINGS) -> None:
        for rate in (source, target):
            check_rate(rate)
        common = math.gcd(source, target)
        self._down, self._up = source // common, target // common
        self._taken = 0
        self._given = 0
        self._cutter = SampleCutter()
        self._phases = () if source == target else _phases(self._down, self._up, crossings)
        self._reach = len(self._phases[0]) // 2 if self._phases else 0
        self._start()

    def feed(self, pcm: bytes) -> bytes:
        """The next input; returns the output that is certain by now. Half a sample at the end is kept for later."""
        whole = self._cutter.cut(pcm)
        if not self._phases:
            return whole
        samples = samples_of(whole)
        self._taken += len(samples)
        self._window.extend(map(float, samples))
        return self._output(self._ready())

    def flush(self) -> bytes:
        """The rest of the output, as if silence followed; then the resampler is as new."""
        rest = b""
        if self._phases:
            self._window.extend([0.0] * self._reach)
            total = -(-self._taken * self._up // self._down)
            rest = self._output(self._next + total - self._given)
        self._start()
        return rest

    def _start(self) -> None:
        self._taken = self._given = 0
        self._cutter.drop()
        self._next = 0
        """The next output sample, counted from the input sample that is `reach - 1` into the window."""
        self._window = [0.0] * (self._reach - 1)

    def _ready(self) -> int:
        """Up to which output sample the window has all the input that is needed."""
        room = len(self._window) - 2 * self._reach
        return max(self._next, -(-(room + 1) * self._up // self._down))

    def _output(self, end: int) -> bytes:
        window, phases, up, down, width = self._window, self._phases, self._up, self._down, 2 * self._reach
        made = [
            round(sum(map(mul, phases[n * down % up], window[(at := n * down // up) : at + width])))
            for n in range(self._next, end)
        ]
        cycles = end // up
        del window[: cycles * down]
        self._next = end - cycles * up
        self._given += len(made)
        return pcm_of(made)


def check_rate(rate: int) -> None:
    """Raise AudioError for a rate that is not one of sound: below 1 kHz or above 384 kHz."""
    if not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
        raise AudioError(f"cannot resample at {rate} samples per second")


def resample(pcm: bytes, source: int, target: int, *, crossings: int = ZERO_CROSSINGS) -> bytes:
    """A whole sound at another rate; as long as it was, to within a sample.

    Raises:
        AudioError: a rate below 1 kHz or above 384 kHz.
    """
    resampler = Resampler(source, target, crossings=crossings)
    return resampler.feed(pcm) + resampler.flush()


@lru_cache(maxsize=16)
def _phases(down: int, up: int, crossings: int) -> tuple[tuple[float, ...], ...]:
    """The taps for each fraction of an input sample; each set passes a constant unchanged."""
    narrowing = min(1.0, up / down)
    reach = math.ceil(crossings / narrowing)
    return tuple(_taps(phase / up, reach, narrowing) for phase in range(up))


def _taps(fraction: float, reach: int, narrowing: float) -> tuple[float, ...]:
    taps = [_kernel(k - fraction, reach, narrowing * _CUTOFF) for k in range(1 - reach, reach + 1)]
    gain = sum(taps)
    return tuple(tap / gain for tap in taps)


def _kernel(distance: float, reach: int, cutoff: float) -> float:
    """The windowed sinc at a distance in input samples."""
    edge = distance / reach
    if abs(edge) >= 1:
        return 0.0
    angle = math.pi * cutoff * distance
    sinc = math.sin(angle) / angle if angle else 1.0
    return sinc * _bessel_i0(_KAISER_BETA * math.sqrt(1 - edge * edge))


def _bessel_i0(x: float) -> float:
    """The modified Bessel function of order zero, by its series."""
    term = total = 1.0
    k = 0
    while term > total * 1e-12:
        k += 1
        term *= (x / 2 / k) ** 2
        total += term
    return total
