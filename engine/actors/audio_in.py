"""The audio-in pump.

owns    nothing: what it takes it moves on in the same step
reads   `microphone`
writes  `input_audio_buffer.append` and client events among the audio to `uplink`, in order
ends    with the session

Whoever puts the last piece of a frame moves it on directly (`mailboxes/direct`). This task moves what is left: rests of
frames when they have waited long enough, and everything while the connection has no room.
"""

from __future__ import annotations

import attrs
import trio

from engine.mailboxes import DirectAudio, Microphone, Outbound


@attrs.define
class AudioInPump:
    """Moves audio from the application to the connection, as fast as that writes and no faster."""

    microphone: Microphone
    outbound: Outbound
    direct_audio: DirectAudio

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Pump until cancelled."""
        while True:
            # One scope for as long as frames come in time: a scope for each costs more than all else that is done here.
            with self.microphone.flush_scope():
                while True:
                    await self.microphone.frame()
                    await self._when_there_is_room()
            await self._when_there_is_room()

    async def _when_there_is_room(self) -> None:
        # A long piece is many writes, and the socket may have room for all of them: others run in between.
        await trio.lowlevel.checkpoint()
        await self.outbound.room()
        self.direct_audio.flush()
