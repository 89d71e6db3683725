"""Reports: what the tool executor, the guardrail debouncer and the player have to say, each passed to its operation."""

from __future__ import annotations

from engine.core.agent_change import SECOND_HANDOFF, hand_off
from engine.core.guardrail_trip import trip
from engine.core.inputs import (
    ApprovalNeeded,
    AudioConsumed,
    CallbackFailed,
    GuardrailVerdict,
    PlaybackReported,
    ToolDone,
    ToolRunning,
)
from engine.core.state import State
from engine.core.tool_call_steps import announce_call, finish_call, request_approval

# --- the tool executor


def approval_needed(s: State, report: ApprovalNeeded) -> None:
    """A call may not run unasked."""
    request_approval(s, report.call_id)


def tool_running(s: State, report: ToolRunning) -> None:
    """A function begins to run."""
    if (call := s.tool_calls.get(report.call_id)) is not None:
        announce_call(s, call)


def tool_done(s: State, report: ToolDone) -> None:
    """A call has its output. A handoff changes the settings first, so that the next response is the new agent's."""
    if (call := s.tool_calls.get(report.call_id)) is None:
        return
    outcome, output = report.outcome, report.output
    if report.next_agent is not None and not hand_off(s, call.response_id, report.next_agent):
        outcome, output = "rejected", SECOND_HANDOFF
    if report.error is not None:
        s.error(report.error)
    finish_call(s, report.call_id, outcome, output)


# --- the guardrail debouncer


def verdict(s: State, report: GuardrailVerdict) -> None:
    """The guardrails have read a response."""
    if report.tripped and (response := s.responses.get(report.response_id)) is not None:
        trip(s, response, report.tripped, report.text)


# --- playback


def audio_consumed(s: State, report: AudioConsumed) -> None:
    """The application took audio."""
    s.ledger.taken(report.item_id, report.content_index, report.nbytes, report.at_ns)


def playback_reported(s: State, report: PlaybackReported) -> None:
    """The application says what it has played."""
    s.ledger.played(report.item_id, report.content_index, report.ms)


# --- functions of the application's


def callback_failed(s: State, report: CallbackFailed) -> None:
    """A function of the application's failed outside of a tool call."""
    s.error(report.error)
