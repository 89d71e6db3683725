"""Tables from a type to what is done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from engine.recorder.notes import Notes

T = TypeVar("T")


def on(kind: type[T], handler: Callable[[Notes, T, int], None]) -> tuple[type, Callable[[Notes, Any, int], None]]:
    """One row: what is looked up by the type is of the type."""
    return kind, cast("Callable[[Notes, Any, int], None]", handler)
