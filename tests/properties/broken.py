"""Engines that are broken on purpose, one function each: what keeps a promise is taken out, the rest is as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import attrs

from engine.actors.guardrails import GuardrailDebouncer
from engine.actors.router import Router
from engine.core import (
    debounce,
    interruption,
    item_steps,
    machine,
    on_report,
    on_server_conversation,
    on_server_response,
    on_server_session,
    overdue,
    placing,
    responses,
    settings_in_force,
    settings_update,
    tool_call_steps,
)
from engine.core.arbitration import Arbiter
from engine.core.conversation import Conversation
from engine.core.debounce import Debounce
from engine.core.effects import CheckText, Discard, StartCall
from engine.core.identity import Identity
from engine.core.playback import Cut, PlaybackLedger
from engine.core.settings_in_force import SettingsInForce, lasting
from engine.core.state import State
from engine.core.tool_calls import ToolCalls
from engine.core.waits import Waits
from engine.events import AgentEnd
from engine.mailboxes.event_queue import EventQueue
from engine.wire.client_events import SessionUpdate
from engine.wire.merge import merge
from engine.wire.server_events import MalformedEvent, ResponseCreated, UnknownEvent
from engine.wire.session import Session


@contextmanager
def swapped(place: Any, name: str, replacement: Any) -> Iterator[None]:
    """Something else stands in that place during the block."""
    before = getattr(place, name)
    setattr(place, name, replacement)
    try:
        yield
    finally:
        setattr(place, name, before)


@contextmanager
def swapped_handler(kind: type, handler: Callable[[State, Any], None]) -> Iterator[None]:
    """Another function handles inputs of that kind during the block."""
    before = machine.TABLE[kind]
    machine.TABLE[kind] = handler
    try:
        yield
    finally:
        machine.TABLE[kind] = before


def ends_responses_twice() -> AbstractContextManager[None]:
    end = responses.end_response

    def twice(s: State, live: Any, status: Any, *rest: Any, **more: Any) -> None:
        end(s, live, status, *rest, **more)
        s.emit(AgentEnd, agent=live.agent.agent, response_id=live.response_id, status=status)

    return swapped(responses, "end_response", twice)


def leaves_stale_audio_in_the_queue() -> AbstractContextManager[None]:
    return swapped(interruption, "Discard", lambda response_id: Discard("nobody's"))


def answers_calls_again() -> AbstractContextManager[None]:
    finish_call = on_report.finish_call

    def twice(s: State, *rest: Any) -> Any:
        before = len(s.effects.wire)
        result = finish_call(s, *rest)
        s.effects.wire.extend(s.effects.wire[before:])
        return result

    return swapped(on_report, "finish_call", twice)


def talks_over_itself() -> AbstractContextManager[None]:
    def free(self: Arbiter, now: int) -> bool:
        return self._sent is None and not self._speaking and (self._retry_at is None or self._retry_at <= now)

    return swapped(Arbiter, "_free", free)


def loses_conflicts() -> AbstractContextManager[None]:
    def forget(self: Arbiter) -> None:
        self._sent = None

    return swapped(Arbiter, "_requeue_sent", forget)


def hands_over_after_the_output() -> AbstractContextManager[None]:
    """The settings go out behind everything else of that step, the call's output included."""
    handle = machine.Machine.handle

    def late(self: Any, given: Any, now: int) -> Any:
        effects = handle(self, given, now)
        effects.wire.sort(key=lambda event: isinstance(event, SessionUpdate))
        return effects

    return swapped(machine.Machine, "handle", late)


def never_reads_the_last_words() -> AbstractContextManager[None]:
    return swapped(Debounce, "end", lambda self: None)


def adds_every_item_at_the_front() -> AbstractContextManager[None]:
    link = Conversation._link
    return swapped(Conversation, "_link", lambda self, node, after: link(self, node, None))


@contextmanager
def overlooks_what_only_responses_tell() -> Iterator[None]:
    def deaf(s: State, live: Any, item: Any, *, after: str | None = None) -> None:
        """Leave it to the conversation to tell of items."""

    with swapped(item_steps, "response_tells", deaf), swapped(on_server_response, "response_tells", deaf):
        yield


def takes_every_item_without_a_place_for_the_first() -> AbstractContextManager[None]:
    return swapped(item_steps, "_own_place", lambda s, item, created: (None, True))


def tells_every_completion_as_the_first() -> AbstractContextManager[None]:
    words_end = on_server_conversation.words_end

    def forgetful(s: State, item_id: str, content_index: int, text: str) -> None:
        s.conversation.words(item_id, content_index).final = False
        words_end(s, item_id, content_index, text)

    return swapped(on_server_conversation, "words_end", forgetful)


