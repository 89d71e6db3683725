"""RealtimePlaybackTracker: how an application that plays the audio itself says what has reached the ear.

Without reports the engine computes playback in real time from the moment audio is taken. A phone line, a jitter
buffer or a paused player know better: give ``model_config={"playback_tracker": tracker}`` and report.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.audio.buffers import AudioBuffer
from engine.core.inputs import PlaybackReported
from engine.wire.formats import PCM16


class RealtimePlaybackTracker:
    """Playback reports of one session, read by the router before it handles anything else.

    All methods may be called from any task of the session's event loop; none of them waits.
    """

    def __init__(self) -> None:
        self._ms_of: Callable[[str, int, int], int] = lambda item_id, content_index, nbytes: PCM16.ms_of(nbytes)
        self._played_ms: dict[tuple[str, int], float] = {}
        self._played_bytes: dict[tuple[str, int], int] = {}
        self._unread: dict[tuple[str, int], int] = {}
        self._marks: dict[str, tuple[str, int, int]] = {}

    def on_play_ms(self, item_id: str, item_content_index: int, ms: float) -> None:
        """`ms` more milliseconds of an item have been played."""
        key = (item_id, item_content_index)
        self._played_ms[key] = self._played_ms.get(key, 0) + ms
        self._played(key)

    def on_play_bytes(self, item_id: str, item_content_index: int, data: AudioBuffer) -> None:
        """This audio of an item has been played, in pieces of any length, of whatever elements."""
        key = (item_id, item_content_index)
        self._played_bytes[key] = self._played_bytes.get(key, 0) + memoryview(data).nbytes
        self._played(key)

    def _played(self, key: tuple[str, int]) -> None:
        self.on_position(*key, round(self._played_ms.get(key, 0)) + self._ms_of(*key, self._played_bytes.get(key, 0)))

    def on_position(self, item_id: str, item_content_index: int, ms: int) -> None:
        """An item has been played up to `ms`, counted from its beginning."""
        self._unread[item_id, item_content_index] = ms

    def mark(self, item_id: str, item_content_index: int, ms: int) -> str:
        """A name to send down a phone line after `ms` milliseconds of an item; give it to `on_mark` when it returns."""
        name = f"{item_id}:{item_content_index}:{ms}"
        self._marks[name] = (item_id, item_content_index, ms)
        return name

    def on_mark(self, name: str) -> None:
        """A mark came back: everything before it has been played. Unknown marks are ignored."""
        if (position := self._marks.pop(name, None)) is not None:
            self.on_position(*position)

    def bind(self, ms_of: Callable[[str, int, int], int]) -> None:
        """Called by the session that uses it, with how long the first bytes of an item's part last: audio that came
        before the server confirmed another format has its own."""
        self._ms_of = ms_of

    def reports(self) -> list[PlaybackReported]:
        """What has been reported since the last time this was asked."""
        if not self._unread:
            return []
        unread, self._unread = self._unread, {}
        return [PlaybackReported(item_id, content_index, ms) for (item_id, content_index), ms in unread.items()]
