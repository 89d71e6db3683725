"""Another agent: its settings, its voice, and what is still the old agent's."""

from __future__ import annotations

import attrs
import pytest

from engine.core.agent_change import SECOND_HANDOFF
from engine.core.agent_spec import AgentSpec
from engine.core.effects import HookHandoff
from engine.core.inputs import Connected, ToolDone, UpdateAgent
from engine.errors import SettingsError
from engine.events import Error, Handoff, ToolEnd
from engine.wire.client_events import ConversationItemCreate, ResponseCreate, SessionUpdate
from engine.wire.server_events import SessionUpdated
from engine.wire.session import Audio, AudioOutput, Prompt, Session
from engine.wire.struct import UNSET
from tests.core.driving import AGENT, OTHER, Driven
from tests.support.talk import begins, calls, ends, speaks


def test_another_agent_brings_its_settings_at_once() -> None:
    d = Driven().tell(begins("r"), UpdateAgent(OTHER))
    assert [event.session.instructions for event in d.sent(SessionUpdate)] == ["back"]
    (handoff,) = d.seen(Handoff)
    assert (handoff.from_agent, handoff.to_agent) == ("front", "back")
    assert HookHandoff(OTHER, AGENT) in d.tools
    assert d.machine.agent is OTHER


def test_a_running_response_stays_the_old_agents_until_the_settings_are_confirmed() -> None:
    d = Driven().tell(UpdateAgent(OTHER), begins("own"), ends("own"), SessionUpdated(Session()))
    d.tell(SessionUpdated(Session()), begins("next"))
    assert [event.agent for event in d.events if event.type == "agent_start"] == ["front", "back"]


def test_a_stored_prompt_of_the_agent_before_goes() -> None:
    prompted = AgentSpec("p", "p", Session(prompt=Prompt("stored")))
    d = Driven(prompted).tell(UpdateAgent(OTHER))
    assert d.sent(SessionUpdate)[0].session.prompt is None


def with_voice(name: str, voice: str) -> AgentSpec:
    return AgentSpec(name, name, Session(audio=Audio(output=AudioOutput(voice=voice))))


def test_a_voice_may_change_before_anything_was_said() -> None:
    d = Driven(with_voice("a", "ash")).tell(UpdateAgent(with_voice("b", "coral")))
    session = d.sent(SessionUpdate)[0].session
    assert isinstance(session, Session)
    assert isinstance(session.audio, Audio)
    assert isinstance(session.audio.output, AudioOutput)
    assert session.audio.output.voice == "coral"
    assert not d.seen(Error)


@pytest.mark.parametrize(("voice", "complaints"), [("coral", 1), ("ash", 0)])
def test_a_voice_cannot_change_after_speech(voice: str, complaints: int) -> None:
    d = Driven(with_voice("a", "ash")).tell(begins("r"), *speaks("r", "i", "hi", 0.1), ends("r"))
    d.tell(UpdateAgent(with_voice("b", voice)))
    session = d.sent(SessionUpdate)[0].session
    assert isinstance(session, Session)
    assert isinstance(session.audio, Audio)
    assert isinstance(session.audio.output, AudioOutput)
    assert session.audio.output.voice is UNSET
    assert [type(event.error) for event in d.seen(Error)] == [SettingsError] * complaints


def test_the_model_is_not_sent_again() -> None:
    spec = AgentSpec("a", "a", Session(model="gpt-realtime"))
    d = Driven(spec, opened=False).tell(Connected(spec))
    assert d.sent(SessionUpdate)[0].session == attrs.evolve(spec.session, model=UNSET)


# --- handoffs


def calling(*names: str) -> Driven:
    """A response that has called tools and is over."""
    d = Driven().tell(begins("r"), *calls("r", *((f"c{at}", name, "{}") for at, name in enumerate(names))), ends("r"))
    return d.forget()


def test_settings_go_out_before_the_output_and_the_output_before_the_request() -> None:
    d = calling("tool").tell(ToolDone("c0", "result", "to back", next_agent=OTHER))
    assert [type(event) for event in d.wire] == [SessionUpdate, ConversationItemCreate, ResponseCreate]
    assert d.seen(ToolEnd)[0].agent == "front"
    d.tell(begins("s", "req_1"))
    assert d.events[-1].agent == "back"  # type: ignore[union-attr]


def test_of_two_handoffs_in_one_response_the_first_counts() -> None:
    d = calling("tool", "tool")
    d.tell(ToolDone("c1", "result", "to back", next_agent=OTHER))
    d.tell(ToolDone("c0", "result", "to back too", next_agent=OTHER))
    assert len(d.sent(SessionUpdate)) == 1
    ended = {event.call_id: (event.outcome, event.output) for event in d.seen(ToolEnd)}
    assert ended == {"c1": ("result", "to back"), "c0": ("rejected", SECOND_HANDOFF)}
    outputs = [event.item.output for event in d.sent(ConversationItemCreate) if event.item.type != "message"]
    assert outputs == ["to back", SECOND_HANDOFF]
