"""One response, from the request to `response.done`.

States: *asked*, *thinking* (`response.created` was sent), *producing* (the reply is known), *done*.

==========  ====================================  =====================================================
state       input                                 goes to
==========  ====================================  =====================================================
asked       its time comes                        thinking; `response.created`
thinking    the reply                             producing; its items are planned
thinking    there is no reply                     done, `failed`
producing   a delta's time comes                  producing
producing   the last item closed                  done, `completed`
producing   the token limit is reached            done, `incomplete`; open items close `incomplete`
not done    cancelled                             done, `cancelled`; open items close `incomplete`
==========  ====================================  =====================================================

Promises: `response.created` comes before everything else of the response and `response.done` after it, each
exactly once (a response cancelled before it was announced is announced first); nothing is sent after
`response.done`.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from engine.local.conversation import usage as accounting
from engine.local.conversation.output_items import COMPLETED, INCOMPLETE, CallOutput, MessageOutput, OutputContext
from engine.local.conversation.pacing import ItemPacing, Pace
from engine.local.conversation.replies import CallTool, Reply, SayText
from engine.local.conversation.tokens import pieces
from engine.wire.formats import AudioFormat
from engine.wire.response import (
    Response,
    ResponseAudio,
    ResponseAudioOutput,
    ResponseError,
    StatusDetails,
    Usage,
)
from engine.wire.server_events import ResponseCreated, ResponseDone
from engine.wire.session import Voice


@attrs.frozen
class ResponseSpec:
    """What a response was asked to be: the session's settings as they stood, and the request's own on top."""

    id: str
    conversation_id: str | None
    """None: outside the conversation."""
    modalities: tuple[str, ...]
    voice: Voice
    speed: float
    audio_format: AudioFormat
    max_output_tokens: int | str
    metadata: Mapping[str, str] | None
    read_tokens: tuple[int, int, int]
    reasons: bool
    cut: tuple[int, str] | None = None
    """A fault: stop after so many tokens, for this reason."""

    @property
    def limit(self) -> tuple[int, str] | None:
        """The number of tokens after which it is incomplete, and the reason it gives then."""
        if self.cut is not None or isinstance(self.max_output_tokens, str):
            return self.cut
        return self.max_output_tokens, "max_output_tokens"

    @property
    def speaks(self) -> bool:
        """Whether the reply is audio."""
        return "audio" in self.modalities


class Generation:
    """Produces one response.

    Args:
        spec: what was asked for.
        context: where its items go.
        pace: how fast it is produced.
        created_at, first_output_at: when to announce it, and when its first item may open (nanoseconds).
        overlapping: items overlap as the newest models' do, instead of following one another.
        read_before: input tokens of the response before this one.
    """

    def __init__(
        self,
        spec: ResponseSpec,
        context: OutputContext,
        pace: Pace,
        *,
        created_at: int,
        first_output_at: int,
        overlapping: bool,
        read_before: int,
    ) -> None:
        self.spec = spec
        self._context = context
        self._outbox = context.outbox
        self._pace = pace
        self._created_at = created_at
        self._first_output_at = first_output_at
        self._overlapping = overlapping
        self._read_before = read_before
        self.created = False
        """Whether `response.created` was sent."""
        self._tracks: list[ItemPacing] | None = None
        self._failure: tuple[int, ResponseError] | None = None
        self._whole = True
        self._spent = 0
        self.status = "in_progress"
        self.usage: Usage | None = None

    # ------------------------------------------------------------------------------------------ reading
    @property
    def done(self) -> bool:
        """Whether `response.done` was sent."""
        return self.status != "in_progress"

    @property
    def audio_ms(self) -> int:
        """How much audio it sent."""
        return sum(track.output.audio_ms for track in self._tracks or () if isinstance(track.output, MessageOutput))

    @property
    def produced(self) -> bool:
        """Whether any item was opened."""
        return any(track.output.status is not None for track in self._tracks or ())

    @property
    def speaking_item(self) -> MessageOutput | None:
        """The newest message with audio, if there is one."""
        for track in reversed(self._tracks or ()):
            if isinstance(track.output, MessageOutput) and track.output.audio_ms:
                return track.output
        return None

    @property
    def due(self) -> int | None:
        """When something is to be sent next; None while it waits for the reply or for its sound."""
        if self.done:
            return None
        if not self.created:
            return self._created_at
        if self._failure is not None:
            return self._failure[0]
        if self._tracks is None:
            return None
        times = [self._closes_at(track) if track.drained else track.due for track in self._unclosed()]
        known = [time for time in times if time is not None]
        return min(known, default=self._first_output_at if not self._tracks else None)

    # ------------------------------------------------------------------------------------------ inputs
    def reply(self, reply: Reply, now: int, *, whole: bool = True) -> None:
        """The reply is known. `whole`: it is not cut, which would make the response `incomplete`."""
        self._whole = whole
        if self.done or self._tracks is not None or self._failure is not None:
            return
        calls = any(isinstance(part, CallTool) for part in reply)
        phase = ("commentary" if calls else "final_answer") if self.spec.reasons else None
        self._tracks = [self._track(index, part, phase) for index, part in enumerate(reply)]
        if self._tracks:
            self._tracks[0].open_at(max(now, self._first_output_at))
            self._plan_overlap()

    def fail(self, error: ResponseError, now: int) -> None:
        """There is no reply."""
        if self._tracks is None and self._failure is None:
            self._failure = (max(now, self._first_output_at), error)

    def spoken(self, index: int, encoded: bytes, now: int, *, last: bool) -> None:
        """More of an item's sound, in the format of the response."""
        if not self.done and self._tracks is not None:
            self._tracks[index].add_audio(encoded, now, last=last)

    def break_off(self, error: ResponseError) -> None:
        """End it now: the rest of it cannot be made."""
        if not self.done:
            self._finish("failed", StatusDetails(type="failed", error=error))

    def cancel(self, reason: str) -> None:
        """End it now: `turn_detected` or `client_cancelled`."""
        if not self.done:
            self._finish("cancelled", StatusDetails(type="cancelled", reason=reason))

    def announce(self) -> None:
        """Send `response.created`, if it was not yet."""
        if not self.created:
            self.created = True
            self._outbox.send(ResponseCreated(self._object(), event_id=self._outbox.ids.event()))

    def advance(self, now: int) -> None:
        """Send everything that is due."""
        while (due := self.due) is not None and due <= now:
            self._step(due)

    # ------------------------------------------------------------------------------------------ producing
    def _step(self, due: int) -> None:
        if not self.created:
            self.announce()
        elif self._failure is not None:
            self._finish("failed", StatusDetails(type="failed", error=self._failure[1]))
        elif not self._tracks:
            self._complete()
        else:
            self._step_track(due)

    def _step_track(self, due: int) -> None:
        for track in self._unclosed():
            if track.drained:
                if self._closes_at(track) == due:
                    self._close(track, due)
                    return
            elif track.due == due:
                self._spent += track.step()
                self._plan_overlap()
                self._check_limit()
                return

    def _close(self, track: ItemPacing, due: int) -> None:
        track.output.close(COMPLETED)
        remaining = list(self._unclosed())
        if not remaining:
            self._complete()
        elif not remaining[0].planned:
            remaining[0].open_at(due)

    def _closes_at(self, track: ItemPacing) -> int | None:
        """When a drained item closes: with its last delta, and where items overlap, with the next one's."""
        at = track.last_sent
        if self._overlapping:
            for later in self._tracks or ():
                if later.output.index > track.output.index:
                    if not later.drained:
                        return None
                    at = max(at, later.last_sent)
        first = next(iter(self._unclosed()))
        return at if first is track else None

    def _plan_overlap(self) -> None:
        if not self._overlapping or not self._tracks:
            return
        for before, after in zip(self._tracks, self._tracks[1:], strict=False):
            if before.planned and not after.planned:
                after.open_at(before.text_sent_at + self._pace.token_ns)

    def _check_limit(self) -> None:
        limit = self.spec.limit
        if limit is None or self._spent < limit[0]:
            return
        if all(track.drained or track.output.status in (COMPLETED, INCOMPLETE) for track in self._tracks or ()):
            return
        self._finish("incomplete", StatusDetails(type="incomplete", reason=limit[1]))

    def _unclosed(self) -> list[ItemPacing]:
        return [track for track in self._tracks or () if track.output.status not in (COMPLETED, INCOMPLETE)]

    def _track(self, index: int, part: SayText | CallTool, phase: str | None) -> ItemPacing:
        if isinstance(part, SayText):
            audio_format = self.spec.audio_format if self.spec.speaks else None
            message = MessageOutput(self._context, index, audio_format=audio_format, phase=phase)
            return ItemPacing(message, pieces(part.text), self._pace, audio_format)
        call = CallOutput(self._context, index, part.name)
        return ItemPacing(call, pieces(part.arguments), self._pace, None)

    # ------------------------------------------------------------------------------------------ ending
    def _complete(self) -> None:
        if self._whole:
            self._finish("completed", None)
        else:
            self._finish("incomplete", StatusDetails(type="incomplete", reason="max_output_tokens"))

    def _finish(self, status: str, details: StatusDetails | None) -> None:
        self.announce()
        for track in self._unclosed():
            if track.output.status is not None:
                track.output.close(INCOMPLETE)
        self.status = status
        self.usage = self._count()
        self._outbox.send(ResponseDone(self._object(details), event_id=self._outbox.ids.event()))

    def _count(self) -> Usage:
        if not self.produced:
            return accounting.usage((0, 0, 0), (0, 0), read_before=0, reasons=self.spec.reasons)
        text = audio = 0
        for track in self._tracks or ():
            written = track.output.tokens
            text, audio = text + written[0], audio + written[1]
        return accounting.usage(
            self.spec.read_tokens, (text, audio), read_before=self._read_before, reasons=self.spec.reasons
        )

    def _object(self, details: StatusDetails | None = None) -> Response:
        spec = self.spec
        opened = tuple(track.output.item for track in self._tracks or () if track.output.status is not None)
        return Response(
            id=spec.id,
            status=self.status,
            status_details=details,
            output=opened if self.done else (),
            conversation_id=spec.conversation_id,
            output_modalities=spec.modalities,
            max_output_tokens=spec.max_output_tokens,
            audio=ResponseAudio(output=ResponseAudioOutput(format=spec.audio_format, voice=spec.voice)),
            usage=self.usage,
            metadata=spec.metadata,
        )
