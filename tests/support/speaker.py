"""The computed speaker, fed as the recorder feeds it."""

from __future__ import annotations

from engine.latency.playout import PART, Playout


def take(playout: Playout, response: str, item: str, nbytes: int, now: int, audible: int | None = None) -> int | None:
    """Give it a piece of an item, audible from byte `audible` on. Returns the nanoseconds for which it had run dry."""
    if (stalled_ns := playout.taken(item, PART, nbytes, now)) is None:
        playout.begin(response, item, nbytes, now)
    if audible is not None:
        playout.heard_from(item, audible, nbytes)
    return stalled_ns
