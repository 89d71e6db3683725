"""The stereo recording: sound lies where it was heard, and what was taken back is silent."""

from __future__ import annotations

import array
import wave
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.caller.recording import Recording, Track

S = 1_000_000_000


def pcm(*samples: int) -> bytes:
    return array.array("h", samples).tobytes()


def samples(track: Track, until: int) -> array.array[int]:
    return array.array("h", track.take_until(until))


def read(path: Path) -> tuple[list[int], list[int]]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 24_000)
        both = array.array("h", file.readframes(file.getnframes()))
    return list(both[0::2]), list(both[1::2])


def test_sound_lies_at_its_position_with_silence_before_and_after() -> None:
    track = Track()
    track.lay(2, pcm(7, 8))
    assert list(samples(track, 6)) == [0, 0, 7, 8, 0, 0]


def test_what_was_laid_can_be_taken_back_until_its_time_has_come() -> None:
    track = Track()
    track.lay(0, pcm(1, 2, 3, 4))
    assert list(samples(track, 2)) == [1, 2]
    track.silence_from(3)
    assert list(samples(track, 5)) == [3, 0, 0]


def test_sound_that_comes_too_late_loses_what_is_written_already() -> None:
    track = Track()
    track.take_until(2)
    track.lay(1, pcm(1, 2, 3))
    assert list(samples(track, 4)) == [2, 3]
    track.lay(0, pcm(9, 9))
    assert list(samples(track, 5)) == [0]


def test_a_microphone_follows_on_unless_there_was_a_gap() -> None:
    track = Track()
    track.follow(0, pcm(1, 1), tolerance=3)
    track.follow(4, pcm(2, 2), tolerance=3)
    assert track.end == 4
    track.follow(9, pcm(3), tolerance=3)
    assert list(samples(track, 10)) == [1, 1, 2, 2, 0, 0, 0, 0, 0, 3]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("lay"), st.integers(0, 40), st.integers(1, 12)),
            st.tuples(st.just("silence"), st.integers(0, 40), st.just(0)),
            st.tuples(st.just("take"), st.integers(0, 40), st.just(0)),
        )
    )
)
def test_a_track_is_an_array_whose_past_is_frozen(steps: list[tuple[str, int, int]]) -> None:
    track, model, taken = Track(), [0] * 64, list[int]()
    for number, (what, at, size) in enumerate(steps, 1):
        if what == "lay":
            track.lay(at, pcm(*[number] * size))
            for position in range(max(at, len(taken)), at + size):
                model[position] = number
        elif what == "silence":
            track.silence_from(at)
            for position in range(max(at, len(taken)), 64):
                model[position] = 0
        else:
            taken += samples(track, at)
    taken += samples(track, 64)
    assert taken == model


def test_the_caller_is_left_and_the_agent_right(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "call.wav", began_ns=5 * S)
    assert recording.position(5 * S + S // 2) == 12_000
    recording.caller.lay(0, pcm(1, 2))
    recording.agent.lay(1, pcm(-1, -2))
    recording.advance(5 * S + 4 * S // 24_000 + 1)
    recording.close()
    assert read(tmp_path / "call.wav") == ([1, 2, 0, 0], [0, -1, -2, 0])


def test_the_file_is_whole_after_every_step(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "call.wav", began_ns=0)
    for seconds in (1, 2):
        recording.advance(seconds * S)
        assert len(read(tmp_path / "call.wav")[0]) == seconds * 24_000
    recording.advance(S)
    recording.close()
    assert len(read(tmp_path / "call.wav")[0]) == 48_000
