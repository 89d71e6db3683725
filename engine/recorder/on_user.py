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


def _message(n: RecorderState, given: SendMessage, now: int) -> None:
    if given.message.role == "user":
        n.wants_answer.append(given.respond)


def _raw(n: RecorderState, given: SendRaw, now: int) -> None:
    event = given.event
    if isinstance(event, ours.ConversationItemCreate) and _is_users(event.item):
        n.wants_answer.append(False)


def _is_users(item: object) -> bool:
    return isinstance(item, Message) and item.role == "user"


def _item_sent(n: RecorderState, event: ours.ConversationItemCreate, now: int) -> None:
    if isinstance(event.item, FunctionCallOutput):
        output_sent(n, event.item, now)
    elif isinstance(event.item, Message) and _is_users(event.item):
        respond = n.wants_answer.popleft() if n.wants_answer else False
        item = event.item.id
        n.record(now, "user.text.sent", item=item if isinstance(item, str) else None, respond=respond)


def _piece_sent(n: RecorderState, event: ours.InputAudioBufferAppend, now: int) -> None:
    n.sent.sent(len(event.audio), now)


def _commit_sent(n: RecorderState, event: ours.InputAudioBufferCommit, now: int) -> None:
    edges = n.sent.edges()
    if edges is not None and not n.server_listens:
        _edge(n, edges[0], "first", None)
        _edge(n, edges[1], "last", None)
    n.record(now, "user.commit.sent")


def _edge(n: RecorderState, piece: Piece | None, edge: str, item: str | None) -> None:
    if piece is None:
        return
    fields: dict[str, Value] = {"edge": edge}
    if item is not None:
        fields["item"] = item
    fields["bytes"] = piece.nbytes
    fields["position_ms"] = 1000 * piece.end / n.sent.audio_format.bytes_per_second
    n.record(piece.at_ns, "user.audio.sent", **fields)


# --- what the server hears


def _speech_started(n: RecorderState, event: UserSpeechStarted, now: int) -> None:
    n.server_listens = True
    n.cause = "user"
    _edge(n, n.sent.holding(event.audio_start_ms), "first", event.item_id)
    n.record(now, "server.speech_started", item=event.item_id, ms=event.audio_start_ms)


def _speech_stopped(n: RecorderState, event: UserSpeechStopped, now: int) -> None:
    _edge(n, n.sent.up_to(event.audio_end_ms), "last", event.item_id)
    n.record(now, "server.speech_stopped", item=event.item_id, ms=event.audio_end_ms)


def _silence(n: RecorderState, event: InputAudioTimeoutTriggered, now: int) -> None:
    n.record(now, "server.silence", item=event.item_id)


def _committed(n: RecorderState, event: server.InputAudioBufferCommitted, now: int) -> None:
    if n.server_listens:
        n.sent.edges()
        n.server_listens = False
    n.record(now, "user.committed", item=event.item_id)


def _cleared(n: RecorderState, event: server.InputAudioBufferCleared, now: int) -> None:
    n.sent.edges()
    n.server_listens = False
    n.record(now, "user.cleared")


def _transcription_failed(n: RecorderState, event: TranscriptionFailed, now: int) -> None:
    n.record(now, "transcript.user.failed", item=event.item_id)


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
