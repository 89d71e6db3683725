"""The user's turn: every state with every input, and what settings make of it."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.turn import TABLE, TurnInput, TurnRules, TurnState, UserTurn
from engine.wire.session import Audio, AudioInput, SemanticVad, ServerVad, Session, UnknownSetting
from engine.wire.struct import UNSET

INPUTS: tuple[TurnInput, ...] = get_args(TurnInput)
inputs = st.lists(st.sampled_from(INPUTS), max_size=12)


def after(*happened: TurnInput) -> UserTurn:
    turn = UserTurn()
    for one in happened:
        turn.on(one)
    return turn


IN_STATE = {
    TurnState.QUIET: lambda: after(),
    TurnState.SPEAKING: lambda: after("started"),
    TurnState.STOPPED: lambda: after("started", "stopped"),
}


def test_the_table_has_an_entry_for_every_pair() -> None:
    assert set(TABLE) == set(product(TurnState, INPUTS))


@pytest.mark.parametrize("state", TurnState)
@pytest.mark.parametrize("happened", INPUTS)
def test_every_pair(state: TurnState, happened: TurnInput) -> None:
    turn = IN_STATE[state]()
    assert turn.state is state
    turn.on(happened)
    if happened == "started":
        expected = TurnState.SPEAKING
    elif happened in ("committed", "cleared", "answered"):
        expected = TurnState.QUIET
    else:
        expected = TurnState.QUIET if state is TurnState.QUIET else TurnState.STOPPED
    assert turn.state is expected
    assert turn.speaking is (expected is TurnState.SPEAKING)


@given(inputs)
def test_the_floor_is_the_users_from_each_start_to_the_next_end(happened: list[TurnInput]) -> None:
    assert after(*happened).speaking is (bool(happened) and happened[-1] == "started")


@pytest.mark.parametrize("state", TurnState)
@pytest.mark.parametrize("expect_commit", [False, True])
@pytest.mark.parametrize("by_application", [False, True])
@pytest.mark.parametrize(("announced", "same"), [("speech", True), ("another", False), ("", True)])
def test_whose_commit_it_is(
    state: TurnState, expect_commit: bool, by_application: bool, announced: str, same: bool
) -> None:
    turn = IN_STATE[state]()
    turn.announced(announced)
    if expect_commit:
        turn.expect_commit()
    if by_application:
        turn.application_ends_turn()
    expected = {
        TurnState.QUIET: expect_commit,
        TurnState.SPEAKING: expect_commit or not by_application,
        TurnState.STOPPED: expect_commit or same or not by_application,
    }
    assert turn.commits_itself("speech") is expected[state]


@pytest.mark.parametrize("end", ["committed", "cleared"])
def test_the_end_of_a_turn_forgets_who_was_about_to_end_it(end: TurnInput) -> None:
    turn = after("started")
    turn.application_ends_turn()
    turn.expect_commit()
    turn.on(end)
    assert not turn.commits_itself("speech")
    turn.on("started")
    assert turn.commits_itself("speech")


def settings(detection: object) -> Session:
    return Session(audio=Audio(AudioInput(turn_detection=detection)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        (Session(), TurnRules(True, False)),
        (Session(audio=Audio()), TurnRules(True, False)),
        (settings(UNSET), TurnRules(True, False)),
        (settings(UnknownSetting({"type": "telepathy"})), TurnRules(True, False)),
        (settings(None), TurnRules(False, False)),
        (settings(ServerVad()), TurnRules(True, True)),
        (settings(SemanticVad(create_response=None, interrupt_response=None)), TurnRules(True, True)),
        (settings(ServerVad(create_response=False)), TurnRules(False, True)),
        (settings(SemanticVad(interrupt_response=False)), TurnRules(True, False)),
    ],
)
def test_rules_change_only_where_settings_say_so(session: Session, expected: TurnRules) -> None:
    assert TurnRules(True, False).updated(session) == expected


OFF = Session(audio=Audio(AudioInput(turn_detection=None)))
DETECTS = Session(audio=Audio(AudioInput(turn_detection=ServerVad())))


def test_detection_that_the_server_denies_is_off_until_it_proves_itself() -> None:
    """A server that says it detects no turns, and then tells of speech, does what it was asked."""
    denied = TurnRules().confirmed(DETECTS, OFF)
    assert not denied.creates_response
    proven = denied.heard()
    assert proven == TurnRules(proven=True)
    assert proven.heard() is proven
    assert proven.confirmed(DETECTS, OFF) == proven


def test_detection_that_the_application_switched_off_stays_off() -> None:
    assert TurnRules().confirmed(OFF, OFF).heard() == TurnRules(False, False, proven=True)
