"""Who may speak next: every situation with every input, as two grids, and the rules one by one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.core.arbitration import CONFLICT, OWN_RESPONSE_NS, RETRY_NS, TOKEN, Arbiter
from engine.wire.response import Response, ResponseParams

BESIDE = ResponseParams(conversation="none")
BLIND = ResponseParams(input=())


class Story:
    """An arbiter, the time, and what it has sent."""

    def __init__(self) -> None:
        self.arbiter = Arbiter()
        self.now = 0
        self.sent: list[str] = []

    def go(self) -> list[str]:
        """What is sent now."""
        tokens = [request.token for request in self.arbiter.next(self.now)]
        self.sent += tokens
        return tokens

    def created(self, token: str | None = None, response_id: str = "r", conversation: str | None = "c") -> None:
        metadata = {TOKEN: token} if token else None
        self.arbiter.created(Response(id=response_id, metadata=metadata, conversation_id=conversation))

    def ours(self, response_id: str = "r") -> None:
        """Our request has become a response."""
        self.created(self.sent[-1], response_id)

    def refused(self, token: str | None, code: str | None) -> None:
        self.arbiter.refused(token, code, self.now)

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
            self.go()
            if self.arbiter._sent is not None:
                self.ours("later")
            elif (wake_at := self.arbiter.wake_at()) is not None:
                self.now = max(self.now, wake_at)
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
barge_in        0     0     0        0        1         0          0
talks_over      0     0     0        1        1         1          1
user_stops      0     0     0        1        0         0          1
turn_ends       0     0     1        1        1         1          1
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
    assert s.arbiter.created(Response(id="r", metadata={TOKEN: request.token}, conversation_id="c")) == (request, False)


def test_a_server_that_does_not_echo_metadata_is_understood() -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    (request,) = s.arbiter.next(0)
    assert s.arbiter.created(Response(id="r", conversation_id="c")) == (request, False)


def test_a_server_that_echoes_metadata_never_leaves_it_out() -> None:
    s = Story()
    running(s)
    s.arbiter.done("r", 0)
    s.arbiter.follow_up()
    s.go()
    assert s.arbiter.created(Response(id="own", conversation_id="c")) == (None, False)


def test_a_response_that_was_announced_is_the_servers_own() -> None:
    s = Story()
    sent(s)
    s.arbiter.user_done(0, server_responds=True)
    assert s.arbiter.created(Response(id="r", conversation_id="c")) == (None, False)


def test_a_foreign_response_beside_the_conversation_changes_nothing() -> None:
    s = Story()
    running(s)
    assert s.arbiter.created(Response(id="x", conversation_id=None)) == (None, False)
    assert s.arbiter.running == "r"


def test_an_out_of_band_response_is_nobodys_turn() -> None:
    s = Story()
    running(s)
    s.arbiter.ask(BESIDE, handle_id=1)
    (request,) = s.arbiter.next(0)
    assert request.out_of_band
    found, cancel = s.arbiter.created(Response(id="x", metadata={TOKEN: request.token}))
    assert (found, cancel) == (request, False)
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
    request, cancelled = s.arbiter.created(Response(id="r", metadata={TOKEN: s.last()}, conversation_id="c"))
    assert request is not None
    assert cancelled


@pytest.mark.parametrize("cancel", ["barge_in", "interrupted"])
def test_what_is_cancelled_on_its_way_and_refused_is_dropped(cancel: str) -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    s.go()
    INPUTS[cancel](s)
    assert s.arbiter.refused(s.last(), CONFLICT, 0) == (True, None)
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
    about_ours, failed = s.arbiter.refused(s.last(), "invalid_value", 0)
    assert about_ours
    assert failed is not None
    assert failed.handle_id == 1


def test_a_refused_out_of_band_request_fails_alone() -> None:
    s = Story()
    running(s)
    s.arbiter.ask(BESIDE, handle_id=1)
    token = s.go()[0]
    about_ours, failed = s.arbiter.refused(token, "invalid_value", 0)
    assert about_ours
    assert failed is not None
    assert failed.handle_id == 1
    assert s.arbiter.running == "r"


def test_a_refusal_of_something_else_is_not_ours() -> None:
    s = Story()
    sent(s)
    assert s.arbiter.refused("other", "invalid_value", 0) == (False, None)
    assert s.arbiter.refused("other", CONFLICT, 0) == (False, None)
    assert s.arbiter.refused(None, "invalid_value", 0) == (False, None)


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
    assert s.arbiter.wake_at() == RETRY_NS
    s.now = RETRY_NS
    assert s.go() == ["req_1"]


def test_a_clash_says_nothing_of_a_request_that_the_server_is_about_to_answer() -> None:
    s = Story()
    sent(s)
    s.refused(None, CONFLICT)
    s.refused(s.last(), CONFLICT)
    s.now = RETRY_NS
    assert s.go() == ["req_1"]
    assert s.come_to_rest() == 0


# --- requests that are lost


def test_a_request_that_was_overtaken_is_lost_a_round_trip_after_the_other_response() -> None:
    s = Story()
    s.arbiter.ask(handle_id=1)
    s.go()
    s.arbiter.user_done(0, server_responds=True)
    s.created(response_id="own")
    s.now = 5
    s.arbiter.done("own", s.now)
    assert not s.go()
    assert s.arbiter.wake_at() == 5 + RETRY_NS
    s.now = 5 + RETRY_NS
    assert s.go() == ["req_1"]


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


# --- time


def test_there_is_nothing_to_wake_up_for_while_a_response_runs() -> None:
    s = Story()
    running(s)
    s.arbiter.user_speaks(server_cancels=False)
    s.arbiter.user_done(0, server_responds=True)
    assert not s.go()
    assert s.arbiter.wake_at() is None
    s.arbiter.done("r", 10 * OWN_RESPONSE_NS)
    assert s.arbiter.wake_at() == 11 * OWN_RESPONSE_NS


def test_the_servers_own_response_is_waited_for() -> None:
    s = Story()
    expecting(s)
    assert s.arbiter.wake_at() == OWN_RESPONSE_NS
    s.now = OWN_RESPONSE_NS
    assert len(s.go()) == 1


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


def test_a_token_goes_out_with_the_applications_own_metadata() -> None:
    s = Story()
    s.arbiter.ask(ResponseParams(metadata={"why": "test"}), handle_id=1)
    (request,) = s.arbiter.next(0)
    event = request.event()
    assert event.event_id == request.token
    assert isinstance(event.response, ResponseParams)
    assert event.response.metadata == {"why": "test", TOKEN: request.token}
