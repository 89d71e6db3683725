"""What a vendor adds to the protocol: keys that are sent as they are, beside the published ones of an object.

A class that may have such keys has a field `extra` and says `beside = ("extra",)`: it is no key on the wire. Its keys
are written beside those of the object itself, and inside the objects of the same names. It is never read: what a server
echoes is its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine._messages import KeyPath
from engine.secret.value import sealed

ExtraKeys = Mapping[str, object]

_ADDED_TO = "tools"
"""A list to whose published entries the extra ones are added; every other list of the same name is replaced."""


class Extra(dict[str, object]):
    """Extra keys of settings. What they hold may be a secret of the vendor's: every text in them is a `Secret`."""

    def __init__(self, keys: Mapping[str, object]) -> None:
        try:
            super().__init__({name: sealed(each) for name, each in keys.items()})
        except RecursionError:
            super().__init__(keys)  # it cannot be sent, which whoever wants to is told

    @classmethod
    def of(cls, keys: Mapping[str, object]) -> Extra:
        """Return keys as extra ones: themselves, if they are."""
        return keys if isinstance(keys, Extra) else cls(keys)

    def __repr__(self) -> str:
        return f"Extra({', '.join(map(repr, self))})"


def laid_over(base: Mapping[str, object], extra: Mapping[str, object]) -> dict[str, object]:
    """Return `base` with `extra` laid over it: objects key by key, everything else replaced."""
    merged = dict(base)
    for key, value in extra.items():
        below = merged.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        merged[key] = laid_over(below, value) if both else value  # type: ignore[arg-type]
    return merged


def without(extra: Mapping[str, object], path: Sequence[str]) -> Extra:
    """Return extra keys without the one at `path`, if it is there."""
    first, *rest = path
    kept = Extra(extra)
    inner = kept.get(first)
    if not rest:
        kept.pop(first, None)
    elif isinstance(inner, Mapping):
        kept[first] = without(inner, rest)
    return kept


def with_extra(written: Mapping[str, object], extra: object) -> dict[str, object]:
    """Return an object as it is sent: with the extra keys, and the extra tools behind the published ones.

    Raises:
        TypeError: `extra` is no mapping.
    """
    if not isinstance(extra, Mapping):
        raise TypeError(f"extra is a mapping of keys, not {type(extra).__name__}")
    sent = laid_over(written, extra)
    published, added = written.get(_ADDED_TO), extra.get(_ADDED_TO)
    if isinstance(published, list | tuple) and isinstance(added, list | tuple):
        sent[_ADDED_TO] = [*published, *added]
    return sent


def find_disagreement(given: Mapping[str, object], extra: Mapping[str, object]) -> KeyPath | None:
    """Return the path of the first key that `extra` gives another value than `given` does; None if there is none."""
    for key, value in extra.items():
        here = given.get(key, value)
        if here == value or (key == _ADDED_TO and isinstance(here, list | tuple) and isinstance(value, list | tuple)):
            continue
        path = _first_difference(here, value)
        if path is not None:
            return (key, *path)
    return None


def _first_difference(here: object, value: object) -> KeyPath | None:
    if here == value:
        return None
    if not (isinstance(here, Mapping) and isinstance(value, Mapping)):
        return ()
    for key in filter(here.__contains__, value):
        if (path := _first_difference(here[key], value[key])) is not None:
            return (key, *path)
    return None
