"""RealtimePlaybackTracker: how an application that plays the audio itself says what has reached the ear.

Without reports the engine computes playback in real time from the moment audio is taken. A phone line, a jitter
buffer or a paused player know better: give ``model_config={"playback_tracker": tracker}`` and report.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from engine._messages import show
from engine.audio.buffers import AudioBuffer
from engine.core.inputs import PlaybackReported
from engine.errors import ReportError, SettingsError
from engine.wire.formats import PCM16

_Part = tuple[str, int]
"""An item, and the index of its content that is played."""

LONGEST_MS = 2**53
"""The last millisecond that a report may name: beyond it numbers are not exact."""


class RealtimePlaybackTracker:
    """Playback reports of one session, read by the router before it handles anything else.

    All methods may be called from any task of the session's event loop; none of them waits. Those that report raise
    ReportError for what is no position in an item.
    """

    def __init__(self) -> None:
        self._ms_of: Callable[[str, int, int], int] | None = None
        self._forget()

    def _forget(self) -> None:
        self._played_ms: dict[_Part, float] = {}
        self._played_bytes: dict[_Part, int] = {}
        self._unread: dict[_Part, int] = {}
        self._marks: dict[str, tuple[_Part, int]] = {}

    def on_play_ms(self, item_id: str, item_content_index: int, ms: float) -> None:
        """Report that `ms` more milliseconds of an item have been played."""
        part = _part(item_id, item_content_index)
        self._played_ms[part] = _milliseconds(self._played_ms.get(part, 0) + _milliseconds(ms))
        self._played(part)

    def on_play_bytes(self, item_id: str, item_content_index: int, data: AudioBuffer) -> None:
        """Report that this audio of an item has been played, in pieces of any length, of whatever elements."""
        part = _part(item_id, item_content_index)
        try:
            size = memoryview(data).nbytes
        except TypeError:
            raise ReportError(f"the audio that was played is bytes or an array, not {type(data).__name__}") from None
        self._played_bytes[part] = self._played_bytes.get(part, 0) + size
        self._played(part)

    def _played(self, part: _Part) -> None:
        nbytes = self._played_bytes.get(part, 0)
        ms_of_bytes = PCM16.ms_of(nbytes) if self._ms_of is None else self._ms_of(*part, nbytes)
        self._unread[part] = round(self._played_ms.get(part, 0)) + ms_of_bytes

    def on_position(self, item_id: str, item_content_index: int, ms: float) -> None:
        """Report that an item has been played up to `ms`, counted from its beginning."""
        self._unread[_part(item_id, item_content_index)] = int(_milliseconds(ms))

    def mark(self, item_id: str, item_content_index: int, ms: float) -> str:
        """Return a name to send down a phone line after `ms` milliseconds of an item; give it to `on_mark` when it
        returns."""
        part, at = _part(item_id, item_content_index), int(_milliseconds(ms))
        name = f"{item_id}:{item_content_index}:{at}"
        self._marks[name] = part, at
        return name

    def on_mark(self, name: str) -> None:
        """Report that a mark came back: everything before it has been played. Unknown marks are ignored."""
        if isinstance(name, str) and (position := self._marks.pop(name, None)) is not None:
            part, at = position
            self._unread[part] = at

    def bind(self, ms_of: Callable[[str, int, int], int]) -> None:
        """Belong to a session from now on, until it releases this.

        Args:
            ms_of: returns how long the first bytes of an item's content last, in milliseconds: audio that came before
                the server confirmed another format has its own.

        Raises:
            SettingsError: it belongs to another session, which is not over.
        """
        if self._ms_of is not None:
            raise SettingsError(
                "model_config.playback_tracker: this one belongs to a session that is not over: "
                "make a RealtimePlaybackTracker for each session"
            )
        self._forget()
        self._ms_of = ms_of

    def release(self) -> None:
        """Belong to no session any more."""
        self._ms_of = None

    def reports(self) -> list[PlaybackReported]:
        """Return the reports received since the previous call."""
        if not self._unread:
            return []
        unread, self._unread = self._unread, {}
        return [PlaybackReported(item_id, content_index, ms) for (item_id, content_index), ms in unread.items()]


def _part(item_id: object, content_index: object) -> _Part:
    if not isinstance(item_id, str) or isinstance(content_index, bool) or not isinstance(content_index, int):
        given = f"{type(item_id).__name__} and {type(content_index).__name__}"
        raise ReportError(f"a report is of an item's id and the index of its content, not of {given}")
    if not 0 <= content_index < LONGEST_MS:
        raise ReportError(f"the index of an item's content is not {show(content_index)}")
    return item_id, content_index


def _milliseconds(ms: object) -> float:
    if isinstance(ms, bool) or not isinstance(ms, int | float):
        raise ReportError(f"milliseconds are a number, not {type(ms).__name__}")
    if not 0 <= ms <= LONGEST_MS or math.isnan(ms):
        raise ReportError(f"milliseconds of audio lie between 0 and {LONGEST_MS}, not at {show(ms)}")
    return ms
