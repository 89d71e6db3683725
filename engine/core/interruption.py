"""Cut off what the agent says, whoever causes it: the user's voice, the application, or a guardrail.

For each response, in this order: audio that the application has not taken is discarded, its checks are dropped,
`audio_interrupted` says where playback stopped, its calls no longer ask for a response, `response.cancel` is sent, and
the server's memory and the history are cut to what was heard (the item that is playing is truncated, items that have
not begun are deleted, finished ones stay). Nothing of an interrupted response is delivered afterwards.

Whoever calls this module drops held requests (`Arbiter`). Where the user speaks or the application interrupts, tools
that declare `on_interruption="cancel"` are stopped, too (`tool_call_steps.stop_tools`).
"""

from __future__ import annotations

from engine.core.effects import Discard, DropChecks
from engine.core.playback import Cut
from engine.core.state import LiveResponse, State
from engine.core.waits import RESPONSE_END
from engine.events import AudioInterrupted
from engine.wire.client_events import (
    ConversationItemDelete,
    ConversationItemTruncate,
    ResponseCancel,
)


def stop_speaking(s: State, *, tell_server: bool, for_user: bool = False) -> LiveResponse | None:
    """Cut off everything that is being said or waits to be played.

    An out-of-band response is cut off only if its audio waits to be played, because the player is flushed of it.

    Args:
        s: the session.
        tell_server: send `response.cancel`; False where the server cancels by itself.
        for_user: the user speaks: what the calls of the responses lead to is held, not given up.

    Returns the reply that was cut off before anything of it had been heard, if nobody holds its handle; else None.
    """
    cuts = s.ledger.cuts(s.now)  # read first: a cleared ledger holds no items
    s.ledger.cleared(s.now)
    # Keys of a dict: a set of responses that keeps their order, those with audio in the order of playback.
    affected = {cut.response_id: None for cut in cuts}
    affected.update({response.response_id: None for response in s.running() if not response.out_of_band})
    unheard = None
    for response_id in affected:
        if (response := s.responses.get(response_id)) is not None and not response.interrupted:
            own_cuts = [cut for cut in cuts if cut.response_id == response_id]
            unheard = response if _is_unheard(response, own_cuts) else unheard
            _interrupt(s, response, own_cuts, tell_server, for_user=for_user)
    return unheard


def stop_response(s: State, response: LiveResponse) -> None:
    """Cut off one out-of-band response, and nothing else. One that has ended and been heard is left alone."""
    cuts = [cut for cut in s.ledger.cuts(s.now) if cut.response_id == response.response_id]
    s.ledger.dropped(response.response_id, s.now)
    if not response.interrupted and (cuts or not response.ended):
        _interrupt(s, response, cuts, tell_server=True)


def drop_response(s: State, response: LiveResponse) -> None:
    """Cancel a response that has just begun and that nobody waits for.

    The application is not told to stop playing: it has nothing of this response, and may play another one.
    """
    response.interrupted = True
    s.tool_calls.response_interrupted(response.response_id)
    s.effects.wire.append(ResponseCancel(response_id=response.response_id))
    s.waits.begin(RESPONSE_END, response.response_id, s.now)


def _is_unheard(response: LiveResponse, cuts: list[Cut]) -> bool:
    """Return whether nothing of a reply has reached the user, and no handle tells the application so."""
    if response.out_of_band or (response.request is not None and response.request.handle_id is not None):
        return False
    unheard = {(cut.item_id, cut.content_index) for cut in cuts if cut.heard_ms == 0}
    return len(unheard) == len(cuts) and not (response.text.parts | response.audio_open.keys()) - unheard


def _interrupt(s: State, response: LiveResponse, cuts: list[Cut], tell_server: bool, *, for_user: bool = False) -> None:
    """Take the steps of an interruption, in the order above, for one response.

    Args:
        s: the session.
        response: a response that has not been interrupted.
        cuts: where its items stop that were not heard to their end, in the order of playback.
        tell_server: send `response.cancel` if the response still runs.
        for_user: the user speaks: calls of the response are answered after the turn.
    """
    response.interrupted = True
    response.audio_open.clear()
    s.effects.events.append(Discard(response.response_id))
    s.effects.checks.append(DropChecks(response.response_id))
    # `audio_interrupted` makes players flush: an out-of-band response of which nothing plays must not do that.
    if cuts or not response.out_of_band:
        _announce(s, response, cuts)
    if not response.ended:
        s.waits.begin(RESPONSE_END, response.response_id, s.now)
    cut_calls = not response.ended or (response.out_of_band and s.tool_calls.waiting_for(response.response_id))
    if cut_calls and (response.out_of_band or not for_user):
        s.tool_calls.response_interrupted(response.response_id)
    # A server that cancels by itself cancels the response of the conversation, never an out-of-band one.
    if not response.ended and (tell_server or response.out_of_band):
        s.effects.wire.append(ResponseCancel(response_id=response.response_id))
    for cut in cuts:
        if s.rules.server_truncates and not response.out_of_band:
            _forget_unheard(s, response, cut)
        in_history = s.conversation.cut(
            cut.item_id, cut.content_index, cut.heard_ms, cut.received_ms, complete=cut.complete
        )
        if in_history:
            s.history_updated(cut.item_id)


def _announce(s: State, response: LiveResponse, cuts: list[Cut]) -> None:
    """Tell the application to stop playing a response, and where that was: in no item if none of `cuts` was heard."""
    playing = next((cut for cut in cuts if cut.heard_ms > 0), None)
    s.emit(
        AudioInterrupted,
        response_id=response.response_id,
        item_id=playing.item_id if playing else None,
        content_index=playing.content_index if playing else 0,
        audio_end_ms=playing.heard_ms if playing else None,
    )


def _forget_unheard(s: State, response: LiveResponse, cut: Cut) -> None:
    """Have the server forget what was not heard of an item: truncate it, or delete it if nothing of it was heard.

    Called where the server understands `conversation.item.truncate` and leaves playback to us (`server_truncates`). An
    item has one part with audio at most, so that nothing of the item was heard if nothing of that part was.
    """
    if cut.heard_ms > 0:
        s.effects.wire.append(ConversationItemTruncate(cut.item_id, cut.content_index, cut.heard_ms))
    elif response.ended or cut.complete:
        s.effects.wire.append(ConversationItemDelete(cut.item_id))
    else:
        # The server is still writing the item, and it is not documented what deleting it now would do:
        # `responses.delete_if_unheard` deletes it when it is done, or when its response ends.
        response.delete_when_done[cut.item_id] = None
