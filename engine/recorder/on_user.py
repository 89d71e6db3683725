"""The user's side: what was sent, and what the server makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from engine.core.inputs import Input, SendMessage, SendRaw
from engine.events import (
    InputAudioTimeoutTriggered,
    RealtimeSessionEvent,
    TranscriptionFailed,
    UserSpeechStarted,
    UserSpeechStopped,
)
from engine.latency.instants import Value
from engine.latency.sent_audio import Piece
from engine.recorder.on_agent import output_sent
from engine.recorder.state import RecorderState, on
from engine.wire import client_events as ours
from engine.wire import server_events as server
from engine.wire.items import FunctionCallOutput, Message

# --- what is sent


def _message(state: RecorderState, given: SendMessage, now: int) -> None:
    if given.message.role == "user":
        state.wants_answer.append(given.respond)


def _raw(state: RecorderState, given: SendRaw, now: int) -> None:
    event = given.event
    if isinstance(event, ours.ConversationItemCreate) and _is_users(event.item):
        state.wants_answer.append(False)


def _is_users(item: object) -> bool:
    return isinstance(item, Message) and item.role == "user"


def _item_sent(state: RecorderState, event: ours.ConversationItemCreate, now: int) -> None:
    if isinstance(event.item, FunctionCallOutput):
        output_sent(state, event.item, now)
    elif isinstance(event.item, Message) and _is_users(event.item):
        respond = state.wants_answer.popleft() if state.wants_answer else False
        item = event.item.id
        state.record(now, "user.text.sent", item=item if isinstance(item, str) else None, respond=respond)


def _piece_sent(state: RecorderState, event: ours.InputAudioBufferAppend, now: int) -> None:
    state.sent.sent(len(event.audio), now)


def _commit_sent(state: RecorderState, event: ours.InputAudioBufferCommit, now: int) -> None:
    edges = state.sent.edges()
    if edges is not None and not state.server_listens:
        _edge(state, edges[0], "first", None)
        _edge(state, edges[1], "last", None)
    state.record(now, "user.commit.sent")


def _edge(state: RecorderState, piece: Piece | None, edge: str, item: str | None) -> None:
    if piece is None:
        return
    fields: dict[str, Value] = {"edge": edge}
    if item is not None:
        fields["item"] = item
    fields["bytes"] = piece.nbytes
    fields["position_ms"] = state.sent.ms_of(piece.end)
    state.record(piece.at_ns, "user.audio.sent", **fields)


# --- what the server hears


def _speech_started(state: RecorderState, event: UserSpeechStarted, now: int) -> None:
    state.server_listens = True
    state.cause = "user"
    _edge(state, state.sent.holding(event.audio_start_ms), "first", event.item_id)
    state.record(now, "server.speech_started", item=event.item_id, ms=event.audio_start_ms)


def _speech_stopped(state: RecorderState, event: UserSpeechStopped, now: int) -> None:
    _edge(state, state.sent.up_to(event.audio_end_ms), "last", event.item_id)
    state.record(now, "server.speech_stopped", item=event.item_id, ms=event.audio_end_ms)


def _silence(state: RecorderState, event: InputAudioTimeoutTriggered, now: int) -> None:
    state.record(now, "server.silence", item=event.item_id)


def _committed(state: RecorderState, event: server.InputAudioBufferCommitted, now: int) -> None:
    if state.server_listens:
        state.sent.edges()
        state.server_listens = False
    state.record(now, "user.committed", item=event.item_id)


def _cleared(state: RecorderState, event: server.InputAudioBufferCleared, now: int) -> None:
    state.sent.edges()
    state.server_listens = False
    state.record(now, "user.cleared")


def _transcription_failed(state: RecorderState, event: TranscriptionFailed, now: int) -> None:
    state.record(now, "transcript.user.failed", item=event.item_id)


INPUTS: Final[Mapping[type, Callable[[RecorderState, Input, int], None]]] = dict(
    [
        on(SendMessage, _message),
        on(SendRaw, _raw),
        on(server.InputAudioBufferCommitted, _committed),
        on(server.InputAudioBufferCleared, _cleared),
    ]
)
EVENTS: Final[Mapping[type, Callable[[RecorderState, RealtimeSessionEvent, int], None]]] = dict(
    [
        on(UserSpeechStarted, _speech_started),
        on(UserSpeechStopped, _speech_stopped),
        on(InputAudioTimeoutTriggered, _silence),
        on(TranscriptionFailed, _transcription_failed),
    ]
)
WRITTEN: Final[Mapping[type, Callable[[RecorderState, ours.ClientEvent, int], None]]] = dict(
    [
        on(ours.ConversationItemCreate, _item_sent),
        on(ours.InputAudioBufferAppend, _piece_sent),
        on(ours.InputAudioBufferCommit, _commit_sent),
    ]
)
