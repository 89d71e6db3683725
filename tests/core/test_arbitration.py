"""Who may speak next: every situation with every input, as two grids, and the rules one by one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.core.arbitration import MOST_CONFLICTS, RETRY_NS, Arbiter
from engine.core.requests import CONFLICT, TOKEN, Begun, Refused
from engine.core.waits import OVERTAKEN_REQUEST, RESPONSE_BEGIN, TURN_RESPONSE, UNCLEAR_REFUSAL, Wait, Waits
from engine.wire.response import Response, ResponseParams
from engine.wire.server_session import ErrorDetail
from engine.wire.units import NS_PER_S

BESIDE = ResponseParams(conversation="none")
BLIND = ResponseParams(input=())


def ns(wait: Wait) -> int:
    """The bound of a wait in nanoseconds."""
    return round(wait.seconds * NS_PER_S)


class Story:
    """An arbiter, the time, and what it has sent."""

    def __init__(self) -> None:
        self.waits = Waits()
        self.arbiter = Arbiter(self.waits)
        self.now = 0
        self.sent: list[str] = []

    def go(self) -> list[str]:
        """What is sent now."""
        tokens = [request.token for request in self.arbiter.next(self.now)]
        self.sent += tokens
        return tokens

    def created(self, token: str | None = None, response_id: str = "r", conversation: str | None = "c") -> Begun:
        metadata = {TOKEN: token} if token else None
        return self.arbiter.created(Response(id=response_id, metadata=metadata, conversation_id=conversation))

    def ours(self, response_id: str = "r") -> Begun:
        """Our request has become a response."""
        return self.created(self.sent[-1], response_id)

    def refused(self, token: str | None, code: str | None, message: str = "no", param: str | None = None) -> Refused:
        error = ErrorDetail("invalid_request_error", message, code, param, token)
        return self.arbiter.refused(error, self.now)

    def wake_at(self) -> int | None:
        """When something is due that does not happen by itself."""
        due = [at for at in (self.arbiter.wake_at(), self.waits.wake_at()) if at is not None]
        return min(due, default=None)

    def wakes(self) -> list[str]:
        """The next bound or retry is reached. What is sent then."""
        due = self.wake_at()
        assert due is not None
        self.now = max(self.now, due)
        for wait, key in self.waits.take_overdue(self.now):
            if wait is TURN_RESPONSE:
                self.arbiter.own_response_missing()
            else:
                self.arbiter.give_up(key)
        return self.go()

    def last(self) -> str:
        return self.sent[-1] if self.sent else "req_0"

    def come_to_rest(self) -> int:
        """The server answers whatever is sent and the user falls silent. How many more requests were sent."""
        before = len(self.sent)
        for _ in range(10):
            if self.arbiter.running is not None:
                self.arbiter.done(self.arbiter.running, self.now)
            if self.arbiter._speaking:
                self.arbiter.user_done(self.now, server_responds=False)
            for token in list(self.arbiter._out_of_band):
                self.created(token, "aside", None)
            self.go()
            if self.arbiter._sent is not None:
                self.ours("later")
            elif self.wake_at() is not None:
                self.wakes()
        return len(self.sent) - before


def idle(s: Story) -> None:
    """Nothing runs, nothing is wanted."""


def sent(s: Story) -> None:
    """A follow-up is on its way."""
    s.arbiter.follow_up()
    s.go()


def running(s: Story) -> None:
    """A response of ours runs."""
    sent(s)
    s.ours()


def waiting(s: Story) -> None:
    """A response runs, and a follow-up waits for its end."""
    running(s)
    s.arbiter.follow_up()
    s.go()


def speaking(s: Story) -> None:
    """The user speaks, and a handle's request waits."""
    s.arbiter.user_speaks(server_cancels=True)
    s.arbiter.ask(handle_id=7)
    s.go()


def expecting(s: Story) -> None:
    """The user has spoken, the server will respond, and a follow-up waits for that."""
    s.arbiter.user_done(s.now, server_responds=True)
    s.arbiter.follow_up()
    s.go()