def cuts_what_came_last() -> AbstractContextManager[None]:
    """The rule of those who keep one current item: the newest is truncated, whatever is playing."""
    cuts = PlaybackLedger.cuts

    def newest(self: PlaybackLedger, now: int) -> list[Cut]:
        return cuts(self, now)[-1:]

    return swapped(PlaybackLedger, "cuts", newest)


def writes_outputs_out_of_band() -> AbstractContextManager[None]:
    """Calls of every response are the conversation's."""
    made = tool_call_steps.ToolCall
    return swapped(tool_call_steps, "ToolCall", lambda *fields: made(*fields[:-1], out_of_band=False))


def hands_over_out_of_band() -> AbstractContextManager[None]:
    """A handoff that an out-of-band response calls is run like any other tool."""
    finish = tool_call_steps.finish_call

    def run_it(s: State, call_id: str, outcome: Any, output: str) -> None:
        call = s.tool_calls.get(call_id)
        if output == tool_call_steps.OUT_OF_BAND_HANDOFF and call is not None:
            s.effects.tools.append(StartCall(call_id, call.name, call.arguments, call.tool, call.agent))
        else:
            finish(s, call_id, outcome, output)

    return swapped(tool_call_steps, "finish_call", run_it)


def ends_handles_before_their_calls() -> AbstractContextManager[None]:
    def at_once(s: State, live: Any, end: Any) -> None:
        s.effects.handles.append(attrs.evolve(end, calls=s.tool_calls.made_by(live.response_id)))

    return swapped(responses, "end_handle", at_once)


def never_ends_handles_that_waited_for_calls() -> AbstractContextManager[None]:
    return swapped(ToolCalls, "handle_due", lambda self, response_id: None)


def glues_what_parts_say() -> AbstractContextManager[None]:
    return swapped(debounce, "SEPARATOR", "")


def believes_final_words_unread() -> AbstractContextManager[None]:
    """The rule of those who count characters: what is as long as its deltas has been read."""
    replace = Debounce.replace

    def counted(self: Debounce, item_id: str, content_index: int, text: str) -> str | None:
        before = self.part(item_id, content_index)
        return replace(self, item_id, content_index, before + text[len(before) :])

    return swapped(Debounce, "replace", counted)


def swallows_what_is_malformed() -> AbstractContextManager[None]:
    return swapped_handler(MalformedEvent, lambda s, event: None)


def knows_responses_by_their_ids_alone() -> AbstractContextManager[None]:
    """A beginning with an id that a response had before is taken for that one's, told twice."""
    begin = placing.begin_told

    def once(s: State, event: ResponseCreated) -> None:
        if s.identity.response(event.response.id) is None:
            begin(s, event)

    return swapped_handler(ResponseCreated, once)


def knows_calls_by_their_ids_alone() -> AbstractContextManager[None]:
    return swapped(Identity, "call", lambda self, owner, told, item: told)


def knows_items_by_their_ids_alone() -> AbstractContextManager[None]:
    return swapped(Identity, "item", lambda self, owner, told, index, call="", **more: told)


def answers_calls_by_its_own_names() -> AbstractContextManager[None]:
    return swapped(Identity, "output_sent", lambda self, name: name)


def leaves_out_what_names_no_response() -> AbstractContextManager[None]:
    place = placing._response_of

    def picky(s: State, response_id: str, *rest: Any) -> Any:
        return place(s, response_id, *rest) if response_id else None

    return swapped(placing, "_response_of", picky)


def takes_what_is_told_twice_for_two() -> AbstractContextManager[None]:
    return swapped(placing, "_told_again", lambda s, response: None)


def waits_for_ever() -> AbstractContextManager[None]:
    """Nothing is ever overdue: whatever the server owes is waited for until the session is over."""
    return swapped(Waits, "begin", lambda self, wait, key, since: None)


def gives_up_without_a_word() -> AbstractContextManager[None]:
    return swapped(overdue, "_report", lambda s, wait, missing, then: None)


def drops_what_it_holds_when_the_user_speaks() -> AbstractContextManager[None]:
    """The rule of those who think that every sound of the user's is a turn."""
    speaks = Arbiter.user_speaks

    def forgetful(self: Arbiter, *, server_cancels: bool) -> None:
        speaks(self, server_cancels=server_cancels)
        if server_cancels:
            self._drop_follow_ups()

    return swapped(Arbiter, "user_speaks", forgetful)


def asks_again_and_takes_both_answers() -> AbstractContextManager[None]:
    """A request that is asked for a second time is forgotten: its late response counts as the server's own.

    Only servers that are very slow show it: `tests/core/test_waits.py` has them.
    """
    return swapped(Arbiter, "_remember", lambda self, request: None)


