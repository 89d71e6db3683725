"""Assembly: WebSocket frames to whole messages."""

from __future__ import annotations

from websockets.frames import Frame, Opcode

# Looking a member up on the enum class costs as much as the rest of a step.
_TEXT = Opcode.TEXT
_BINARY = Opcode.BINARY
_CONTINUATION = Opcode.CONT


class Assembly:
    """Holds the fragments of the one message that may be incomplete. The core has checked their order and size."""

    def __init__(self) -> None:
        self.open = False
        """A message has begun and not ended."""
        self._fragments = bytearray()
        self._is_text = True

    def add(self, frame: Frame) -> str | bytes | None:
        """The message that `frame` completes, if it does: `str` for text, `bytes` for binary.

        Raises:
            UnicodeDecodeError: a text message that is not UTF-8.
        """
        opcode = frame.opcode
        if opcode is _TEXT:
            if frame.fin:
                return str(frame.data, "utf-8")
        elif opcode is _BINARY:
            if frame.fin:
                return bytes(frame.data)
        elif opcode is _CONTINUATION:
            self._fragments += frame.data
            return self._whole() if frame.fin else None
        else:
            return None
        self.open = True
        self._is_text = opcode is _TEXT
        self._fragments += frame.data
        return None

    def _whole(self) -> str | bytes:
        whole, self._fragments = self._fragments, bytearray()
        self.open = False
        return whole.decode() if self._is_text else bytes(whole)
