"""The stereo recording of a call: caller left, agent right, as somebody in the middle of the line would have heard it.

Both sides are 16-bit PCM at 24 kHz, whatever the session's formats are: whoever lays sound has converted it.

Sound is laid on a track at its moment and may be taken back until that moment has come (an interruption silences what
was to be played). `advance` writes what has become final, so that a call of any length needs little memory and a call
that ends badly still leaves a file that plays.
"""

from __future__ import annotations

import array
from pathlib import Path

from engine.audio.samples import samples_of
from engine.audio.wav_writer import WavWriter
from engine.wire.formats import PCM16
from engine.wire.units import NS_PER_S


class Track:
    """One side: mono 16-bit PCM at 24 kHz, by position in samples since the beginning of the call."""

    def __init__(self) -> None:
        self._written = 0
        self._waiting = bytearray()

    @property
    def end(self) -> int:
        """The position after the last sound that was laid."""
        return self._written + len(self._waiting) // PCM16.bytes_per_sample

    def lay(self, position: int, pcm: bytes) -> None:
        """Put sound at `position`, over whatever is there. What lies in the part already written is lost."""
        late = max(0, self._written - position)
        pcm = pcm[late * PCM16.bytes_per_sample :]
        at = (max(position, self._written) - self._written) * PCM16.bytes_per_sample
        if at > len(self._waiting):
            self._waiting += bytes(at - len(self._waiting))
        self._waiting[at : at + len(pcm)] = pcm

    def follow(self, position: int, pcm: bytes, *, tolerance: int) -> None:
        """Put sound behind the last one; at `position` if that is more than `tolerance` samples later."""
        self.lay(position if position - self.end > tolerance else self.end, pcm)

    def silence_from(self, position: int) -> None:
        """Take back everything from `position` on."""
        del self._waiting[max(0, position - self._written) * PCM16.bytes_per_sample :]

    def take_until(self, position: int) -> bytes:
        """Everything before `position` that was not taken yet, silence where nothing was laid."""
        size = max(0, position - self._written) * PCM16.bytes_per_sample
        taken = bytes(self._waiting[:size]).ljust(size, b"\0")
        del self._waiting[:size]
        self._written += size // PCM16.bytes_per_sample
        return taken


class Recording:
    """A stereo WAV file that grows with the call."""

    def __init__(self, path: Path, *, began_ns: int) -> None:
        """
        Args:
            path: the file to write.
            began_ns: the moment of its first sample.

        Raises:
            OSError: the file cannot be written.
        """
        self.caller = Track()
        self.agent = Track()
        self._began_ns = began_ns
        self._final = 0
        self._file = WavWriter(path, channels=2, rate=PCM16.rate)

    def position(self, at_ns: int) -> int:
        """A moment as a position in samples."""
        return max(0, (at_ns - self._began_ns) * PCM16.rate // NS_PER_S)

    def advance(self, now_ns: int) -> None:
        """Everything before `now_ns` is final: write it."""
        until = self.position(now_ns)
        if until <= self._final:
            return
        caller, agent = self.caller.take_until(until), self.agent.take_until(until)
        both = array.array("h", bytes(len(caller) + len(agent)))
        both[0::2], both[1::2] = samples_of(caller), samples_of(agent)
        self._file.writeframes(both.tobytes())  # the machine's own byte order: `wave` sees to that of the file
        self._final = until

    def close(self) -> None:
        """No more sound. What was laid for later than the last `advance` was never heard."""
        self._file.close()