def refused(s: Story) -> None:
    """A follow-up met a response that we have not heard of."""
    sent(s)
    s.refused(s.last(), CONFLICT)
    s.go()


SITUATIONS = (idle, sent, running, waiting, speaking, expecting, refused)

INPUTS: dict[str, Callable[[Story], object]] = {
    "follow_up": lambda s: s.arbiter.follow_up(),
    "ask": lambda s: s.arbiter.ask(handle_id=1),
    "ask_blind": lambda s: s.arbiter.ask(BLIND, handle_id=1),
    "ask_beside": lambda s: s.arbiter.ask(BESIDE, handle_id=1),
    "barge_in": lambda s: s.arbiter.user_speaks(server_cancels=True),
    "talks_over": lambda s: s.arbiter.user_speaks(server_cancels=False),
    "user_stops": lambda s: s.arbiter.user_done(s.now, server_responds=False),
    "turn_ends": lambda s: s.arbiter.user_done(s.now, server_responds=True),
    "interrupted": lambda s: s.arbiter.interrupted(),
    "created_own": lambda s: s.created(response_id="own"),
    "done": lambda s: s.arbiter.done("r", s.now),
    "clash": lambda s: s.refused(None, CONFLICT),
    "conflict": lambda s: s.refused(s.last(), CONFLICT),
    "refusal": lambda s: s.refused(s.last(), "invalid_value"),
}

AT_ONCE = """
                idle  sent  running  waiting  speaking  expecting  refused
follow_up       1     0     0        0        0         0          0
ask             1     0     0        0        0         0          0
ask_blind       1     0     0        0        0         0          0
ask_beside      1     1     1        1        1         1          1
barge_in        0     0     0        0        0         0          0
talks_over      0     0     0        0        0         0          0
user_stops      0     0     0        0        1         1          0
turn_ends       0     0     0        0        0         0          0
interrupted     0     0     0        0        0         0          0
created_own     0     0     0        0        0         0          0
done            0     0     0        1        0         0          1
clash           0     0     0        0        0         0          0
conflict        0     0     0        0        0         0          0
refusal         0     0     0        0        0         0          0
"""
"""How many requests an input sends at once."""

IN_THE_END = """
                idle  sent  running  waiting  speaking  expecting  refused
follow_up       0     1     1        1        1         1          1
ask             0     1     1        1        2         1          1
ask_blind       0     1     1        2        2         2          2
ask_beside      0     0     0        1        1         1          1
barge_in        0     1     0        1        1         1          1
talks_over      0     0     0        1        1         1          1
user_stops      0     0     0        1        0         0          1
turn_ends       1     0     1        1        1         1          1
interrupted     0     0     0        0        0         0          0
created_own     0     0     0        0        1         0          0
done            0     0     0        0        1         1          0
clash           1     0     1        1        1         1          1
conflict        0     1     0        1        1         1          1
refusal         0     0     0        1        1         1          1
"""
"""How many more, once the server has answered everything and the user is silent."""


def cells(grid: str) -> list[tuple[str, str, int]]:
    head, *rows = (line.split() for line in grid.strip().splitlines())
    return [(row[0], name, int(cell)) for row in rows for name, cell in zip(head, row[1:], strict=True)]


def test_the_grids_are_complete() -> None:
    wanted = {(name, situation.__name__) for name in INPUTS for situation in SITUATIONS}
    for grid in (AT_ONCE, IN_THE_END):
        assert {(name, situation) for name, situation, _ in cells(grid)} == wanted


@pytest.mark.parametrize(("name", "situation", "at_once"), cells(AT_ONCE))
def test_every_pair(name: str, situation: str, at_once: int) -> None:
    s = Story()
    next(one for one in SITUATIONS if one.__name__ == situation)(s)
    INPUTS[name](s)
    assert len(s.go()) == at_once
    in_the_end = next(cell for one, other, cell in cells(IN_THE_END) if (one, other) == (name, situation))
    assert s.come_to_rest() == in_the_end


