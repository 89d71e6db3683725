"""Recording a session: everything that went over the wire, both ways, with times; and its sound.

    model = recorded(model, "recordings/first")          # any model, any session
    async for event in session:
        model.note(event)                                # if replays should be held against the events, too

    FOLDER/wire.jsonl    a header, then one line for each event
    FOLDER/user.wav      what was sent of the user's audio, from the first sample to the last, without the times between
    FOLDER/agent.wav     what came of the agent's

A line of the wire is ``{"kind": "message", "t": nanoseconds since the connection was made, "direction": "sent" or
"received", "data": the event}``; one of the application's events has the kind "event". API keys and headers are not
part of the wire. Where settings hold a secret (an MCP server's key) it is written as ``***``, and where somebody
repeats one, as ``[key]``.
"""

from __future__ import annotations

import platform
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import attrs

from engine.audio.streams import Decoder
from engine.audio.wav_writer import WavWriter
from engine.clock import is_real_time, now_ns
from engine.errors import EngineError
from engine.events import RealtimeSessionEvent
from engine.lab.replay.event_data import event_data
from engine.models.interface import ModelConnection, RealtimeModel
from engine.models.wire_connection import WireConnection
from engine.outside.files import create_file
from engine.outside.json_line import json_line
from engine.outside.printable import escape_json
from engine.secret.redaction import Redaction
from engine.secret.value import Secret
from engine.settings import RealtimeModelConfig
from engine.version import VERSION as PACKAGE_VERSION
from engine.wire.client_events import ClientEvent, InputAudioBufferAppend
from engine.wire.codec import encode_client, encode_server
from engine.wire.formats import AudioFormat, format_object
from engine.wire.server_events import (
    MalformedEvent,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ServerEvent,
    SessionUpdated,
)
from engine.wire.session import Session, format_of

VERSION = 1
WIRE_FILE = "wire.jsonl"
Key = tuple[str, int]
"""Item id and content index."""
_ONE_STREAM: Key = ("", 0)


class RecordingExists(EngineError):
    """The folder holds a recording already: nothing is written over."""


def recorded(model: RealtimeModel, folder: str | Path) -> RecordedModel:
    """`model`, with its first connection written to `folder`."""
    return RecordedModel(model, Path(folder))


class RecordedModel(RealtimeModel):
    """A model whose conversation is written down. One connection: a second one is refused."""

    def __init__(self, inner: RealtimeModel, folder: Path) -> None:
        super().__init__()
        self.capabilities = inner.capabilities
        self._inner = inner
        self._folder = folder
        self._writer: _Writer | None = None

    def note(self, event: RealtimeSessionEvent) -> None:
        """The application took an event."""
        if self._writer is not None:
            self._writer.event(event)

    def connect(self, config: RealtimeModelConfig) -> AbstractAsyncContextManager[ModelConnection]:
        """See `RealtimeModel.connect`.

        Raises:
            RecordingExists: the folder holds a recording already.
            OSError: it cannot be written.
        """
        return self._connect(config)

    @asynccontextmanager
    async def _connect(self, config: RealtimeModelConfig) -> AsyncIterator[ModelConnection]:
        self._writer = writer = _Writer(self._folder, config.initial_model_settings, type(self._inner).__name__)
        try:
            async with self._inner.connect(config) as connection:
                if isinstance(connection, WireConnection):
                    writer.redaction = connection.redaction
                yield _RecordedConnection(connection, writer)
        finally:
            writer.close()


@attrs.frozen
class _RecordedConnection:
    inner: ModelConnection
    writer: _Writer

    async def receive(self) -> Sequence[ServerEvent]:
        events = await self.inner.receive()
        self.writer.received(events)
        return events

    async def send(self, events: Sequence[ClientEvent]) -> None:
        self.writer.sent(events)  # first, so that no answer stands before its question
        await self.inner.send(events)

    async def aclose(self) -> None:
        await self.inner.aclose()


