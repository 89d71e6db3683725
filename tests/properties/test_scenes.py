"""Promises 1-7 and 10 of whole sessions, in virtual time, under schedules that Hypothesis draws.

Each test plays scenes in which one promise is under most strain, and watches all of them.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.events import AgentEnd, RealtimeSessionEvent
from tests.properties.focus import FOCUS
from tests.strategies.scenes import ends, scenes, user_moves
from tests.support.fake_server.model import BreaksOff, FarScript, Later, Reply, Talk
from tests.support.scene import Says, Scene, play

few = settings(max_examples=200)


@few
@given(FOCUS[1])
def test_1_every_response_begins_and_ends_once_and_says_how(scene: Scene) -> None:
    play(scene)


@few
@given(FOCUS[2])
def test_2_audio_is_delivered_byte_for_byte_and_none_of_it_after_an_interruption(scene: Scene) -> None:
    play(scene)


@few
@given(FOCUS[3])
def test_3_every_call_has_one_output_whatever_happens(scene: Scene) -> None:
    play(scene)


@few
@given(FOCUS[4])
def test_4_responses_are_asked_for_when_it_is_time_and_not_twice(scene: Scene) -> None:
    play(scene)


@few
@given(FOCUS[5])
def test_5_settings_change_before_the_output_and_calls_stay_with_whoever_made_them(scene: Scene) -> None:
    play(scene)


@few
@given(FOCUS[6])
def test_6_all_text_passes_the_guardrails(scene: Scene) -> None:
    play(scene)


@few
@given(FOCUS[7])
def test_7_history_and_the_servers_memory_hold_what_was_heard(scene: Scene) -> None:
    play(scene)


@few
@given(FOCUS[9])
def test_9_audio_does_not_overtake_what_the_application_told_before(scene: Scene) -> None:
    play(scene)


@few
@given(FOCUS[10])
def test_10_what_nobody_understands_neither_ends_a_session_nor_hides(scene: Scene) -> None:
    played = play(scene)
    assert played.error is None


@few
@given(FOCUS[16])
def test_16_what_the_server_owes_is_waited_for_so_long_and_no_longer(scene: Scene) -> None:
    play(scene)


@few
@given(scenes(), st.booleans())
def test_a_session_may_be_closed_right_after_anything(scene: Scene, settle: bool) -> None:
    play(scene, settle=settle)


@few
@given(scenes(far_moves=(user_moves, ends)))
def test_a_lost_connection_is_told_and_everything_ends(scene: Scene) -> None:
    played = play(scene)
    codes = [move.what.code for move in scene.far.moves if isinstance(move.what, BreaksOff)]
    assert (played.error is None) is (not codes or codes[0] == 1000)


@settings(max_examples=25)
@given(scenes())
def test_the_same_scene_is_the_same_every_time(scene: Scene) -> None:
    one, other = (_story(play(scene).events) for _ in range(2))
    assert one == other


def _story(events: list[RealtimeSessionEvent]) -> list[tuple[int, str, object]]:
    return [(event.at_ns, event.type, event.reason if isinstance(event, AgentEnd) else None) for event in events]


def test_ten_minutes_take_no_time() -> None:
    turns = tuple(Later(10_000, Says()) for _ in range(60))
    replies = tuple(Reply((Talk(5, 4000), Talk(5, 4000))) for _ in turns)
    played = play(Scene(FarScript(replies, up_ms=20, down_ms=20), moves=turns))
    assert len([event for event in played.events if isinstance(event, AgentEnd)]) == len(turns)