# --- recognising responses


def test_a_response_is_recognised_by_its_token() -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    (request,) = s.arbiter.next(0)
    assert s.arbiter.created(Response(id="r", metadata={TOKEN: request.token}, conversation_id="c")) == Begun(request)


def test_a_server_that_does_not_echo_metadata_is_understood() -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    (request,) = s.arbiter.next(0)
    assert s.arbiter.created(Response(id="r", conversation_id="c")) == Begun(request)


def test_a_server_that_echoes_metadata_never_leaves_it_out() -> None:
    s = Story()
    running(s)
    s.arbiter.done("r", 0)
    s.arbiter.follow_up()
    s.go()
    assert s.arbiter.created(Response(id="own", conversation_id="c")) == Begun(None)


def test_a_response_that_was_announced_is_the_servers_own() -> None:
    s = Story()
    sent(s)
    s.arbiter.user_done(0, server_responds=True)
    assert s.arbiter.created(Response(id="r", conversation_id="c")) == Begun(None)


def test_a_foreign_response_beside_the_conversation_changes_nothing() -> None:
    s = Story()
    running(s)
    assert s.arbiter.created(Response(id="x", conversation_id=None)) == Begun(None)
    assert s.arbiter.running == "r"


def test_an_out_of_band_response_is_nobodys_turn() -> None:
    s = Story()
    running(s)
    s.arbiter.ask(BESIDE, handle_id=1)
    (request,) = s.arbiter.next(0)
    assert request.out_of_band
    assert s.arbiter.created(Response(id="x", metadata={TOKEN: request.token})) == Begun(request)
    assert s.arbiter.running == "r"


# --- cancelling


@pytest.mark.parametrize("cancel", ["barge_in", "interrupted", "withdraw"])
def test_what_is_on_its_way_is_cancelled_when_it_turns_up(cancel: str) -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    s.go()
    if cancel == "withdraw":
        assert not s.arbiter.withdraw(1)
    else:
        INPUTS[cancel](s)
    begun = s.ours()
    assert begun.request is not None
    assert begun.stop
    assert s.come_to_rest() == 0  # its handle says so


def test_what_the_application_cancels_on_its_way_and_is_refused_is_dropped() -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    s.go()
    s.arbiter.interrupted()
    assert s.refused(s.last(), CONFLICT) == Refused(True)
    assert [request.handle_id for request in s.arbiter.take_dropped()] == [1]
    assert not s.arbiter.take_dropped()
    assert s.come_to_rest() == 0


def test_a_request_that_waits_can_be_withdrawn() -> None:
    s = Story()
    running(s)
    s.arbiter.ask(handle_id=1)
    assert not s.arbiter.withdraw(2)
    assert s.arbiter.withdraw(1)
    assert [request.handle_id for request in s.arbiter.take_dropped()] == [1]
    assert s.come_to_rest() == 0


def test_an_interruption_drops_the_applications_wishes_too_and_says_so() -> None:
    s = Story()
    running(s)
    s.arbiter.ask(handle_id=1)
    s.arbiter.ask(BLIND, handle_id=2)
    s.arbiter.interrupted()
    assert [request.handle_id for request in s.arbiter.take_dropped()] == [1, 2]


# --- refusals


def test_a_refusal_for_any_other_reason_fails_the_request() -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    s.go()
    refused = s.refused(s.last(), "invalid_value")
    assert refused.about_request
    assert refused.failed is not None
    assert refused.failed.handle_id == 1


def test_a_refused_out_of_band_request_fails_alone() -> None:
    s = Story()
    running(s)
    s.arbiter.ask(BESIDE, handle_id=1)
    token = s.go()[0]
    refused = s.refused(token, "invalid_value")
    assert refused.about_request
    assert refused.failed is not None
    assert refused.failed.handle_id == 1
    assert s.arbiter.running == "r"


