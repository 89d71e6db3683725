"""RealtimePlaybackTracker: how an application that plays the audio itself says what has reached the ear.

Without reports the engine computes playback in real time from the moment audio is taken. A phone line, a jitter
buffer or a paused player know better: give ``model_config={"playback_tracker": tracker}`` and report.
"""

from __future__ import annotations

from engine.core.inputs import PlaybackReported
from engine.wire.formats import PCM16, AudioFormat


class RealtimePlaybackTracker:
    """Playback reports of one session, read by the router before it handles anything else.

    All methods may be called from any task of the session's event loop; none of them waits.
    """

    def __init__(self) -> None:
        self._audio_format = PCM16
        self._bytes: dict[tuple[str, int], int] = {}
        self._unread: dict[tuple[str, int], int] = {}
        self._marks: dict[str, tuple[str, int, int]] = {}

    def on_play_ms(self, item_id: str, item_content_index: int, ms: float) -> None:
        """`ms` more milliseconds of an item have been played."""
        self.on_play_bytes(item_id, item_content_index, b"", _nbytes=self._audio_format.bytes_of(round(ms)))

    def on_play_bytes(self, item_id: str, item_content_index: int, data: bytes, *, _nbytes: int | None = None) -> None:
        """These bytes of an item have been played."""
        key = (item_id, item_content_index)
        self._bytes[key] = self._bytes.get(key, 0) + (len(data) if _nbytes is None else _nbytes)
        self.on_position(item_id, item_content_index, self._audio_format.ms_of(self._bytes[key]))

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

    def bind(self, audio_format: AudioFormat) -> None:
        """Called by the session that uses it."""
        self._audio_format = audio_format

    def reports(self) -> list[PlaybackReported]:
        """What has been reported since the last time this was asked."""
        if not self._unread:
            return []
        unread, self._unread = self._unread, {}
        return [PlaybackReported(item_id, content_index, ms) for (item_id, content_index), ms in unread.items()]
