"""What becomes known of the user's side of a conversation, by the line, by the server, and by what is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from engine.latency.instants import Instant
from engine.latency.open_turn import Onset, OpenTurn, purpose_of
from engine.latency.open_turns import MOST_EARLY, OpenTurns

# --- the caller


def _truth_start(turns: OpenTurns, instant: Instant) -> None:
    number = instant.fields.get("turn")
    turn = turns.last(lambda turn: turn.opened_by == "speech")
    if turn is None or turn.heard or "speech_stopped" in turn.at or "user_speech_start_truth" in turn.at:
        turn = turns.open("speech", instant.t)
    turn.truth_turn = number if isinstance(number, int | str) else None
    turn.purpose = purpose_of(instant.text("purpose"))
    turn.truth_text = instant.text("text")
    turn.first("user_speech_start_truth", instant.t)
    turn.began = min(turn.began, instant.t)
    _position(turn, "user_speech_start_truth_ms", instant)
    _onset(turns, turn)


def _truth_end(turns: OpenTurns, instant: Instant) -> None:
    number = instant.fields.get("turn")
    turn = turns.last(
        lambda turn: "user_speech_start_truth" in turn.at and (number is None or turn.truth_turn == number)
    )
    if turn is not None:
        turn.last("user_speech_end_truth", instant.t)
        _position(turn, "user_speech_end_truth_ms", instant)


def _onset(turns: OpenTurns, turn: OpenTurn) -> None:
    truth, heard = turn.at.get("user_speech_start_truth"), turn.at.get("speech_started")
    for known in turns.onsets:
        if known.turn == turn.index:
            known.truth, known.heard, known.purpose = truth, heard, turn.purpose
            return
    turns.onsets.append(Onset(turn.index, truth, heard, turn.purpose))


def _sent(turns: OpenTurns, instant: Instant) -> None:
    edge, item = instant.text("edge"), instant.text("item")
    if edge not in ("first", "last"):
        return
    if item is not None and (turn := turns.by_user_item.get(item)) is not None:
        _edge(turn, edge, instant.t)
        return
    if item is None and edge == "first":
        _begin_by_hand(turns, instant.t)
        return
    if item is None and (turn := turns.last(lambda turn: turn.opened_by == "speech")) is not None:
        _edge(turn, edge, instant.t)
        return
    while len(turns.audio_sent) >= MOST_EARLY:
        del turns.audio_sent[next(iter(turns.audio_sent))]
    turns.audio_sent[edge, item or ""] = instant.t


def _begin_by_hand(turns: OpenTurns, t: int) -> None:
    turn = turns.last(lambda turn: turn.opened_by == "speech")
    if turn is None or turn.heard or "user_audio_first_sent" in turn.at:
        turn = turns.open("speech", t)
    _edge(turn, "first", t)


def _edge(turn: OpenTurn, edge: str, t: int) -> None:
    if edge == "first":
        turn.first("user_audio_first_sent", t)
    else:
        turn.last("user_audio_last_sent", t)


def _speech_started(turns: OpenTurns, instant: Instant) -> None:
    item = instant.text("item") or ""
    turn = turns.by_user_item.get(item) or turns.spoken(instant.t)
    turns.by_user_item[item] = turn
    if "speech_started" not in turn.at:
        _position(turn, "speech_started_ms", instant, "ms")
    turn.first("speech_started", instant.t)
    _early(turns, turn, item)
    _onset(turns, turn)


def _early(turns: OpenTurns, turn: OpenTurn, item: str) -> None:
    """What was told of an item before it had a turn."""
    for edge in ("first", "last"):
        if (t := turns.audio_sent.pop((edge, item), None)) is not None:
            _edge(turn, edge, t)


def _speech_stopped(turns: OpenTurns, instant: Instant) -> None:
    item = instant.text("item") or ""
    turn = turns.by_user_item.get(item) or turns.last(
        lambda turn: turn.opened_by == "speech" and not turn.heard and "speech_started" in turn.at
    )
    if turn is None:
        turn = turns.spoken(instant.t)
    turns.by_user_item[item] = turn
    _early(turns, turn, item)
    turn.last("speech_stopped", instant.t)
    _position(turn, "speech_stopped_ms", instant, "ms")
    turns.hears(turn)


def _commit_sent(turns: OpenTurns, instant: Instant) -> None:
    turn = turns.ended_by_hand(instant.t)
    turn.last("commit_sent", instant.t)
    turns.hears(turn)


def _committed(turns: OpenTurns, instant: Instant) -> None:
    item = instant.text("item") or ""
    turn = turns.by_user_item.get(item) or turns.last(
        lambda turn: turn.opened_by == "speech" and "commit_sent" in turn.at and "committed" not in turn.at
    )
    if turn is None:
        turn = turns.last(
            lambda turn: turn.opened_by == "speech" and not turn.heard and "speech_started" not in turn.at
        ) or turns.open("speech", instant.t)
    turns.by_user_item[item] = turn
    turn.last("committed", instant.t)
    turns.hears(turn)


def _cleared(turns: OpenTurns, instant: Instant) -> None:
    turn = turns.last(lambda turn: turn.opened_by == "speech" and "committed" not in turn.at)
    if turn is not None and not turn.answer.responses:
        turn.withdrawn = True


def _text_sent(turns: OpenTurns, instant: Instant) -> None:
    if instant.fields.get("respond") is False:
        return
    turn = turns.turns[-1] if turns.turns else None
    if turn is None or turn.opened_by != "text" or turn.answer.responses:
        turn = turns.open("text", instant.t)
    turn.last("text_sent", instant.t)
    turns.hears(turn)


def _silence(turns: OpenTurns, instant: Instant) -> None:
    turn = turns.open("silence", instant.t)
    if (item := instant.text("item")) is not None:
        turns.by_user_item[item] = turn
    turns.hears(turn)


def _transcript_first(turns: OpenTurns, instant: Instant) -> None:
    turns.transcripts = True
    if (turn := turns.by_user_item.get(instant.text("item") or "")) is not None:
        turn.first("transcript_first", instant.t)


def _transcript_final(turns: OpenTurns, instant: Instant) -> None:
    turns.transcripts = True
    if (turn := turns.by_user_item.get(instant.text("item") or "")) is not None:
        turn.last("transcript_final", instant.t)
        text = instant.text("text")
        turn.heard_text = f"{turn.heard_text} {text}" if turn.heard_text and text else text or turn.heard_text


def _transcript_failed(turns: OpenTurns, instant: Instant) -> None:
    if (turn := turns.by_user_item.get(instant.text("item") or "")) is not None:
        turn.text_failed = True


def _position(turn: OpenTurn, field: str, instant: Instant, name: str = "position_ms") -> None:
    if (ms := instant.number(name)) is not None:
        turn.ms[field] = ms


HANDLERS: Final[Mapping[str, Callable[[OpenTurns, Instant], None]]] = {
    "user.speech.start.truth": _truth_start,
    "user.speech.end.truth": _truth_end,
    "user.audio.sent": _sent,
    "user.text.sent": _text_sent,
    "user.commit.sent": _commit_sent,
    "server.speech_started": _speech_started,
    "server.speech_stopped": _speech_stopped,
    "server.silence": _silence,
    "user.committed": _committed,
    "user.cleared": _cleared,
    "transcript.user.first": _transcript_first,
    "transcript.user.final": _transcript_final,
    "transcript.user.failed": _transcript_failed,
}
