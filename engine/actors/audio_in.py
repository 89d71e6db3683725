"""The audio-in pump.

owns    nothing: what it takes it hands over in the same step
reads   `microphone`
writes  `input_audio_buffer.append` and marks to `uplink`, in order
ends    with the session
"""

from __future__ import annotations

import attrs

from engine.mailboxes import Microphone, Outbound


@attrs.define
class AudioInPump:
    """Moves frames from the application to the connection, as fast as that writes and no faster."""

    microphone: Microphone
    outbound: Outbound

    async def run(self) -> None:
        """Pump until cancelled."""
        while True:
            # One scope for as long as frames come in time: a scope for each costs more than all else that is done here.
            with self.microphone.patience():
                while True:
                    await self.microphone.due()
                    await self._hand_over()
            await self._hand_over()

    async def _hand_over(self) -> None:
        await self.outbound.room()
        self.outbound.put_uplink(*self.microphone.take())
