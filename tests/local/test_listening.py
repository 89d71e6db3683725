"""The input buffer and turn detection, through the machine and by themselves."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.audio.level import level_db
from engine.local.conversation.input_buffer import InputBuffer
from engine.local.conversation.loudness import LoudnessClassifier
from engine.local.conversation.turn_detection import FRAME_SAMPLES, SpeechStarted, SpeechStopped, TurnDetector
from engine.local.settings.options import LocalOptions
from engine.local.speech.placeholder_synthesizer import tones
from tests.local.driver import Driver, append, order, silence, speech, update

MANUAL = update(audio={"input": {"turn_detection": None}})
COMMIT = {"type": "input_audio_buffer.commit"}
CLEAR = {"type": "input_audio_buffer.clear"}


def vad(**fields):
    return update(audio={"input": {"turn_detection": {"type": "server_vad", **fields}}})


# ---------------------------------------------------------------------------------------- through the machine
def test_a_commit_of_less_than_a_tenth_of_a_second():
    driver = Driver()
    driver.send(MANUAL, {**COMMIT, "event_id": "mine"}, append(silence(99)), COMMIT)
    assert [error["code"] for error in driver.errors()] == ["input_audio_buffer_commit_empty"] * 2
    assert "0.00ms" in driver.errors()[0]["message"]
    assert "99.00ms" in driver.errors()[1]["message"]
    assert driver.errors()[0]["event_id"] == "mine"
    driver.send(append(silence(1)), COMMIT)
    assert driver.of("input_audio_buffer.committed")


def test_positions_count_everything_ever_appended():
    driver = Driver()
    driver.send(append(silence(3000)), CLEAR, append(silence(200) + speech(500) + silence(500)))
    started = driver.of("input_audio_buffer.speech_started")[0]["audio_start_ms"]
    assert started == pytest.approx(3200 - 300, abs=32)
    assert (started + 300) % 32 == 0
    assert driver.of("input_audio_buffer.speech_stopped")[0]["audio_end_ms"] % 32 == 0


def test_speech_at_the_very_beginning_starts_at_zero():
    driver = Driver()
    driver.send(append(speech(500)))
    assert driver.of("input_audio_buffer.speech_started")[0]["audio_start_ms"] == 0


def test_the_silence_that_ends_a_turn_is_the_sessions():
    ends = []
    for silence_ms in (200, 500, 800):
        driver = Driver(heard=[None])
        driver.send(vad(silence_duration_ms=silence_ms), append(silence(512) + speech(640) + silence(2000)))
        ends.append(driver.of("input_audio_buffer.speech_stopped")[0]["audio_end_ms"])
    for end, silence_ms in zip(ends, (200, 500, 800), strict=True):
        assert 1152 + silence_ms <= end <= 1152 + silence_ms + 64


def test_a_commit_in_the_middle_of_speech_uses_the_announced_item():
    driver = Driver(heard=["hello", None])
    driver.send(append(silence(500) + speech(600)))
    served = driver.send(COMMIT)
    assert order(served) == ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]
    assert served[0]["item_id"] == driver.of("input_audio_buffer.speech_started")[0]["item_id"]
    driver.send(append(silence(1000)))
    assert driver.of("input_audio_buffer.speech_stopped") == []


def test_a_commit_after_the_servers_own_finds_nothing():
    driver = Driver(heard=["hello"])
    driver.send(append(silence(500) + speech(600) + silence(260)), COMMIT)
    assert driver.errors()[0]["code"] == "input_audio_buffer_commit_empty"


def test_a_commit_between_turns_makes_an_item_of_its_own():
    driver = Driver(heard=["hello", None])
    driver.send(append(silence(500) + speech(600) + silence(600)), COMMIT)
    first, second = driver.of("input_audio_buffer.committed")
    assert second["item_id"] != first["item_id"]
    assert second["previous_item_id"] == first["item_id"]


def test_clearing_drops_the_turn_in_progress():
    driver = Driver()
    driver.send(append(silence(500) + speech(600)), CLEAR, append(silence(1000)))
    kinds = order(driver.events)
    assert kinds.count("input_audio_buffer.cleared") == 1
    assert "input_audio_buffer.speech_stopped" not in kinds


def test_other_settings_do_not_disturb_a_turn_but_turn_detection_does():
    driver = Driver(heard=["hello"])
    driver.send(append(silence(500) + speech(600)), update(instructions="x"), append(silence(500)))
    assert driver.of("input_audio_buffer.speech_stopped")
    driver = Driver(heard=["hello"])
    driver.send(append(silence(500) + speech(600)), MANUAL, append(silence(500)))
    assert not driver.of("input_audio_buffer.speech_stopped")


def test_turn_detection_switched_on_later_keeps_the_grid():
    driver = Driver(heard=["hello"])
    driver.send(MANUAL, append(silence(1003)), vad(), append(silence(500) + speech(500) + silence(500)))
    started = driver.of("input_audio_buffer.speech_started")[0]["audio_start_ms"]
    assert (started + 300) % 32 == 0


def test_padding_may_reach_into_the_turn_before():
    driver = Driver(heard=["hello", "yes"])
    driver.send(vad(silence_duration_ms=200, create_response=False))
    driver.send(append(silence(512) + speech(640) + silence(256) + speech(640) + silence(512)))
    first, second = driver.of("input_audio_buffer.speech_stopped")[0], driver.of("input_audio_buffer.speech_started")[1]
    assert second["audio_start_ms"] < first["audio_end_ms"]
    assert len(driver.utterances[1]) // 48 >= 300 + 640


def test_semantic_vad_waits_as_long_as_it_is_not_eager():
    ends = {}
    for eagerness in ("low", "high"):
        driver = Driver(heard=[None])
        detection = {"type": "semantic_vad", "eagerness": eagerness}
        driver.send(
            update(audio={"input": {"turn_detection": detection}}), append(silence(500) + speech(600) + silence(3000))
        )
        ends[eagerness] = driver.of("input_audio_buffer.speech_stopped")[0]["audio_end_ms"]
    assert ends["high"] < ends["low"]


def test_several_turns_in_one_append():
    driver = Driver(heard=["hello", "goodbye"])
    driver.send(vad(create_response=False))
    turn = silence(512) + speech(640) + silence(512)
    driver.send(append(turn * 2))
    assert [event["previous_item_id"] for event in driver.of("input_audio_buffer.committed")] == [
        None,
        driver.of("input_audio_buffer.committed")[0]["item_id"],
    ]


def test_too_much_that_nobody_commits():
    driver = Driver(LocalOptions(uncommitted_seconds=1))
    driver.send(MANUAL, append(silence(1500)), append(silence(1)))
    assert driver.errors()[0]["code"] == "buffer_size_exceeded"
    driver.send(COMMIT, append(silence(1)))
    assert len(driver.errors()) == 1


def test_hours_of_silence_are_not_kept():
    driver = Driver()
    for _ in range(100):
        driver.send(append(silence(1000)))
    assert len(driver.machine._listening._buffer._audio) <= 48 * 3000


def test_nobody_is_asked_whether_he_is_there_while_nothing_is_heard_at_all():
    driver = Driver()
    driver.send(vad(idle_timeout_ms=5000))
    driver.say("hello")
    assert driver.pass_ms(100_000) == []
    assert order(driver.send(append(silence(100))) + driver.pass_ms(1))[0] == "input_audio_buffer.timeout_triggered"


def test_transcripts_by_model():
    def transcript(model: str) -> list[str]:
        driver = Driver(heard=["hello there"])
        driver.send(update(audio={"input": {"transcription": {"model": model}}}))
        driver.send(append(speech(900) + silence(500)))
        driver.settle()
        usages.append(driver.of("conversation.item.input_audio_transcription.completed")[0]["usage"])
        return [event["delta"] for event in driver.of("conversation.item.input_audio_transcription.delta")]

    usages: list[dict] = []
    assert transcript("whisper-1") == ["hello there"]
    assert transcript("gpt-4o-transcribe") == ["hello", " there"]
    assert transcript("gpt-realtime-whisper") == [" hello", " there"]
    assert usages[0] == {"type": "duration", "seconds": 2}
    assert usages[1]["type"] == "tokens"
    assert usages[1]["total_tokens"] == usages[1]["input_tokens"] + usages[1]["output_tokens"]


# ---------------------------------------------------------------------------------------- by themselves
def edges_of(detector: TurnDetector, pcm: bytes) -> list[SpeechStarted | SpeechStopped]:
    detector.feed(pcm)
    return list(iter(detector.next_edge, None))


def test_the_murmur_is_speech_to_the_ear_of_loudness():
    detector = TurnDetector(LoudnessClassifier(), position=0, padding_ms=0, silence_ms=500)
    edges = edges_of(detector, silence(500) + tones("Hello there, how are you today?") + silence(600))
    assert [type(edge) for edge in edges] == [SpeechStarted, SpeechStopped]


def test_steady_noise_is_background():
    rng = random.Random(1)
    noise = b"".join(rng.randint(-900, 900).to_bytes(2, "little", signed=True) for _ in range(24_000))
    detector = TurnDetector(LoudnessClassifier(), position=0, padding_ms=0, silence_ms=500)
    edges = edges_of(detector, noise * 12)
    assert [type(edge) for edge in edges] in ([], [SpeechStarted, SpeechStopped])
    loud = bytes(memoryview(speech(800)).cast("h").tobytes())
    assert [type(edge) for edge in edges_of(detector, loud + noise)] == [SpeechStarted, SpeechStopped]


def test_a_click_is_not_speech():
    detector = TurnDetector(LoudnessClassifier(), position=0, padding_ms=0, silence_ms=500)
    assert edges_of(detector, silence(500) + speech(30) + silence(600)) == []


def test_a_turn_cannot_last_for_ever():
    class Always:
        def is_speech(self, frame: bytes) -> bool:
            return True

    detector = TurnDetector(Always(), position=0, padding_ms=0, silence_ms=500)
    edges = [edge for _ in range(31) for edge in edges_of(detector, silence(10_000))]
    assert [type(edge) for edge in edges[:2]] == [SpeechStarted, SpeechStopped]


@given(st.lists(st.booleans(), max_size=200), st.integers(0, 2000), st.integers(0, 600))
def test_turns_never_overlap_and_end_where_they_should(frames, position, silence_ms):
    class Scripted:
        def __init__(self) -> None:
            self.left = list(frames)

        def is_speech(self, frame: bytes) -> bool:
            return self.left.pop(0) if self.left else False

    detector = TurnDetector(Scripted(), position=position, padding_ms=64, silence_ms=silence_ms)
    edges = edges_of(detector, bytes(2 * FRAME_SAMPLES * (len(frames) + 40)))
    for first, second in pairwise(edges):
        assert isinstance(first, SpeechStarted) is isinstance(second, SpeechStopped)
        if isinstance(second, SpeechStopped):
            assert second.start == first.start
            assert second.end % FRAME_SAMPLES == 0
            assert second.end > second.start
    assert len(edges) % 2 == 0, "all turns end in enough silence"


@given(st.lists(st.tuples(st.sampled_from(["append", "commit", "clear", "forget", "skip"]), st.integers(0, 500))))
def test_the_buffer_against_a_model_of_it(steps):
    buffer, everything, committed = InputBuffer(), bytearray(), 0
    for kind, number in steps:
        if kind == "append":
            pcm = random.Random(number).randbytes(2 * number)
            buffer.append(pcm)
            everything += pcm
        elif kind == "commit":
            assert buffer.commit() == bytes(everything[2 * committed :])
            committed = len(everything) // 2
        elif kind == "clear":
            buffer.clear()
            committed = len(everything) // 2
        elif kind == "forget":
            buffer.forget_before(min(number, committed))
        assert buffer.position == len(everything) // 2
        assert buffer.uncommitted_from == committed


def test_levels():
    assert level_db(bytes(1536)) == -96
    assert level_db(b"\x00\x40" * 768) == pytest.approx(-6.02, abs=0.01)
