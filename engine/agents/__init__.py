"""Declarations of an application: agents, tools, handoffs, guardrails and hooks.

Names (see `engine.agents.exports`) are imported when the first of them is used; what reads type hints (`msgspec`) is
imported when the first tool is made.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.agents.exports import *  # noqa: F403


def __getattr__(name: str) -> object:
    from importlib import import_module

    exports = {key: value for key, value in vars(import_module("engine.agents.exports")).items() if key[0] != "_"}
    if name == "__all__":
        return list(exports)
    if name not in exports:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals().update(exports)
    return exports[name]
