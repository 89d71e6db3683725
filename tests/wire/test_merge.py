"""`session.update` changes what it names, and nothing else."""

from hypothesis import given

from engine.wire.formats import G711_ULAW, PCM16
from engine.wire.merge import merge
from engine.wire.session import (
    Audio,
    AudioInput,
    AudioOutput,
    NoiseReduction,
    SemanticVad,
    ServerVad,
    Session,
    Transcription,
    TranscriptionAudio,
    TranscriptionSession,
)
from engine.wire.struct import UNSET
from tests.strategies import wire

_BASE = Session(
    instructions="a",
    audio=Audio(
        AudioInput(
            PCM16, Transcription("whisper-1", "en"), NoiseReduction("near_field", 0.5), ServerVad(threshold=0.7)
        ),
        AudioOutput(PCM16, "alloy", 1.0),
    ),
)


def test_audio_merges_key_by_key() -> None:
    merged = merge(_BASE, Session(audio=Audio(output=AudioOutput(voice="marin"))))
    assert merged.audio == Audio(_BASE.audio_input, AudioOutput(PCM16, "marin", 1.0))
    assert merged.instructions == "a"


def test_noise_reduction_keeps_its_strength() -> None:
    merged = merge(_BASE, Session(audio=Audio(AudioInput(noise_reduction=NoiseReduction("far_field")))))
    assert merged.audio_input.noise_reduction == NoiseReduction("far_field", 0.5)


def test_turn_detection_and_transcription_are_replaced_whole() -> None:
    update = AudioInput(transcription=Transcription("gpt-4o-transcribe"), turn_detection=ServerVad())
    merged = merge(_BASE, Session(audio=Audio(update)))
    assert merged.audio_input.turn_detection == ServerVad()
    assert merged.audio_input.transcription == Transcription("gpt-4o-transcribe")


def test_null_switches_off() -> None:
    merged = merge(_BASE, Session(audio=Audio(AudioInput(turn_detection=None, noise_reduction=None))))
    assert merged.audio_input == AudioInput(PCM16, Transcription("whisper-1", "en"), None, None)


def test_transcription_session() -> None:
    base = TranscriptionSession(audio=TranscriptionAudio(AudioInput(PCM16, turn_detection=SemanticVad())))
    merged = merge(base, TranscriptionSession(audio=TranscriptionAudio(AudioInput(G711_ULAW))))
    assert merged == TranscriptionSession(audio=TranscriptionAudio(AudioInput(G711_ULAW, UNSET, UNSET, SemanticVad())))


@given(wire.sessions())
def test_nothing_changes_nothing(session: Session) -> None:
    assert merge(session, Session()) == session
    assert merge(Session(), session) == session
    assert merge(session, session) == session


@given(wire.sessions(), wire.sessions())
def test_once_is_enough(base: Session, override: Session) -> None:
    once = merge(base, override)
    assert merge(once, override) == once