class _Writer:
    def __init__(self, folder: Path, settings: Session, model: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / WIRE_FILE).exists():
            raise RecordingExists(f"{folder} holds a recording already: nothing is written over")
        self.redaction = Redaction()
        """What must not be written of what others say."""
        self._began_ns = now_ns()
        real = is_real_time()  # under virtual time the same call is the same bytes on every machine
        input_format, output_format = format_of(settings.audio_input), format_of(settings.audio_output)
        self._user = _Sound(folder / "user.wav", input_format)
        self._agent = _Sound(folder / "agent.wav", output_format)
        self._file: IO[bytes] = create_file(folder / WIRE_FILE)
        self._line(
            {
                "engine_recording": VERSION,
                "engine": PACKAGE_VERSION,
                "python": platform.python_version() if real else None,
                "recorded": datetime.now(UTC).isoformat(timespec="milliseconds") if real else None,
                "model": settings.model if isinstance(settings.model, str) else model,
                "input_format": format_object(input_format),
                "output_format": format_object(output_format),
            }
        )

    def received(self, events: Sequence[ServerEvent]) -> None:
        for event in events:
            if isinstance(event, MalformedEvent):
                text = event.raw if isinstance(event.raw, str) else event.raw.decode(errors="replace")
                self._message("malformed", "received", json_line(text))
                continue
            if isinstance(event, ResponseOutputAudioDelta):
                self._agent.add(event.delta, (event.item_id, event.content_index))
            elif isinstance(event, ResponseOutputAudioDone):
                self._agent.end((event.item_id, event.content_index))
            elif isinstance(event, SessionUpdated) and isinstance(event.session, Session):
                self._user.use_format(event.session.audio_input.format)
                self._agent.use_format(event.session.audio_output.format)
            self._message("message", "received", encode_server(event, Secret.shown))
        self._file.flush()

    def sent(self, events: Sequence[ClientEvent]) -> None:
        for event in events:
            if isinstance(event, InputAudioBufferAppend):
                self._user.add(event.audio)
                self._message("message", "sent", encode_client(event))
            else:
                self._message("message", "sent", encode_client(event, Secret.shown))
        self._file.flush()

    def event(self, event: RealtimeSessionEvent) -> None:
        if not self._file.closed:
            self._line({"kind": "event", "t": now_ns() - self._began_ns, "data": event_data(event)})

    def close(self) -> None:
        self._line({"kind": "end", "t": now_ns() - self._began_ns})
        self._file.close()
        self._user.close()
        self._agent.close()

    def _message(self, kind: str, direction: str, data: bytes) -> None:
        t = now_ns() - self._began_ns
        self._file.write(b'{"kind":"%b","t":%d,"direction":"%b","data":' % (kind.encode(), t, direction.encode()))
        self._file.write(escape_json(self.redaction.line(data)) + b"}\n")

    def _line(self, data: Mapping[str, object]) -> None:
        self._file.write(escape_json(self.redaction.line(json_line(data))) + b"\n")


class _Sound:
    """A mono WAV file that grows. It is opened with the first sound: only then is the format known for certain."""

    def __init__(self, path: Path, audio_format: AudioFormat) -> None:
        self._format = audio_format
        self._decoders: dict[Key, Decoder] = {}
        self._path = path
        self._file: WavWriter | None = None

    def use_format(self, said: object) -> None:
        """Take what comes from now on for this format, if the server has said one."""
        if isinstance(said, AudioFormat) and said != self._format:
            self._format = said
            self._decoders.clear()

    def add(self, audio: bytes, key: Key = _ONE_STREAM) -> None:
        """Write what comes next of one stream, which may end within a sample."""
        file = self._opened()
        if (decoder := self._decoders.get(key)) is None:
            decoder = self._decoders[key] = Decoder(self._format, file.getframerate())
        file.writeframes(decoder.decode(audio))

    def end(self, key: Key) -> None:
        """Write the rest of one stream."""
        if (decoder := self._decoders.pop(key, None)) is not None:
            self._opened().writeframes(decoder.flush())

    def close(self) -> None:
        for key in list(self._decoders):
            self.end(key)
        self._opened().close()

    def _opened(self) -> WavWriter:
        """Return the file, which has the rate of the first sound in it."""
        if self._file is None:
            self._file = WavWriter(self._path, channels=1, rate=self._format.rate)
        return self._file
