"""What an interruption does, whoever causes it: the user's voice, the application, or a guardrail.

At that moment, and in this order: audio that the application has not taken is discarded, `audio_interrupted` says
where playback stopped, the server's memory is cut to what was heard (the item that is playing is truncated, items
that have not begun are deleted, finished ones stay), checks and requests that belonged to the response are dropped,
and tools that declare it are stopped (`tool_call_steps`). Nothing of an interrupted response is delivered afterwards.
"""

from __future__ import annotations

from engine.core.effects import Discard, DropChecks
from engine.core.playback import Cut
from engine.core.state import LiveResponse, State
from engine.events import AudioInterrupted
from engine.wire.client_events import (
    ConversationItemDelete,
    ConversationItemTruncate,
    ResponseCancel,
)


def stop_speaking(s: State, *, tell_server: bool) -> None:
    """Cut off everything that is being said or waits to be played.

    Args:
        s: the session.
        tell_server: send `response.cancel`; False where the server cancels by itself.
    """
    cuts = s.ledger.cuts(s.now)
    s.ledger.cleared(s.now)
    affected = {cut.response_id: None for cut in cuts}
    affected.update({response.response_id: None for response in s.running() if not response.out_of_band})
    for response_id in affected:
        if (response := s.responses.get(response_id)) is not None and not response.interrupted:
            _interrupt(s, response, [cut for cut in cuts if cut.response_id == response_id], tell_server)


def stop_response(s: State, response: LiveResponse) -> None:
    """Cut off one response outside of the conversation, and nothing else."""
    cuts = [cut for cut in s.ledger.cuts(s.now) if cut.response_id == response.response_id]
    s.ledger.dropped(response.response_id, s.now)
    if not response.interrupted and not (response.ended and not cuts):
        _interrupt(s, response, cuts, tell_server=True)


def _interrupt(s: State, response: LiveResponse, cuts: list[Cut], tell_server: bool) -> None:
    response.interrupted = True
    response.audio_open.clear()
    s.effects.events.append(Discard(response.response_id))
    s.effects.checks.append(DropChecks(response.response_id))
    if cuts or not response.out_of_band:
        _announce(s, response, cuts)
    if not response.ended:
        s.tool_calls.response_interrupted(response.response_id)
    if not response.ended and (tell_server or response.out_of_band):
        s.effects.wire.append(ResponseCancel(response_id=response.response_id))
    for cut in cuts:
        if s.rules.server_truncates and not response.out_of_band:
            _forget_unheard(s, response, cut)
        known = s.conversation.cut(cut.item_id, cut.content_index, cut.heard_ms, cut.received_ms, complete=cut.complete)
        if known:
            s.history_updated(cut.item_id)


def _announce(s: State, response: LiveResponse, cuts: list[Cut]) -> None:
    playing = next((cut for cut in cuts if cut.heard_ms > 0), None)
    s.emit(
        AudioInterrupted,
        response_id=response.response_id,
        item_id=playing.item_id if playing else None,
        content_index=playing.content_index if playing else 0,
        audio_end_ms=playing.heard_ms if playing else None,
    )


def _forget_unheard(s: State, response: LiveResponse, cut: Cut) -> None:
    if cut.heard_ms > 0:
        s.effects.wire.append(ConversationItemTruncate(cut.item_id, cut.content_index, cut.heard_ms))
    elif response.ended or cut.complete:
        s.effects.wire.append(ConversationItemDelete(cut.item_id))
    else:
        # The server is still writing it; what deleting it now would do is not documented.
        response.delete_when_done[cut.item_id] = None
