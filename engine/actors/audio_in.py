"""The audio-in pump.

owns    the frames that it has taken and not yet handed over
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
            await self.outbound.put_uplink(*await self.microphone.take())
