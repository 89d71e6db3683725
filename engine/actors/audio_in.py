"""The audio-in pump.

owns    nothing: what it takes it hands over in the same step
reads   `microphone`
writes  `input_audio_buffer.append` and marks to `uplink`, in order, behind every command that was given before
lends   `hand_over` to whoever brings the last piece of a frame: its task is for rests, and for when there is no room
ends    with the session
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import trio

from engine.mailboxes import Microphone, Outbound


@attrs.define
class AudioInPump:
    """Moves frames from the application to the connection, as fast as that writes and no faster."""

    microphone: Microphone
    outbound: Outbound
    catch_up: Callable[[], None]
    """Has the router do what is in its inbox: who first commands and then speaks means it in this order."""

    async def run(self) -> None:
        """Pump until cancelled."""
        self.microphone.hand_over = self.hand_over
        while True:
            # One scope for as long as frames come in time: a scope for each costs more than all else that is done here.
            with self.microphone.patience():
                while True:
                    await self.microphone.due()
                    await self._when_there_is_room()
            await self._when_there_is_room()

    def hand_over(self) -> None:
        """Move what there is, up to the longest write, if there is room for it."""
        self.catch_up()
        if self.outbound.has_room:
            self.outbound.put_uplink(*self.microphone.take())

    async def _when_there_is_room(self) -> None:
        # A long piece is many writes, and the socket may have room for all of them: others run in between.
        await trio.lowlevel.checkpoint()
        await self.outbound.room()
        self.hand_over()
