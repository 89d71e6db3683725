"""What all server events share, and the two kinds that are not in the catalogue."""

from collections.abc import Mapping
from typing import ClassVar

import attrs

from engine.wire.struct import FrozenStruct


class ServerEventBase(FrozenStruct, frozen=True, kw_only=True):
    """`type` is the GA name. `event_id` is empty where a server leaves it out."""

    type: ClassVar[str]
    event_id: str = ""


class UnknownEvent(FrozenStruct, frozen=True):
    """An event of a type that this version does not know, as it came."""

    type: str
    raw: Mapping[str, object]

    @property
    def event_id(self) -> str:
        """Its id, where it has a readable one."""
        value = self.raw.get("event_id")
        return value if isinstance(value, str) else ""


@attrs.frozen
class MalformedEvent:
    """What is not a valid event: no JSON, no object, or a known type whose fields are missing or wrong.

    `raw` is the text as it came. `type`, `event_id` and `response_id` are what it claims to be and to be about, as far
    as that can be read; a response whose `response.done` is malformed has ended all the same.
    """

    reason: str
    raw: bytes | str = attrs.field(repr=lambda raw: repr(raw[:200]))
    type: str = attrs.field(default="", kw_only=True)
    event_id: str = attrs.field(default="", kw_only=True)
    response_id: str = attrs.field(default="", kw_only=True)
