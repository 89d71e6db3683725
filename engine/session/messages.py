"""What an application may give to `send_message`, and the item it becomes."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Literal

from engine._messages import show, write_path
from engine.errors import MessageError
from engine.outside.files import MEBIBYTE, read_file
from engine.wire.items import InputImage, InputText, Message
from engine.wire.struct import UNSET, evolve

UserInput = str | Message | InputText | InputImage | Mapping[str, object] | Sequence[object]

_MAX_IMAGE_BYTES = 64 * MEBIBYTE
_SIGNATURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def image(source: bytes | str | PathLike[str], detail: Literal["auto", "low", "high"] = "auto") -> InputImage:
    """An image for a message, from its bytes or from a file. PNG and JPEG are what the protocol takes.

    Raises:
        MessageError: it is neither, or the file cannot be read.
    """
    if not isinstance(source, bytes):
        try:
            source = read_file(Path(source), most=_MAX_IMAGE_BYTES)
        except OSError as error:
            raise MessageError(f"the image cannot be read: {error}") from error
    for signature, kind in _SIGNATURES.items():
        if source.startswith(signature):
            return InputImage(f"data:{kind};base64,{base64.b64encode(source).decode()}", detail)
    raise MessageError("the image is neither PNG nor JPEG")


def user_message(given: UserInput) -> Message:
    """A text, a part, a sequence of parts, or a whole message (class or mapping) as one message of the user's.

    Raises:
        MessageError: it is empty or has content that no message can have; the text says where.
    """
    match given:
        case str():
            message = Message(UNSET, "user", (InputText(given),))
        case Message():
            message = given
        case InputText() | InputImage():
            message = Message(UNSET, "user", (given,))
        case {"type": "message", "content": content, **rest}:
            message = Message(UNSET, _role(rest.get("role", "user")), _parts(content))
        case Mapping():
            message = Message(UNSET, "user", (_part(given, "the message"),))
        case Sequence():
            message = Message(UNSET, "user", _parts(given))
        case _:
            raise MessageError(f"a message is a text, a mapping or a sequence of parts, not {type(given).__name__}")
    if not message.content:
        raise MessageError("the message has no content")
    for at, part in enumerate(message.content):
        if isinstance(part, InputText) and not part.text.strip():
            raise MessageError(f"{write_path(('content', at))} of the message is an empty text")
    return evolve(message, status=None)


def _role(role: object) -> str:
    if role in ("user", "system"):
        return str(role)
    raise MessageError(f"a message of role {show(role)} cannot be sent: the roles are 'user' and 'system'")


def _parts(content: object) -> tuple[InputText | InputImage, ...]:
    if isinstance(content, str):
        return (InputText(content),)
    if not isinstance(content, Sequence):
        raise MessageError(f"the content of a message is a sequence of parts, not {type(content).__name__}")
    return tuple(_part(part, write_path(("content", at))) for at, part in enumerate(content))


def _part(part: object, where: str) -> InputText | InputImage:
    match part:
        case InputText() | InputImage():
            return part
        case str():
            return InputText(part)
        case {"type": "input_text", "text": str(text)}:
            return InputText(text)
        case {"type": "input_image", "image_url": str(url), **rest}:
            detail = rest.get("detail", "auto")
            if detail not in ("auto", "low", "high"):
                raise MessageError(f"{where}.detail is {show(detail)}: it may be 'auto', 'low' or 'high'")
            return InputImage(url, str(detail))
        case {"type": kind}:
            raise MessageError(
                f"{where} has type {show(kind)}: a message has parts of type 'input_text' and 'input_image'"
            )
        case _:
            raise MessageError(f"{where} is a {type(part).__name__}: a part is a text or a mapping with a 'type'")
