"""What the application did in a recorded session, found out from what was sent.

Some of what is sent the application asked for, the rest the session sends by itself: settings, tool outputs and the
requests that follow them, cancellations and truncations when the user speaks up. Only the former is done again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from engine.audio.samples import SampleCutter
from engine.core.requests import TOKEN
from engine.lab.replay.recorded_call import RecordedCall, RecordedLine
from engine.session.session import RealtimeSession
from engine.wire.client_decoding import decode_client
from engine.wire.client_events import (
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemTruncate,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    ResponseCancel,
    ResponseCreate,
    SessionUpdate,
)
from engine.wire.items import FunctionCallOutput, Message
from engine.wire.response import ResponseParams
from engine.wire.struct import UNSET, evolve

APPEND = InputAudioBufferAppend.type


@attrs.frozen
class Act:
    """Something that the application did."""

    line: RecordedLine
    """What was sent because of it."""
    after: int
    """How many events had been received before."""
    responds: bool = False
    """Of a message: it is to be answered."""

    async def do(self, session: RealtimeSession[object], cutter: SampleCutter) -> None:
        """Do it again. Raises what the session raises.

        Args:
            session: the program's.
            cutter: of the user's audio, which other clients cut anywhere.
        """
        match decode_client(self.line.message):
            case InputAudioBufferAppend(audio=audio):
                if whole := cutter.cut(audio):
                    await session.send_audio(whole)
            case InputAudioBufferCommit():
                await session.commit_audio()
            case InputAudioBufferClear():
                await session.clear_audio()
            case ConversationItemCreate(item=Message() as message):
                await session.send_message(message, respond=self.responds)
            case ResponseCreate(response=params):
                await session.respond(params=_own(params) if isinstance(params, ResponseParams) else None)
            case ResponseCancel():
                await session.interrupt()
            case _:
                await session.send_event(self.line.data if isinstance(self.line.data, Mapping) else {})


def acts_of(call: RecordedCall) -> tuple[Act, ...]:
    """What the application did, in order."""
    return tuple(_acts(call.lines))


def _acts(lines: Sequence[RecordedLine]) -> Iterator[Act]:
    received = 0
    owed = 0
    """Requests for responses that the session makes by itself."""
    user_speaks = False
    for index, line in enumerate(lines):
        if line.direction == "received":
            received += 1
            user_speaks = line.type == "input_audio_buffer.speech_started" or (
                user_speaks and line.type != "input_audio_buffer.speech_stopped"
            )
            continue
        match decode_client(line.message):
            case SessionUpdate() | ConversationItemTruncate() | ConversationItemDelete():
                continue
            case ConversationItemCreate(item=Message()):
                responds = _next_sent(lines, index) == ResponseCreate.type
                owed += responds
                yield Act(line, received, responds)
            case ConversationItemCreate(item=FunctionCallOutput()):
                owed = 1
            case ResponseCreate() if owed:
                owed -= 1
            case ResponseCancel() if user_speaks:
                continue
            case _:
                yield Act(line, received)


def _next_sent(lines: Sequence[RecordedLine], index: int) -> str | None:
    """The type of the next thing that was sent, but for audio."""
    for line in lines[index + 1 :]:
        if line.direction == "sent" and line.type != APPEND:
            return line.type
    return None


def _own(params: ResponseParams) -> ResponseParams:
    """What the application asked for: without what the session adds."""
    if not isinstance(params.metadata, Mapping):
        return params
    own = {name: value for name, value in params.metadata.items() if name != TOKEN}
    return evolve(params, metadata=own or UNSET)
