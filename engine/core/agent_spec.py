"""AgentSpec: what the machine knows of an agent, once its functions have been evaluated.

The machine decides by this data alone. The declarations themselves ride along unopened, for the actors to call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from engine.wire.session import Session


@attrs.frozen
class ToolSpec:
    """One name the model may call."""

    name: str
    kind: Literal["function", "handoff"]
    declared: object
    """The `FunctionTool` or `Handoff` as the application wrote it."""
    on_interruption: Literal["finish", "cancel"] = "finish"
    """What becomes of a running call when the user interrupts the response that made it."""


@attrs.frozen
class AgentSpec:
    """One agent, ready to be used in a session."""

    name: str
    agent: object
    """The `RealtimeAgent` as the application wrote it."""
    session: Session
    """The settings that make the server speak as this agent."""
    tools: Mapping[str, ToolSpec] = attrs.field(factory=dict)
