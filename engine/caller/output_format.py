"""Which format the agent's audio is in, as the events of a call tell it, in order with the audio itself."""

from __future__ import annotations

import attrs

from engine.caller.call_events import CallBegan, CallEvent
from engine.events import SettingsUpdated
from engine.wire.formats import PCM16, AudioFormat


@attrs.define
class OutputFormat:
    """The format of the audio that comes next. Whoever plays, measures or writes down a call keeps one."""

    current: AudioFormat = PCM16

    def on_event(self, event: CallEvent) -> None:
        """Note the format that an event tells."""
        if isinstance(event, CallBegan | SettingsUpdated):
            self.current = event.output_format
