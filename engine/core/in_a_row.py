"""How often the engine asks for something by itself, with nobody else taking part."""

from __future__ import annotations

import attrs


@attrs.define
class InARow:
    """A count of times in a row. A bound of None is no bound."""

    count: int = 0

    def once_more(self, most: int | None) -> bool:
        """Count one more time. Returns whether that is within the bound."""
        self.count += 1
        return most is None or self.count <= most

    def just_exceeded(self, most: int | None) -> bool:
        """Return whether the last time that was counted is the first one too many."""
        return most is not None and self.count == most + 1

    def end(self) -> None:
        """Somebody took part: the next time is the first one."""
        self.count = 0
