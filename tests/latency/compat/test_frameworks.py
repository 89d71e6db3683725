"""pipecat's and LiveKit's figures by hand, their zeros and minus ones included."""

from __future__ import annotations

import attrs
import pytest

from engine.latency.compat import livekit, pipecat
from engine.latency.compat.endpointing import silence_of
from engine.latency.compat.views import views
from engine.latency.instants import Instant
from engine.latency.log import LogHeader, SessionLog
from tests.latency.export.some_turns import EARLY, GREETING, HEADER, QUESTION, TURNS, UNANSWERED


def test_pipecat_counts_from_the_back_dated_decision() -> None:
    """The decision at 4.05 s, less 0.5 s of silence, to the first audio frame, audible or not, at 4.92 s."""
    assert pipecat.user_bot_latency(QUESTION, 0.5) == pytest.approx(1.37)
    assert pipecat.user_bot_latency(UNANSWERED, 0.5) is None
    assert pipecat.user_bot_latencies(TURNS, 0.5).n == 1


def test_pipecat_has_no_number_for_a_bot_that_is_too_early() -> None:
    early = attrs.evolve(EARLY, speech_stopped=14_500_000_000)
    assert pipecat.user_bot_latency(early, 0.5) is None


def test_pipecats_first_bot_speech() -> None:
    assert pipecat.first_bot_speech_latency(TURNS) == 0.06
    assert pipecat.first_bot_speech_latency(TURNS[1:]) is None
    assert pipecat.first_bot_speech_latency([]) is None


def test_livekit_by_hand() -> None:
    assert livekit.e2e_latency(QUESTION, 0.5) == pytest.approx(1.37)
    assert livekit.transcription_delay(QUESTION, 0.5) == pytest.approx(0.6)
    assert livekit.end_of_turn_delay(QUESTION, 0.5) == pytest.approx(0.502)
    assert livekit.realtime_ttft(QUESTION) == pytest.approx(0.841)
    assert livekit.realtime_duration(QUESTION) == pytest.approx(1.14)
    assert livekit.playback_latency(QUESTION) == pytest.approx(0.018)


def test_livekits_numbers_that_are_no_measurements() -> None:
    no_end = attrs.evolve(QUESTION, speech_stopped=None)
    assert livekit.transcription_delay(no_end, 0.5) == 0.0
    silent = attrs.evolve(GREETING, audio_first_received=None)
    assert livekit.realtime_ttft(silent) == -1.0
    assert livekit.realtime_ttft(UNANSWERED) is None
    assert livekit.realtime_duration(UNANSWERED) is None
    assert livekit.playback_latency(UNANSWERED) is None
    assert livekit.end_of_turn_delay(UNANSWERED, 0.5) is None


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"audio": {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 300}}}}, 0.3),
        ({"audio": {"input": {"turn_detection": None}}}, 0.5),
        ({}, 0.5),
    ],
)
def test_the_silence_that_the_detector_waits_for(settings: dict[str, object], expected: float) -> None:
    assert silence_of(LogHeader(session="s", settings=settings)) == expected


def test_every_definition_has_its_lines() -> None:
    instants = (
        Instant(2_000_000_000, "user.speech.start.truth", {"turn": 1, "purpose": "turn"}),
        Instant(3_500_000_000, "user.speech.end.truth", {"turn": 1}),
        Instant(4_920_000_000, "playout.start", {"item": "a", "source": "measured"}),
        Instant(4_960_000_000, "playout.audible", {"item": "a", "source": "measured"}),
        Instant(6_920_000_000, "playout.stop", {"item": "a", "source": "measured"}),
        Instant(9_000_000_000, "playout.start", {"item": "b", "source": "computed"}),
    )
    found = {(view.definition, view.name): view for view in views([SessionLog(HEADER, instants)], TURNS)}
    assert {name for name, _ in found} == {
        "Full-Duplex-Bench 1.0", "Full-Duplex-Bench 1.5", "tau-voice 1.1", "pipecat 1.14", "LiveKit 1.8",
    }  # fmt: skip
    assert found["Full-Duplex-Bench 1.5", "response latency"].figure.value == pytest.approx(1.46)
    assert found["tau-voice 1.1", "L_R response latency"].figure.value == pytest.approx(1.2)
    assert found["pipecat 1.14", "user-bot latency"].figure.value == pytest.approx(1.37)
    assert all(view.note for view in found.values())


def test_no_run_at_all() -> None:
    assert all(view.figure.value is None for view in views([], []))