def test_a_refusal_of_something_else_is_not_ours() -> None:
    s = Story()
    sent(s)
    assert s.refused("other", "invalid_value") == Refused(False)
    assert s.refused("other", CONFLICT) == Refused(False)
    assert s.refused(None, "item_delete_invalid_item_id") == Refused(False)


def test_a_conflict_is_tried_again_after_a_while_or_when_a_response_ends() -> None:
    s = Story()
    refused(s)
    assert s.arbiter.wake_at() == RETRY_NS
    s.now = RETRY_NS - 1
    assert not s.go()
    s.now = RETRY_NS
    assert len(s.go()) == 1


def test_a_clash_at_a_server_that_names_nobody_is_found_out_in_time() -> None:
    s = Story()
    sent(s)
    s.refused(None, CONFLICT)
    assert not s.go()
    assert s.wake_at() == ns(OVERTAKEN_REQUEST)
    assert s.wakes() == ["req_2"]


def test_a_clash_says_nothing_of_a_request_that_the_server_is_about_to_answer() -> None:
    s = Story()
    sent(s)
    s.refused(None, CONFLICT)
    s.refused(s.last(), CONFLICT)
    s.now = RETRY_NS
    assert s.go() == ["req_1"]
    assert s.come_to_rest() == 0


# --- held, not dropped


def test_speech_holds_what_is_on_its_way_and_a_follow_up_is_asked_for_again() -> None:
    s = Story()
    sent(s)
    s.arbiter.user_speaks(server_cancels=True)
    assert s.ours().stop
    s.arbiter.done("r", s.now)
    assert not s.go()
    s.arbiter.user_done(s.now, server_responds=False)
    assert s.go() == ["req_2"]


def test_a_refused_request_waits_for_the_end_of_the_turn() -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    s.go()
    s.arbiter.user_speaks(server_cancels=True)
    s.refused(s.last(), CONFLICT)
    s.now = RETRY_NS
    assert not s.go()
    assert not s.arbiter.take_dropped()
    s.arbiter.user_done(s.now, server_responds=False)
    assert s.go() == ["req_1"]


def test_a_response_of_the_servers_own_answers_what_was_held_and_ends_the_turn() -> None:
    s = Story()
    waiting(s)
    s.arbiter.user_speaks(server_cancels=True)
    s.arbiter.done("r", s.now)
    s.created(response_id="own")
    s.arbiter.done("own", s.now)
    assert s.come_to_rest() == 0
    s.arbiter.follow_up()
    assert len(s.go()) == 1  # nobody speaks


def test_a_follow_up_that_the_servers_own_response_overtook_is_not_spoken_as_well() -> None:
    s = Story()
    sent(s)
    s.arbiter.user_done(s.now, server_responds=True)
    s.created(response_id="own")
    s.arbiter.nothing_missed()
    late = s.ours("late")
    assert late.unwanted
    assert not late.stop
    s.arbiter.done("late", s.now)
    assert s.come_to_rest() == 0


def test_what_came_up_during_a_response_waits_for_the_outputs_of_its_calls() -> None:
    s = Story()
    running(s)
    s.arbiter.follow_up(after="r")
    s.arbiter.hold_for_outputs("r")
    s.arbiter.done("r", s.now)
    assert not s.go()
    s.arbiter.release("r")
    s.arbiter.follow_up()
    assert len(s.go()) == 1
    s.ours("answer")
    assert s.come_to_rest() == 0


def test_a_request_that_waits_for_outputs_asks_for_no_wake_up_that_has_passed() -> None:
    s = Story()
    running(s)
    s.arbiter.follow_up(after="r")
    s.arbiter.hold_for_outputs("r")
    s.arbiter.done("r", s.now)
    s.refused(None, CONFLICT)
    s.now = 2 * RETRY_NS
    assert not s.go()
    assert s.wake_at() is None
    s.arbiter.release("r")
    assert len(s.go()) == 1


# --- requests that are slow, and requests that are lost


