"""Images: how much of them a session keeps, and what stands in the place of those that it does not keep.

An image is a data URI of perhaps megabytes inside an item; all else in a conversation is small beside it. The server
has every image: what is dropped here is missing from the history that the application reads, and from nothing else.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from engine.wire.items import InputImage, Item, Message
from engine.wire.struct import evolve

MOST_IMAGE_CHARACTERS = 32 * 1024 * 1024
"""Limit of the images that are kept, as characters of their URIs."""
DROPPED = "data:,"
"""What an image is that is not kept any more."""

K = TypeVar("K", str, int)


def image_size(item: Item) -> int:
    """Return how many characters the images of an item have."""
    if not isinstance(item, Message):
        return 0
    return sum(len(part.image_url) for part in item.content if isinstance(part, InputImage))


def without_images(item: Item) -> Item:
    """Return the item with `DROPPED` for each image."""
    if not isinstance(item, Message):
        return item
    parts = (evolve(part, image_url=DROPPED) if isinstance(part, InputImage) else part for part in item.content)
    return evolve(item, content=tuple(parts))


class KeptImages(Generic[K]):
    """Which items have images that are kept, oldest first."""

    def __init__(self, most: int = MOST_IMAGE_CHARACTERS) -> None:
        self._most = most
        self._sizes: dict[K, int] = {}
        self._total = 0

    def keep(self, key: K, size: int) -> list[K]:
        """Note the images of an item. Returns the items whose images are to be dropped, so that the limit is held: the
        oldest, and never this one, however large its images are."""
        self.drop(key)
        self._sizes[key] = size
        self._total += size
        too_many = []
        while self._total > self._most and len(self._sizes) > 1:
            oldest = next(iter(self._sizes))
            self.drop(oldest)
            too_many.append(oldest)
        return too_many

    def drop(self, key: K) -> None:
        """Note that the images of an item are gone."""
        self._total -= self._sizes.pop(key, 0)
