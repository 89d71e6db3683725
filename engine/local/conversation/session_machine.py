"""The server of one Realtime session, as a pure machine: client events and time in, server events and work
out.

No trio, no clock, no randomness of its own. The shell calls `open` once, `handle` for every client event,
`report` for every piece of finished work, and `advance` when `wake_at` has come; each returns effects, in
order. Before it looks at an input the machine sends everything that was due by then. An input that takes long is
done in steps: the machine is `busy`, and `advance` does the next one.
"""

from __future__ import annotations

import random

from engine.local.conversation import errors
from engine.local.conversation.effects import (
    CloseConnection,
    Effect,
    ReplyFailed,
    ReplyReady,
    Report,
    SpeakingFailed,
    SpeechRecognized,
    SpeechSynthesized,
)
from engine.local.conversation.ids import Ids
from engine.local.conversation.item_requests import ItemRequests
from engine.local.conversation.items import ItemList
from engine.local.conversation.listening import ClassifierFactory, Listening
from engine.local.conversation.loudness import LoudnessClassifier
from engine.local.conversation.outbox import Outbox
from engine.local.conversation.responding import Responding
from engine.local.conversation.session_settings import DEFAULT_MODEL, SessionSettings
from engine.local.conversation.steps import Steps
from engine.local.conversation.transcripts import Transcripts
from engine.local.settings.options import LocalOptions
from engine.wire.client_decoding import ACCEPTED, ClientError
from engine.wire.client_events import (
    ClientEvent,
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemRetrieve,
    ConversationItemTruncate,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    RawClientEvent,
    ResponseCancel,
    ResponseCreate,
    SessionUpdate,
)
from engine.wire.formats import PCM16
from engine.wire.response import ResponseParams
from engine.wire.server_events import (
    ErrorDetail,
    ErrorEvent,
    McpListToolsFailed,
    McpListToolsInProgress,
    SessionCreated,
    SessionUpdated,
)
from engine.wire.units import NS_PER_S

EXPIRED = 1001
_PCM_BYTES_PER_S = PCM16.bytes_per_second


