"""What client events ask of a session's settings."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from engine.wire.asked_settings import settings_asked
from engine.wire.client_events import ClientEvent, InputAudioBufferClear, RawClientEvent, SessionUpdate
from engine.wire.session import Audio, AudioInput, AudioOutput, ServerVad, Session, TranscriptionSession

OFF = Session(audio=Audio(AudioInput(turn_detection=None)))


def raw(session: Any, kind: str = "session.update") -> RawClientEvent:
    return RawClientEvent({"type": kind, "session": session})


@pytest.mark.parametrize(
    ("event", "asked"),
    [
        (SessionUpdate(OFF), OFF),
        (raw({"type": "realtime", "audio": {"input": {"turn_detection": None}}}), OFF),
        (raw({"turn_detection": None}), OFF),
        (raw(MappingProxyType({"turn_detection": None})), OFF),
        (raw({"turn_detection": None, "vendors": {"own": 1}, "tools": 5}), OFF),
        (
            raw({"turn_detection": {"type": "server_vad"}, "voice": "ash", "audio": {"output": {"speed": 1.5}}}),
            Session(audio=Audio(AudioInput(turn_detection=ServerVad()), AudioOutput(voice="ash", speed=1.5))),
        ),
        (raw({}), Session()),
        (raw({"type": "transcription"}), TranscriptionSession()),
        (raw({"turn_detection": None}, "transcription_session.update"), OFF),
        (raw("nonsense"), TranscriptionSession()),
        (RawClientEvent({"type": "session.update"}), TranscriptionSession()),
        (RawClientEvent({"type": "response.create"}), None),
        (RawClientEvent({}), None),
        (InputAudioBufferClear(), None),
    ],
)
def test_the_settings_of_an_event(event: ClientEvent, asked: Session | None) -> None:
    assert settings_asked(event) == asked