def test_a_request_that_was_overtaken_is_asked_for_again_after_a_while() -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    s.go()
    s.arbiter.user_done(0, server_responds=True)
    s.created(response_id="own")
    s.now = 5
    s.arbiter.done("own", s.now)
    assert not s.go()
    assert s.wake_at() == 5 + ns(OVERTAKEN_REQUEST)
    assert s.wakes() == ["req_2"]


def test_a_request_that_was_overtaken_may_still_turn_up() -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    s.go()
    s.arbiter.user_done(0, server_responds=True)
    s.created(response_id="own")
    s.arbiter.done("own", 5)
    s.ours()
    s.now = 5 + RETRY_NS
    assert not s.go()
    assert s.come_to_rest() == 0


@pytest.mark.parametrize("second", ["begins", "is refused", "is silent"])
def test_a_slow_server_gives_one_answer(second: str) -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    s.go()
    assert s.wake_at() == ns(RESPONSE_BEGIN)
    assert s.wakes() == ["req_2"]
    first = s.created("req_1")
    assert first.request is not None
    assert (first.request.handle_id, first.stop, first.unwanted) == (1, False, False)
    if second == "is refused":
        s.refused("req_2", CONFLICT)
    s.arbiter.done("r", s.now)
    if second == "begins":
        assert s.created("req_2", "r2") == Begun(None, unwanted=True)
        s.arbiter.done("r2", s.now)
    assert not s.arbiter.take_dropped()
    assert s.come_to_rest() == 0


def test_a_server_that_says_nothing_is_asked_twice_and_then_the_request_has_failed() -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    s.go()
    s.wakes()
    s.now += ns(RESPONSE_BEGIN)
    (overdue,) = s.waits.take_overdue(s.now)
    given_up = s.arbiter.give_up(overdue[1])
    assert given_up is not None
    assert (given_up.again, given_up.superseded, given_up.request.handle_id) == (False, False, 1)
    assert s.come_to_rest() == 0
    for token in ("req_1", "req_2"):
        assert s.created(token, token).unwanted
        s.arbiter.done(token, s.now)


@pytest.mark.parametrize("cancel", ["interrupted", "withdraw"])
def test_what_was_cancelled_before_it_began_is_never_spoken(cancel: str) -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    s.go()
    if cancel == "withdraw":
        s.arbiter.withdraw(1)
    else:
        s.arbiter.interrupted()
    assert s.wakes() == []
    assert [request.handle_id for request in s.arbiter.take_dropped()] == [1]
    assert s.ours() == Begun(None, unwanted=True)


def test_a_request_is_refused_as_a_conflict_only_so_often() -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    s.go()
    for _ in range(MOST_CONFLICTS - 1):
        assert s.refused("req_1", CONFLICT) == Refused(True)
        assert s.wakes() == ["req_1"]
    refused = s.refused("req_1", CONFLICT)
    assert refused.failed is not None
    assert refused.failed.handle_id == 1


# --- errors that name no event


@pytest.mark.parametrize("named", [True, False])
def test_a_server_that_refuses_the_token_is_asked_without_it_from_then_on(named: bool) -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    (request,) = s.arbiter.next(0)
    refused = s.refused(request.token if named else None, "unknown_parameter", "Unknown: metadata", "response.metadata")
    assert refused == Refused(False)  # and shown
    (again,) = s.arbiter.next(0)
    assert again.handle_id == 1
    assert TOKEN not in str(again.event())
    assert s.created().request == again
    s.arbiter.done("r", s.now)
    s.arbiter.follow_up()
    (later,) = s.arbiter.next(0)
    assert not later.marked


def test_an_unclear_refusal_counts_if_the_response_does_not_begin() -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    s.go()
    assert s.refused(None, "bad_request") == Refused(False)
    assert s.wake_at() == ns(UNCLEAR_REFUSAL)
    assert s.wakes() == ["req_2"]
    assert s.refused(None, "bad_request") == Refused(False)
    s.now += ns(UNCLEAR_REFUSAL)
    (overdue,) = s.waits.take_overdue(s.now)
    given_up = s.arbiter.give_up(overdue[1])
    assert given_up is not None
    assert given_up.error is not None
    assert (given_up.again, given_up.error.code) == (False, "bad_request")


