"""Scenes for Hypothesis to draw: whole sessions, and the parts of them."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from engine.wire.formats import G711_ULAW
from tests.support.fake_server.model import (
    BreaksOff,
    Call,
    FarMove,
    FarScript,
    Later,
    NextItem,
    Reply,
    ReplyStep,
    SaysOdd,
    Silence,
    Talk,
    UserFades,
    UserStarts,
    UserStops,
    Wait,
    Write,
)
from tests.support.fake_server.records import Quirks
from tests.support.scene import (
    TOOLS,
    Asks,
    Cancels,
    ChangesAgent,
    ClearsAudio,
    Interrupts,
    Move,
    Says,
    Scene,
    SendsAudio,
)
from tests.support.schedule import CHOICES, seeds

moments = st.sampled_from([0, 0, 1, 5, 10, 10, 15, 20, 100, 250, 700, 2500])
"""Milliseconds between one thing and the next: now, within a reply, after it, after everything. A reply begins after
10 ms and takes a step every 5 ms, so that things often fall into one moment, and the schedule decides."""

distances = st.sampled_from([0, 0, 5, 40, 300])
"""Milliseconds from here to the server."""

quirks = st.builds(
    Quirks,
    done_before_started=st.booleans(),
    silent_clash=st.booleans(),
    late_done=st.booleans(),
    stray_audio=st.booleans(),
    whole_text=st.sampled_from([False, False, False, True]),
    rewords=st.sampled_from([False, False, True]),
    never_cancels=st.sampled_from([False, False, False, True]),
    never_ends=st.sampled_from([False, False, False, False, True]),
    anonymous=st.sampled_from([False, False, False, False, True]),
    refuses_metadata=st.sampled_from([False, False, False, False, True]),
    other_format=st.sampled_from([None, None, None, G711_ULAW]),
    denies_detection=st.sampled_from([False, False, False, True]),
    refuses_changes=st.sampled_from(["", "", "by id", "by place"]),
)

talk = st.builds(Talk, st.integers(0, 6), st.sampled_from([0, 20, 300, 2000]))
calls = st.builds(Call, st.sampled_from(TOOLS))
steps: st.SearchStrategy[ReplyStep] = st.one_of(
    talk, talk, calls, st.just(NextItem()), st.builds(Write, st.integers(1, 4)), st.builds(Wait, moments)
)
orders = st.lists(st.integers(0, CHOICES - 1), min_size=24, max_size=64).map(tuple) | seeds
"""Schedules that perturb: left to itself, Hypothesis draws no choice at all for every third scene."""

statuses = st.sampled_from(["completed", "completed", "completed", "failed", "incomplete"])


def replies(
    of: st.SearchStrategy[ReplyStep] = steps, *, at_most: int = 3, how: st.SearchStrategy[str] = statuses
) -> st.SearchStrategy[tuple[Reply, ...]]:
    """What the model says and does, response by response."""
    one = st.builds(Reply, st.lists(of, max_size=6).map(tuple), how)
    return st.lists(one, max_size=at_most).map(tuple)


user_moves: st.SearchStrategy[FarMove] = st.sampled_from([UserStarts(), UserStarts(), UserStops(), Silence()])
fading_moves: st.SearchStrategy[FarMove] = st.builds(UserFades, st.booleans())
odd_moves: st.SearchStrategy[FarMove] = st.builds(SaysOdd, st.booleans())
ends: st.SearchStrategy[FarMove] = st.builds(BreaksOff, st.sampled_from([None, 1000, 1011]))
moves: st.SearchStrategy[Move] = st.one_of(
    st.builds(Says, st.sampled_from([False, False, True])),
    st.builds(Asks, st.booleans()),
    st.just(Cancels()),
    st.just(Interrupts()),
    st.builds(ChangesAgent, st.sampled_from(["front", "back"])),
    st.builds(SendsAudio, st.sampled_from([5, 100, 1500]), st.booleans()),
    st.just(ClearsAudio()),
)


def timed(what: st.SearchStrategy[object], at_most: int) -> st.SearchStrategy[tuple[Later[object], ...]]:
    """Things to do, one after another."""
    return st.lists(st.builds(Later, moments, what), max_size=at_most).map(tuple)


@st.composite
def scenes(
    draw: st.DrawFn,
    *,
    far_moves: Sequence[st.SearchStrategy[FarMove]] = (user_moves, odd_moves),
    steps: st.SearchStrategy[ReplyStep] = steps,
    app_moves: st.SearchStrategy[Move] = moves,
    up_ms: st.SearchStrategy[int] = distances,
    creates: st.SearchStrategy[bool] = st.booleans(),  # noqa: B008 - strategies do not change
) -> Scene:
    """Sessions of every kind. The application says something first, so that there is a reply."""
    script = FarScript(
        replies=draw(replies(steps)),
        moves=draw(timed(st.one_of(*far_moves), 5)),  # type: ignore[arg-type]
        up_ms=draw(up_ms),
        down_ms=draw(distances),
        waits=draw(st.sampled_from([0, 0, 2, 1])),
    )
    return Scene(
        far=script,
        quirks=draw(quirks),
        moves=(Later(0, Says()), *draw(timed(app_moves, 4))),  # type: ignore[arg-type]
        creates=draw(creates),
        interrupts=draw(st.sampled_from([True, True, False])),
        tool_ms=draw(st.sampled_from([0, 5, 20, 400, 3000])),
        approves=draw(st.booleans()),
        decides_after_ms=draw(moments),
        guardrail_ms=draw(st.sampled_from([0, 0, 5, 30, 1000])),
        forbidden=draw(st.sampled_from([0, 0, 0, 5, 1])),
        step=draw(st.sampled_from([1, 20, 100])),
        reads_every_ms=draw(st.sampled_from([0, 0, 0, 7, 100])),
        schedule=draw(orders),
    )
