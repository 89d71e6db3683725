"""`engine talk` as a newcomer runs it: real time, real speech, once."""

from __future__ import annotations

import array
import importlib.util
import json
import subprocess
import sys
import wave
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import pytest

from engine.cli.demo import SCRIPT
from tests.cli.support import as_recognised

NEEDED = ("pocketsphinx", "webrtcvad", "espeakng_loader")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in NEEDED),
        reason="the speech extra is not installed (pip install 'engine[speech]'): nothing here could hear or speak",
    ),
]
SECONDS_ALLOWED = 90
"""The call lasts about 45 s; a busy computer may be slower, a hanging one is stopped."""


@attrs.frozen
class Spoken:
    """The call's events and its recording, 24 samples to the millisecond."""

    events: list[dict[str, Any]]
    left: array.array[int]
    right: array.array[int]
    directory: Path

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    def loudest(self, side: array.array[int], start: float, end: float) -> int:
        """The loudest sample between two moments, in seconds of the call."""
        return max(map(abs, side[round(start * 24_000) : round(end * 24_000)]), default=0)


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Spoken:
    """One call, held once for all the tests here."""
    directory = tmp_path_factory.mktemp("spoken") / "call"
    command = [sys.executable, "-c", "import sys; from engine.cli.main import main; sys.exit(main())"]
    ended = subprocess.run(
        [*command, "talk", "--json", "--out", str(directory)], capture_output=True, text=True, timeout=SECONDS_ALLOWED
    )
    assert ended.returncode == 0, ended.stderr
    with wave.open(str(directory / "call.wav")) as file:
        both = array.array("h", file.readframes(file.getnframes()))
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    return Spoken(events, both[0::2], both[1::2], directory)


def test_every_line_of_the_caller_is_understood(call: Spoken) -> None:
    heard = [event["transcript"] for event in call.of("transcript_done") if event["role"] == "user"]
    assert [as_recognised(text) for text in heard] == [as_recognised(line.text) for line in SCRIPT]


def test_two_tools_a_handoff_and_an_interruption(call: Spoken) -> None:
    tools = [(event["name"], event["outcome"]) for event in call.of("tool_end")]
    assert tools == [("get_order_status", "result"), ("transfer_to_billing", "result"), ("refund_order", "result")]
    assert [(event["from_agent"], event["to_agent"]) for event in call.of("handoff")] == [
        ("Customer Service", "Billing")
    ]
    assert len(call.of("audio_interrupted")) == 1


def test_the_caller_is_left_and_only_there(call: Spoken) -> None:
    begun, ended = call.of("caller_speech_began"), call.of("caller_speech_ended")
    for start, end in zip(begun, ended, strict=True):
        assert call.loudest(call.left, start["t"], end["t"]) > 3000
    for end, start in zip(ended, begun[1:], strict=False):
        assert call.loudest(call.left, end["t"], start["t"]) < 600, "35 dB below full scale"


def test_the_agent_is_right_and_speaks_as_long_as_it_is_said_to(call: Spoken) -> None:
    begun, ended = call.of("playback_began"), call.of("playback_ended")
    for start, end in zip(begun, ended, strict=True):
        assert call.loudest(call.right, start["t"], end["t"]) > 3000
    for end, start in zip(ended, begun[1:], strict=False):
        assert call.loudest(call.right, end["t"], start["t"] - 0.01) == 0


def test_the_agent_falls_silent_in_mid_sentence_when_the_caller_speaks(call: Spoken) -> None:
    (cut,) = [event for event in call.of("playback_ended") if event["interrupted"]]
    start = max(event["t"] for event in call.of("caller_speech_began") if event["t"] < cut["t"])
    assert 0 < cut["t"] - start < 2.0
    assert call.loudest(call.right, cut["t"] - 0.5, cut["t"]) > 1000
    told = next(event for event in call.events if event["type"] == "history_updated" and _heard(event))
    late_ms = (cut["at_ns"] - told["at_ns"]) / 1_000_000  # the speaker hears of it when its task runs
    assert abs(_heard(told) + late_ms - cut["played_ms"]) <= 20
    part = told["item"]["content"][0]
    assert part["heard"]
    assert part["unheard"]


def _heard(event: dict[str, Any]) -> int:
    content = event["item"].get("content") or [{}]
    return content[0].get("audio_end_ms") or 0


def test_answers_come_soon_after_the_caller_stops(call: Spoken) -> None:
    """A loose bound: voice detection's hangover, the recognizer, the model's own latencies, a busy computer."""
    ends = [event["t"] for event in call.of("caller_speech_ended")]
    audible = [event["t"] for event in call.of("playback_began")]
    for end, next_end in pairwise([*ends, float("inf")]):
        waits = [at - end for at in audible if end < at < next_end]
        assert waits
        assert 0.2 < waits[0] < 10.0


def test_the_session_measures_the_gaps_that_the_caller_waits(call: Spoken) -> None:
    gaps = [event["metrics"]["turn_gap"] for event in call.of("turn_metrics") if event["turn"]["opened_by"] == "speech"]
    ends = [event["t"] for event in call.of("caller_speech_ended")]
    audible = [event["t"] for event in call.of("playback_began")]
    assert gaps == [pytest.approx(min(at for at in audible if at > end) - end, abs=1e-5) for end in ends]


def test_the_transcript_and_the_table_are_written(call: Spoken) -> None:
    text = (call.directory / "transcript.txt").read_text()
    for words in ("interrupted", "Customer Service → Billing", "5 of 5 turns were answered aloud"):
        assert words in text
