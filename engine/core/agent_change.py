"""Another agent takes over: by a handoff, or because the application says so.

The new settings go out at once, before anything that may trigger a response. The application sees the new agent from
then on; responses that the server begins by itself are the old agent's until the server has confirmed the settings.
"""

from __future__ import annotations

import attrs

from engine.core.agent_spec import AgentSpec
from engine.core.effects import HookHandoff
from engine.core.settings_update import send_settings
from engine.core.state import State
from engine.events import Handoff
from engine.wire.struct import UNSET, evolve

SECOND_HANDOFF = "The conversation has already been handed over by another call of the same reply."


def hand_off(s: State, response_id: str, spec: AgentSpec) -> bool:
    """Change to the agent that a call of a response hands over to. Returns whether it was the response's first handoff:
    later ones change nothing."""
    first = s.tool_calls.claim_handoff(response_id)
    if first:
        change_agent(s, spec)
    return first


def change_agent(s: State, spec: AgentSpec) -> None:
    """Make another agent the current one: send its settings, tell the application and the agent's hooks."""
    before, s.agent = s.agent, spec
    if before.session.prompt and spec.session.prompt is UNSET:
        spec = attrs.evolve(spec, session=evolve(spec.session, prompt=None))
    send_settings(s, spec)
    s.emit(Handoff, from_agent=before.agent, to_agent=spec.agent)
    s.effects.tools.append(HookHandoff(spec, before))
