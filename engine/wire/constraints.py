"""What the protocol says about a value beyond its type, as `Annotated` markers on the wire classes.

The client half of the codec ignores them (a server may say more than we know); the checker in `engine.wire.check`
holds them against what a client sends and what an application configures. So each limit is written once, beside its
field.
"""

import attrs


@attrs.frozen(init=False)
class OneOf:
    """A string out of a closed list."""

    values: tuple[str, ...]

    def __init__(self, *values: str) -> None:
        self.__attrs_init__(values)


@attrs.frozen
class Range:
    """A number with `minimum <= value <= maximum`; None leaves a side open."""

    minimum: float | None = None
    maximum: float | None = None


@attrs.frozen
class MaxLength:
    """A string of at most `limit` characters."""

    limit: int


@attrs.frozen
class MapLimits:
    """An object of at most `pairs` keys, with at most so many characters in each key and value."""

    pairs: int
    key_length: int
    value_length: int


@attrs.frozen
class Only:
    """A list of exactly one entry, taken from `values` (the output modalities: audio or text, never both)."""

    values: tuple[str, ...]


@attrs.frozen
class ServerOnly:
    """A field that the server writes and a client may not."""


SERVER_ONLY = ServerOnly()
