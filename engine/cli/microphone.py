"""``--mic``: a microphone and a loudspeaker, by the `sounddevice` package (the extra ``mic``).

PortAudio calls back from a thread of its own: what the microphone heard crosses into the event loop by trio's token,
what the loudspeaker is to play waits in a buffer that the callback empties.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import attrs
import trio

from engine.caller.caller import CallerActions
from engine.caller.utterance import FRAME_MS
from engine.cli.exit_status import CommandFailed, ExitStatus
from engine.wire.formats import PCM16

_FRAMES_WAITING = 250
"""Five seconds of microphone: if the event loop is late by more than this, the oldest sound is lost."""
_BLOCK = PCM16.rate * FRAME_MS // 1000
_STREAM = {"samplerate": PCM16.rate, "channels": 1, "dtype": "int16", "blocksize": _BLOCK}


class SpeakerBuffer:
    """What is still to be played. Filled by the event loop, emptied by PortAudio's thread; implements `Device`.

    Each operation is a single method call on a bytearray or a rebinding of the name, which the interpreter does not
    interleave: no lock is held in the callback.
    """

    def __init__(self) -> None:
        self._waiting = bytearray()

    def play(self, pcm: bytes) -> None:
        """See `Device.play`."""
        self._waiting += pcm

    def stop(self) -> None:
        """See `Device.stop`."""
        self._waiting = bytearray()

    def take(self, size: int) -> bytes:
        """The next `size` bytes, silence where nothing waits."""
        waiting = self._waiting
        piece = bytes(waiting[:size])
        del waiting[:size]
        return piece.ljust(size, b"\0")


@attrs.frozen
class MicrophoneCaller:
    """Somebody at a microphone. The call lasts until they hang up."""

    frames: trio.MemoryReceiveChannel[bytes]
    speaker: SpeakerBuffer

    @property
    def speaks(self) -> bool:
        """See `Caller.speaks`: a microphone feeds the line itself."""
        return False

    async def call(self, actions: CallerActions, began_ns: int, *, greeted: bool) -> None:
        """See `Caller.call`. What was heard before the line was open does not belong to the call."""
        with suppress(trio.WouldBlock):
            while True:
                self.frames.receive_nowait()
        async for frame in self.frames:
            await actions.feed(frame)


@contextmanager
def open_microphone() -> Iterator[MicrophoneCaller]:
    """Start the default microphone and loudspeaker, from inside the event loop.

    Raises:
        CommandFailed: the extra is not installed, or there is no device.
    """
    sounddevice = _sounddevice()
    send, receive = trio.open_memory_channel[bytes](_FRAMES_WAITING)
    token = trio.lowlevel.current_trio_token()
    speaker = SpeakerBuffer()

    def enqueue(frame: bytes) -> None:
        if receive.statistics().current_buffer_used == _FRAMES_WAITING:
            receive.receive_nowait()
        send.send_nowait(frame)

    def heard(data: Any, frames: int, when: object, status: object) -> None:
        token.run_sync_soon(enqueue, bytes(data))

    def wanted(data: Any, frames: int, when: object, status: object) -> None:
        data[:] = speaker.take(len(data))

    try:
        with (
            sounddevice.RawInputStream(callback=heard, **_STREAM),
            sounddevice.RawOutputStream(callback=wanted, **_STREAM),
        ):
            yield MicrophoneCaller(receive, speaker)
    except sounddevice.PortAudioError as error:
        raise CommandFailed(
            ExitStatus.EXTRA_MISSING, f"--mic: there is no usable microphone and loudspeaker: {error}"
        ) from error


def _sounddevice() -> Any:
    try:
        return importlib.import_module("sounddevice")
    except ImportError as error:
        raise CommandFailed(
            ExitStatus.EXTRA_MISSING, "--mic needs an extra that is not installed: pip install 'engine[mic]'"
        ) from error
    except OSError as error:
        raise CommandFailed(
            ExitStatus.EXTRA_MISSING,
            f"--mic: {error}: install PortAudio (Debian and Ubuntu: apt install libportaudio2)",
        ) from error
