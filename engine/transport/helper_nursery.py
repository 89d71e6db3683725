"""A nursery for a helper of a connection, around a body that is not to notice it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio


@asynccontextmanager
async def helper_nursery() -> AsyncIterator[trio.Nursery]:
    """A nursery for helpers that never fail once the body runs. What the body raises leaves as it was, in no group."""
    alone: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            yield nursery
    except BaseExceptionGroup as group:
        if len(group.exceptions) > 1:
            raise
        alone = group.exceptions[0]
    if alone is not None:
        raise alone