def test_an_unclear_error_is_forgotten_when_the_response_begins() -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    s.go()
    s.refused(None, "bad_request")
    assert s.ours().request is not None
    assert s.wake_at() is None


def test_an_error_about_a_response_is_the_refusal_of_the_one_on_its_way() -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    s.go()
    refused = s.refused(None, "invalid_value", "no such voice", "response.audio.output.voice")
    assert refused.failed is not None
    assert refused.failed.handle_id == 1


def test_a_conflict_of_an_attempt_that_was_given_up_is_no_news() -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    s.go()
    s.wakes()
    assert s.refused("req_1", CONFLICT) == Refused(True)
    begun = s.created("req_2")
    assert begun.request is not None
    assert not begun.unwanted


def test_a_response_without_a_mark_is_out_of_band_also_while_the_servers_own_is_expected() -> None:
    s = Story()
    s.arbiter.ask(BESIDE, handle_id=1)
    s.go()
    s.refused(s.last(), "unknown_parameter", "Unknown: metadata")
    s.go()
    s.arbiter.user_done(s.now, server_responds=True, committed=False)
    assert s.created(conversation=None).request is not None
    assert s.arbiter.running is None


def test_an_application_that_needs_all_pairs_has_them() -> None:
    s = Story()
    pairs = {f"key {n}": "value" for n in range(16)}
    s.arbiter.ask(ResponseParams(metadata=pairs), handle_id=1)
    (request,) = s.arbiter.next(0)
    response = request.event().response
    assert isinstance(response, ResponseParams)
    assert response.metadata == pairs
    assert s.arbiter.created(Response(id="r", metadata=pairs, conversation_id="c")) == Begun(request)


# --- time


def test_there_is_nothing_to_wake_up_for_while_a_response_runs() -> None:
    s = Story()
    running(s)
    s.arbiter.user_speaks(server_cancels=False)
    s.arbiter.user_done(0, server_responds=True)
    assert not s.go()
    assert s.wake_at() is None
    s.arbiter.done("r", 10 * NS_PER_S)
    assert s.wake_at() == 10 * NS_PER_S + ns(TURN_RESPONSE)


def test_the_servers_own_response_is_waited_for() -> None:
    s = Story()
    expecting(s)
    assert s.wake_at() == ns(TURN_RESPONSE)
    assert len(s.wakes()) == 1


def test_speech_of_which_nothing_comes_is_not_answered() -> None:
    s = Story()
    s.arbiter.user_speaks(server_cancels=True)
    s.arbiter.user_done(0, server_responds=True, committed=False)
    assert s.wake_at() == ns(TURN_RESPONSE)
    assert s.wakes() == []


# --- the end


def test_everything_that_has_not_begun_is_returned_at_the_end() -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    s.arbiter.ask(BESIDE, handle_id=2)
    s.go()
    s.arbiter.ask(handle_id=3)
    s.arbiter.ask(BESIDE, handle_id=4)
    assert {request.handle_id for request in s.arbiter.close()} == {1, 2, 3, 4}
    assert s.arbiter.close() == []
    assert not s.go()


def test_so_it_is_for_requests_that_hold_what_cannot_be_hashed() -> None:
    s = Story()
    for handle_id in (1, 2, 3):
        s.arbiter.ask(ResponseParams(metadata={"why": "test"}, extra={"seed": [1]}), handle_id=handle_id)
    s.go()
    assert [request.handle_id for request in s.arbiter.close()] in ([1, 2, 3], [2, 3, 1])


def test_a_token_goes_out_with_the_applications_own_metadata() -> None:
    s = Story()
    s.arbiter.ask(ResponseParams(metadata={"why": "test"}), handle_id=1)
    (request,) = s.arbiter.next(0)
    event = request.event()
    assert event.event_id == request.token
    assert isinstance(event.response, ResponseParams)
    assert event.response.metadata == {"why": "test", TOKEN: request.token}