class SessionMachine:
    """One session.

    Args:
        options: how the model behaves.
        now: monotonic nanoseconds.
        wall_s: Unix seconds at `now`.
        seed: of every identifier and time drawn in this session.
        model: as the client named it.
        transcription: a session that only listens.
        classifiers: makes the speech classifier for a threshold.
    """

    def __init__(
        self,
        options: LocalOptions,
        *,
        now: int,
        wall_s: int,
        seed: int,
        model: str = DEFAULT_MODEL,
        transcription: bool = False,
        classifiers: ClassifierFactory = LoudnessClassifier,
    ) -> None:
        self._options = options
        ids = Ids(seed, wall_s=wall_s, started_ns=now)
        rng = random.Random(seed + 1)
        self._ids = ids
        self._outbox = Outbox(ids)
        self._expires_at: int | None = now + round(options.session_seconds * NS_PER_S)
        self._settings = SessionSettings(
            session_id=ids.session(),
            model=model,
            expires_at=ids.unix_s(self._expires_at),
            transcription=transcription,
        )
        self._conversation = ItemList(round(options.kept_audio_seconds * _PCM_BYTES_PER_S), options.quotas)
        self._transcripts = Transcripts(self._outbox, options, rng)
        self._responding = Responding(self._outbox, self._conversation, self._settings, options, rng)
        self._listening = Listening(
            self._outbox,
            self._conversation,
            self._settings,
            options,
            self._responding,
            self._transcripts,
            classifiers,
        )
        self._items = ItemRequests(self._outbox, self._conversation, self._settings)
        self._now = now
        self._work: Steps | None = None
        """What is left to do of the last input."""
        self._asked_by: str | None = None
        """The id that the client gave the event that is worked on."""

    # ------------------------------------------------------------------------------------------ reading
    @property
    def conversation(self) -> ItemList:
        """The items, for whoever wants to look."""
        return self._conversation

    @property
    def settings(self) -> SessionSettings:
        """The settings as they stand."""
        return self._settings

    @property
    def busy(self) -> bool:
        """Whether the last input is not done with: `advance` does the next step of it, and is to be called at once.

        The next input would do all of them before it is looked at.
        """
        return self._work is not None

    @property
    def wake_at(self) -> int | None:
        """When `advance` is to be called; None once the session is over."""
        return self._now if self.busy else self._due

    @property
    def _due(self) -> int | None:
        if self._expires_at is None:
            return None
        times = (self._responding.due, self._transcripts.due, self._listening.due)
        return min([self._expires_at, *(time for time in times if time is not None)])

    # ------------------------------------------------------------------------------------------ inputs
    def open(self) -> list[Effect]:
        """The session begins."""
        self._outbox.send(SessionCreated(self._settings.current, event_id=self._ids.event()))
        return self._outbox.take()

    def handle(self, event: ClientEvent | ClientError, now: int) -> list[Effect]:
        """A client event, or what was wrong with it."""
        self._finish(now)
        self._catch_up(now)
        if self._expires_at is None:
            return self._outbox.take()
        if isinstance(event, ClientError):
            detail = ErrorDetail(event.type, event.message, event.code, event.param, event.event_id)
            self._outbox.send(ErrorEvent(detail, event_id=self._ids.event()))
            return self._outbox.take()
        given = None if isinstance(event, RawClientEvent) else event.event_id
        self._asked_by = given if isinstance(given, str) else None
        try:
            self._work = self._dispatch(event, now)
        except errors.Rejected as refusal:
            self._reject(refusal)
        self._step(None)
        self._settle()
        return self._outbox.take()

    def report(self, report: Report, now: int) -> list[Effect]:
        """A piece of work is done."""
        self._finish(now)
        self._catch_up(now)
        match report:
            case SpeechRecognized():
                self._heard(report, now)
            case ReplyReady():
                self._responding.thought(report, now)
            case ReplyFailed():
                self._responding.failed(report, now)
            case SpeechSynthesized():
                self._work = self._responding.spoke(report, now)
                self._step(None)
            case SpeakingFailed():
                self._responding.broke_off(report, now)
                self._settle()
        self._catch_up(now)
        return self._outbox.take()

    def advance(self, now: int) -> list[Effect]:
        """Time passed."""
        self._catch_up(now)
        if self._work is not None:
            self._step(now)
            self._settle()
            self._catch_up(now)
        return self._outbox.take()

    # ------------------------------------------------------------------------------------------ inside
    def _finish(self, now: int) -> None:
        while self._work is not None:
            self._step(now)
            self._settle()

    def _step(self, now: int | None) -> None:
        """Do the next step of the work. None: the first."""
        work = self._work
        if work is None:
            return
        try:
            work.send(now)  # type: ignore[arg-type]  # the first one has to be None
        except StopIteration:
            self._work = None
        except errors.Rejected as refusal:
            self._work = None
            self._reject(refusal)

    def _reject(self, refusal: errors.Rejected) -> None:
        self._outbox.send(errors.event_of(refusal, self._ids.event(), self._asked_by))

    def _dispatch(self, event: ClientEvent, now: int) -> Steps | None:
        match event:
            case InputAudioBufferAppend(audio=audio):
                return self._listening.append(audio, now)
            case SessionUpdate():
                self._update(event)
            case ConversationItemCreate():
                return self._items.create(event)
            case ConversationItemRetrieve():
                return self._items.retrieve(event)
            case ConversationItemTruncate():
                self._items.truncate(event)
            case ConversationItemDelete():
                self._items.delete(event)
            case InputAudioBufferCommit():
                self._listening.commit(now)
            case InputAudioBufferClear():
                self._listening.clear()
            case ResponseCreate(response=asked):
                self._responding.create(asked if isinstance(asked, ResponseParams) else ResponseParams(), now)
            case ResponseCancel(response_id=response_id):
                self._responding.cancel(response_id if isinstance(response_id, str) else None, now)
            case _:
                raise errors.unsupported_value("type", event.type, tuple(ACCEPTED))
        return None

    def _update(self, event: SessionUpdate) -> None:
        known = self._settings.mcp_servers
        self._settings.update(event.session, spoken=self._responding.spoken)
        self._listening.settings_changed()
        self._outbox.send(SessionUpdated(self._settings.current, event_id=self._ids.event()))
        for _ in self._settings.mcp_servers - known:
            item_id = self._ids.item()
            self._outbox.send(McpListToolsInProgress(item_id, event_id=self._ids.event()))
            self._outbox.send(McpListToolsFailed(item_id, event_id=self._ids.event()))

    def _heard(self, report: SpeechRecognized, now: int) -> None:
        entry = self._conversation.get(report.item_id)
        if entry is not None:
            entry.hearing = False
            entry.transcript = report.text or ""
        self._transcripts.heard(report.item_id, report.text, now)
        self._responding.heard()

    def _catch_up(self, now: int) -> None:
        """Do everything that was due by now, in the order in which it was due."""
        self._now = now
        while (due := self._due) is not None and due <= now:
            self._ids.at(due)
            if self._expires_at is not None and due >= self._expires_at:
                self._expire()
                return
            self._responding.advance(due)
            self._settle()
            self._transcripts.advance(due)
            self._listening.advance(due)
        self._ids.at(now)

    def _settle(self) -> None:
        for ended in self._responding.take_ended():
            self._listening.response_ended(ended)

    def _expire(self) -> None:
        minutes = self._options.session_seconds / 60
        self._expires_at = None
        self._work = None
        refusal = errors.session_expired(minutes)
        self._outbox.send(errors.event_of(refusal, self._ids.event()))
        self._outbox.do(CloseConnection(EXPIRED, errors.expiry_sentence(minutes)))
