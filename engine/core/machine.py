"""The machine: one input at a time in, effects out.

``handle(input, now)`` looks the input's class up in one table, lets the module for it change the state, asks the
arbiter whether it is time to speak, and leaves what is to be done in ``effects``. It never waits, reads no clock and
draws no random number: the same inputs at the same times give the same effects, and a test can be the clock.
Every input is handled completely before the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import attrs

from engine.core import (
    inputs,
    on_command,
    on_lifecycle,
    on_report,
    on_server_conversation,
    on_server_response,
    on_server_session,
)
from engine.core.addressing import tell_by_ids
from engine.core.agent_spec import AgentSpec
from engine.core.conversation import History
from engine.core.effects import Effects
from engine.core.inputs import Input
from engine.core.playback import PlaybackLedger
from engine.core.state import RequestSnapshot, Rules, State
from engine.core.tool_calls import CallState
from engine.wire import server_events as server
from engine.wire.response import Usage
from engine.wire.server_session import ErrorDetail
from engine.wire.units import NS_PER_S

Handler = Callable[[State, object], None]
In = TypeVar("In")


def _on(kind: type[In], handler: Callable[[State, In], None]) -> tuple[type, Handler]:
    return kind, cast("Handler", handler)


TABLE: dict[type, Handler] = dict(
    [
        # a response
        _on(server.ResponseOutputAudioDelta, on_server_response.audio_delta),
        _on(server.ResponseOutputAudioTranscriptDelta, on_server_response.transcript_delta),
        _on(server.ResponseOutputTextDelta, on_server_response.text_delta),
        _on(server.ResponseCreated, on_server_response.created),
        _on(server.ResponseDone, on_server_response.done),
        _on(server.ResponseOutputItemAdded, on_server_response.item_added),
        _on(server.ResponseOutputItemDone, on_server_response.item_done),
        _on(server.ResponseContentPartAdded, on_server_response.part_added),
        _on(server.ResponseContentPartDone, on_server_response.part_done),
        _on(server.ResponseOutputAudioDone, on_server_response.audio_done),
        _on(server.ResponseOutputAudioTranscriptDone, on_server_response.transcript_done),
        _on(server.ResponseOutputTextDone, on_server_response.text_done),
        _on(server.ResponseFunctionCallArgumentsDelta, on_server_response.arguments_delta),
        _on(server.ResponseFunctionCallArgumentsDone, on_server_response.arguments_done),
        # the conversation
        _on(server.ConversationItemAdded, on_server_conversation.added),
        _on(server.ConversationItemDone, on_server_conversation.done),
        _on(server.ConversationItemDeleted, on_server_conversation.deleted),
        _on(server.InputAudioBufferSpeechStarted, on_server_conversation.speech_started),
        _on(server.InputAudioBufferSpeechStopped, on_server_conversation.speech_stopped),
        _on(server.InputAudioBufferCommitted, on_server_conversation.committed),
        _on(server.InputAudioBufferCleared, on_server_conversation.cleared),
        _on(server.InputAudioBufferTimeoutTriggered, on_server_conversation.timeout_triggered),
        _on(server.ConversationItemInputAudioTranscriptionDelta, on_server_conversation.transcription_delta),
        _on(server.ConversationItemInputAudioTranscriptionCompleted, on_server_conversation.transcription_completed),
        _on(server.ConversationItemInputAudioTranscriptionFailed, on_server_conversation.transcription_failed),
        # the session
        _on(server.SessionCreated, on_server_session.session_created),
        _on(server.SessionUpdated, on_server_session.session_updated),
        _on(server.ErrorEvent, on_server_session.error),
        _on(server.MalformedEvent, on_server_session.malformed),
        _on(server.RateLimitsUpdated, on_server_session.rate_limits),
        # the application
        _on(inputs.SendMessage, on_command.send_message),
        _on(inputs.Respond, on_command.respond),
        _on(inputs.CancelHandle, on_command.cancel_handle),
        _on(inputs.Interrupt, on_command.interrupt),
        _on(inputs.UpdateAgent, on_command.update_agent),
        _on(inputs.UpdateSettings, on_command.update_settings),
        _on(inputs.DecideCall, on_command.decide_call),
        _on(inputs.SendRaw, on_command.send_raw),
        _on(inputs.AudioSent, on_command.audio_sent),
        # the actors and the player
        _on(inputs.ApprovalNeeded, on_report.approval_needed),
        _on(inputs.ToolRunning, on_report.tool_running),
        _on(inputs.ToolDone, on_report.tool_done),
        _on(inputs.GuardrailVerdict, on_report.verdict),
        _on(inputs.AudioConsumed, on_report.audio_consumed),
        _on(inputs.PlaybackReported, on_report.playback_reported),
        _on(inputs.CallbackFailed, on_report.callback_failed),
        # the session's own life
        _on(inputs.Connected, on_lifecycle.connected),
        _on(inputs.TimePassed, on_lifecycle.time_passed),
        _on(inputs.Disconnected, on_lifecycle.disconnected),
    ]
)

OWN_INPUTS = frozenset(kind for kind in TABLE if kind.__module__ == inputs.__name__)
SILENT = frozenset(
    {
        server.ConversationItemTruncated,
    }
)
"""Events that tell nothing which another event does not tell better: shown raw only to those who ask for all."""


MOST_ASKED = 256
"""How many requests are remembered as they were sent; one that never turns up is forgotten at last."""

CLOSE_FOLLOWS_NS = 5 * NS_PER_S
"""How long after an `error` event a server may take to close because of it. OpenAI takes milliseconds, gateways that
relay errors first wait for the service behind them."""


class Machine:
    """One session's decisions."""

    def __init__(self, rules: Rules, agent: AgentSpec, ledger: PlaybackLedger) -> None:
        self._state = State(rules, agent, ledger)
        self.waits = self._state.waits
        """What is waited for: `moved` says that `wake_at` may have changed."""

    def handle(self, given: Input, now: int) -> Effects:
        """Take one input at `now` (nanoseconds, never going back). Returns all effects since they were last emptied."""
        s = self._state
        s.now = now
        if s.ended:
            return s.effects
        kind = type(given)
        if s.rules.raw_events and kind not in OWN_INPUTS:
            on_server_session.raw(s, given)  # type: ignore[arg-type]
        handler = TABLE.get(kind)
        if handler is not None:
            handler(s, given)
        elif kind not in SILENT and not s.rules.raw_events:
            on_server_session.raw(s, given)  # type: ignore[arg-type]
        if not s.arbiter.idle:
            self._ask(now)
        return s.effects

    def _ask(self, now: int) -> None:
        """Send the requests whose time has come, and resolve the handles of those that were given up."""
        s = self._state
        for request in s.arbiter.next(now) if not s.ended else ():
            tools = s.agent.tools if request.tools is None else request.tools
            s.asked[request.token] = RequestSnapshot(
                attrs.evolve(s.agent, tools=tools), s.unseen.count, s.created.count
            )
            if len(s.asked) > MOST_ASKED:
                del s.asked[next(iter(s.asked))]
            s.effects.wire.append(request.event())
        for request in s.arbiter.take_dropped():
            s.resolve_handle(request, "superseded")

    def take_effects(self) -> Effects:
        """The effects so far, which are the caller's to carry out; the machine starts a fresh list."""
        effects = self._state.effects
        if effects.wire:
            tell_by_ids(self._state, effects)
        self._state.effects = Effects()
        return effects

    def wake_at(self) -> int | None:
        """Return when to say `TimePassed` if nothing else happens before, in nanoseconds; None if there is no need."""
        s = self._state
        if s.ended:
            return None
        retry, bound = s.arbiter.wake_at(), s.waits.wake_at()
        return bound if retry is None else retry if bound is None else min(retry, bound)

    @property
    def history(self) -> History:
        """The conversation, as a live view."""
        return self._state.history

    @property
    def agent(self) -> AgentSpec:
        """The current agent."""
        return self._state.agent

    def waits_for_approval(self, call_id: str) -> bool:
        """Whether a call may be approved or rejected now."""
        call = self._state.tool_calls.get(call_id)
        return call is not None and call.state is CallState.WAITING

    @property
    def usage(self) -> Usage:
        """What the session has cost so far."""
        return self._state.usage

    def errors_before_the_end(self, now: int) -> list[ErrorDetail]:
        """Return the errors of the server that are so fresh that a connection which ends now ends because of them."""
        return [error for at_ns, error in self._state.errors if now - at_ns <= CLOSE_FOLLOWS_NS]

    def audio_ms(self, item_id: str, content_index: int, nbytes: int) -> int:
        """Return how many milliseconds the first bytes of an item's audio last, in the format in which they came."""
        return self._state.ledger.ms_of(item_id, content_index, nbytes)

    def heard_ms(self, item_id: str, content_index: int, now: int) -> int | None:
        """How much of an item's audio has been heard; None if all of it, or if it has none."""
        return self._state.ledger.heard_ms(item_id, content_index, now)
