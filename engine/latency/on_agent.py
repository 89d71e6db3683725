"""What becomes known of the agent's side of a conversation: responses, sound, interruptions, tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs

from engine.latency.instants import Instant
from engine.latency.open_turn import (
    BEST_SOURCE,
    ItemPlayout,
    OpenAnswer,
    OpenItem,
    OpenTurn,
    add_usage,
    cause_of,
    source_of,
)
from engine.latency.open_turns import OpenTurns
from engine.latency.turns import HandoffInstant, Interruption, ToolSpan
from engine.wire.units import NS_PER_MS

# --- the model


def _requested(turns: OpenTurns, instant: Instant) -> None:
    if instant.fields.get("out_of_band") is True:
        return
    turn = turns.answered_now(instant.t)
    turn.answer.at.setdefault("response_requested", instant.t)
    turn.awaiting += 1
    if (token := instant.text("token")) is not None:
        turns.by_token[token] = turn


def _created(turns: OpenTurns, instant: Instant) -> None:
    response = instant.text("response")
    if response is None or instant.fields.get("out_of_band") is True or response in turns.by_response:
        return
    turn = turns.by_token.pop(instant.text("token") or "", None) or turns.answered_now(instant.t)
    turns.any_response = True
    answer = turn.answer
    turn.awaiting = max(0, turn.awaiting - 1)
    turn.unanswered_calls = turn.to_say_again = False
    answer.responses[response] = False
    answer.at.setdefault("response_created", instant.t)
    if agent := instant.text("agent"):
        answer.agents[agent] = None
    turns.by_response[response] = turn, answer


def _response_done(turns: OpenTurns, instant: Instant) -> None:
    if (found := turns.by_response.get(instant.text("response") or "")) is None:
        return
    turn, answer = found
    answer.responses[instant.text("response") or ""] = True
    answer.done = instant.t
    answer.status = instant.text("status")
    unheard = answer.status == "cancelled" and instant.text("reason") == "turn_detected" and not answer.items
    turn.to_say_again = turn.to_say_again or answer.status == "failed" or unheard
    usage = instant.fields.get("usage")
    if isinstance(usage, Mapping):
        turn.usage = add_usage(turn.usage, usage)


def _first_token(turns: OpenTurns, instant: Instant) -> None:
    if (found := turns.by_response.get(instant.text("response") or "")) is not None:
        found[1].at.setdefault("first_token", instant.t)


def _item(turns: OpenTurns, instant: Instant) -> tuple[OpenTurn, OpenAnswer, OpenItem] | None:
    item = instant.text("item")
    if item is not None and (known := turns.by_item.get(item)) is not None:
        return known
    found = turns.by_response.get(instant.text("response") or "")
    if found is None:
        return None
    turn, answer = found
    name = item if item is not None else f"of {instant.text('response')}"
    opened = answer.items.setdefault(name, OpenItem())
    turns.by_item[name] = turn, answer, opened
    return turns.by_item[name]


def _audio(turns: OpenTurns, instant: Instant) -> None:
    if (found := _item(turns, instant)) is None:
        return
    _, answer, item = found
    match instant.kind:
        case "audio.first_received":
            answer.at.setdefault("audio_first_received", instant.t)
        case "audio.first_taken":
            answer.at.setdefault("audio_first_taken", instant.t)
        case "audio.first_audible":
            answer.at.setdefault("audio_first_audible", instant.t)
            item.audible_ms = instant.number("ms")
        case "audio.received":
            item.jitter_ms = instant.number("jitter_ms")


def _playout(turns: OpenTurns, instant: Instant) -> None:
    if (found := _item(turns, instant)) is None:
        return
    source = source_of(instant.text("source"))
    turns.source = max(turns.source, source, key=BEST_SOURCE.__getitem__)
    playout = found[2].playouts.setdefault(source, ItemPlayout())
    match instant.kind:
        case "playout.start":
            playout.start = instant.t if playout.start is None else min(playout.start, instant.t)
        case "playout.audible":
            playout.audible = instant.t if playout.audible is None else min(playout.audible, instant.t)
        case "playout.underrun":
            playout.underruns += 1
        case "playout.stop":
            playout.stop = instant.t if playout.stop is None else max(playout.stop, instant.t)
            ms = instant.number("ms")
            playout.ms = ms if ms is not None else playout.ms
            if (silent_ms := instant.number("silent_ms")) is not None and playout.stop == instant.t:
                playout.fell_silent = instant.t - round(silent_ms * NS_PER_MS)


# --- interruption


def _interrupt(turns: OpenTurns, instant: Instant) -> None:
    if (found := turns.by_response.get(instant.text("response") or "")) is None:
        return
    _, answer = found
    for item in answer.items.values():
        item.cut = not item.playouts
    if answer.interruption is None:
        heard = instant.number("heard_ms")
        answer.interruption = Interruption(
            cause=cause_of(instant.text("cause")),
            emitted=instant.t,
            heard_ms=None if heard is None else round(heard),
        )


def _interruption_step(turns: OpenTurns, instant: Instant) -> None:
    if instant.kind == "truncate.sent":
        known = turns.by_item.get(instant.text("item") or "")
        answer = None if known is None else known[1]
    else:
        found = turns.by_response.get(instant.text("response") or "")
        answer = None if found is None else found[1]
    if answer is None or answer.interruption is None:
        return
    cut = answer.interruption
    match instant.kind:
        case "interrupt.taken" if cut.taken is None:
            answer.interruption = attrs.evolve(cut, taken=instant.t)
        case "cancel.sent" if cut.cancel_sent is None:
            answer.interruption = attrs.evolve(cut, cancel_sent=instant.t)
        case "truncate.sent" if cut.truncate_sent is None:
            answer.interruption = attrs.evolve(cut, truncate_sent=instant.t)


# --- tools, handoffs, guardrails


def _tool_called(turns: OpenTurns, instant: Instant) -> None:
    call, found = instant.text("call"), turns.by_response.get(instant.text("response") or "")
    if call is None or found is None or call in turns.by_call:
        return
    turn = found[0]
    turn.tools[call] = ToolSpan(call_id=call, name=instant.text("name") or "", called=instant.t)
    turn.unanswered_calls = True
    turns.by_call[call] = turn


def _tool_step(turns: OpenTurns, instant: Instant) -> None:
    call = instant.text("call") or ""
    if (turn := turns.by_call.get(call)) is None:
        return
    name = instant.kind.removeprefix("tool.")
    changes: dict[str, object] = {name: instant.t}
    if name == "ended":
        changes["outcome"] = instant.text("outcome")
    turn.tools[call] = attrs.evolve(turn.tools[call], **changes)  # type: ignore[arg-type]


def _handoff(turns: OpenTurns, instant: Instant) -> None:
    if (turn := turns.last(lambda turn: turn.heard)) is not None:
        came, goes = instant.text("from") or "", instant.text("to") or ""
        turn.handoffs.append(HandoffInstant(at=instant.t, from_agent=came, to_agent=goes))


def _checked(turns: OpenTurns, instant: Instant) -> None:
    if (found := turns.by_response.get(instant.text("response") or "")) is None:
        return
    turn = found[0]
    turn.guardrail_checks += 1
    if instant.fields.get("tripped") is True:
        turn.guardrail_tripped = instant.t if turn.guardrail_tripped is None else turn.guardrail_tripped
        turn.to_say_again = True


# --- the rest


def _error(turns: OpenTurns, instant: Instant) -> None:
    if turns.turns:
        turns.turns[-1].errors.append(instant.text("code") or instant.text("message") or "unknown")


def _end(turns: OpenTurns, instant: Instant) -> None:
    """The time of the end is noted; `close` gives what is open then."""


HANDLERS: Final[Mapping[str, Callable[[OpenTurns, Instant], None]]] = {
    "response.requested": _requested,
    "response.created": _created,
    "response.first_token": _first_token,
    "response.done": _response_done,
    "audio.first_received": _audio,
    "audio.received": _audio,
    "audio.first_taken": _audio,
    "audio.first_audible": _audio,
    "playout.start": _playout,
    "playout.audible": _playout,
    "playout.underrun": _playout,
    "playout.stop": _playout,
    "interrupt": _interrupt,
    "interrupt.taken": _interruption_step,
    "cancel.sent": _interruption_step,
    "truncate.sent": _interruption_step,
    "tool.called": _tool_called,
    "tool.approval_asked": _tool_step,
    "tool.approval_answered": _tool_step,
    "tool.started": _tool_step,
    "tool.ended": _tool_step,
    "tool.output_sent": _tool_step,
    "handoff": _handoff,
    "guardrail.checked": _checked,
    "error": _error,
    "session.end": _end,
}

OF_ONE_TURN: Final = frozenset(HANDLERS) - {"response.requested"}
"""Kinds that decide for no turn whether it is over but that of the response, item or call that they name,
unless they change the view of all."""