def believes_what_it_asked_for() -> AbstractContextManager[None]:
    confirm = SettingsInForce.confirm
    return swapped(SettingsInForce, "confirm", lambda self, update, said: confirm(self, update, Session()))


def tells_of_a_difference_with_every_confirmation() -> AbstractContextManager[None]:
    confirm = SettingsInForce.confirm

    def forgetful(self: SettingsInForce, update: Any, said: Any) -> Any:
        self._told.clear()
        return confirm(self, update, said)

    return swapped(SettingsInForce, "confirm", forgetful)


def knows_a_difference_and_goes_on_as_it_asked() -> AbstractContextManager[None]:
    """The difference is told, but nothing follows from it."""
    return swapped(settings_in_force, "_understood", lambda known, said: Session())


def lets_handoffs_undo_what_the_application_changed() -> AbstractContextManager[None]:
    return swapped(SettingsInForce, "for_agent", lambda self, session, pending: session)


def repeats_what_was_refused() -> AbstractContextManager[None]:
    refuse = settings_update.refuse_settings

    def stubborn(s: State, update: Any) -> None:
        refuse(s, update)
        s.settings.changed = merge(s.settings.changed, lasting(update.session))

    return swapped(on_server_session, "refuse_settings", stubborn)


BROKEN: dict[Callable[[], AbstractContextManager[None]], set[int]] = {
    ends_responses_twice: {1},
    leaves_stale_audio_in_the_queue: {2},
    answers_calls_again: {3},
    talks_over_itself: {4},
    loses_conflicts: {4},
    hands_over_after_the_output: {5},
    never_reads_the_last_words: {6},
    adds_every_item_at_the_front: {7},
    overlooks_what_only_responses_tell: {7},
    takes_every_item_without_a_place_for_the_first: {7},
    tells_every_completion_as_the_first: {7},
    cuts_what_came_last: {2, 7},
    writes_outputs_out_of_band: {3},
    hands_over_out_of_band: {5},
    ends_handles_before_their_calls: {3},
    never_ends_handles_that_waited_for_calls: {3, 4},
    glues_what_parts_say: {6},
    believes_final_words_unread: {6},
    swallows_what_is_malformed: {10},
    waits_for_ever: {1, 4, 16},
    gives_up_without_a_word: {16},
    believes_what_it_asked_for: {17},
    tells_of_a_difference_with_every_confirmation: {17},
    knows_a_difference_and_goes_on_as_it_asked: {17},
    lets_handoffs_undo_what_the_application_changed: {17},
    repeats_what_was_refused: {17},
}
"""Each broken engine, and the promise that it must be seen to break."""
"""Each broken engine, and the promise that it must be seen to break."""

BROKEN_NAMES: dict[Callable[[], AbstractContextManager[None]], set[int]] = {
    knows_responses_by_their_ids_alone: {1, 2, 7},
    knows_calls_by_their_ids_alone: {3, 4},
    knows_items_by_their_ids_alone: {2, 7},
    answers_calls_by_its_own_names: {3, 4},
    leaves_out_what_names_no_response: {2, 3, 7},
    takes_what_is_told_twice_for_two: {1, 5},
}
"""Broken where a server uses its ids again, which only the bare machine's does: any of these promises may show it."""

# --- broken outside of the machine, where only a whole session shows it


def lets_a_slow_check_swallow_the_last_words() -> AbstractContextManager[None]:
    take = GuardrailDebouncer._take

    def busy(self: GuardrailDebouncer, check: CheckText, nursery: Any) -> None:
        if check.response_id not in self._pending:
            take(self, check, nursery)

    return swapped(GuardrailDebouncer, "_take", busy)


def never_learns_what_was_taken() -> AbstractContextManager[None]:
    return swapped(EventQueue, "reports", lambda self: ())


def hears_only_what_it_knows() -> AbstractContextManager[None]:
    hear = Router.on_server_events

    def picky(self: Router, events: Any) -> None:
        hear(self, [event for event in events if not isinstance(event, UnknownEvent | MalformedEvent)])

    return swapped(Router, "on_server_events", picky)


def lets_audio_overtake_what_was_told_before() -> AbstractContextManager[None]:
    return swapped(Router, "drain_inbox", lambda self: None)


BROKEN_OUTSIDE: dict[Callable[[], AbstractContextManager[None]], set[int]] = {
    drops_what_it_holds_when_the_user_speaks: {4, 16},
    lets_a_slow_check_swallow_the_last_words: {6},
    never_learns_what_was_taken: {7},
    lets_audio_overtake_what_was_told_before: {9},
    hears_only_what_it_knows: {10},
}
