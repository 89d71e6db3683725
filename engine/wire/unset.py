"""The difference between a key that is absent and a key that is null."""

import enum
from typing import Final, Literal


class Unset(enum.Enum):
    """The type of `UNSET`: a field that is not on the wire at all (`None` is JSON null)."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> Literal[False]:
        return False


UNSET: Final = Unset.UNSET
