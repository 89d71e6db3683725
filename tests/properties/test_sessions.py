"""Whole sessions in virtual time, under schedules that Hypothesis draws: what the application sees, and how it ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import attrs
import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from engine import RealtimeAgent, RealtimeRunner, RealtimeSession, ScriptedModel, function_tool
from engine.clock import now_ns
from engine.errors import EngineError, SessionClosed, SlowConsumer
from engine.events import RealtimeSessionEvent
from engine.mailboxes.event_queue import EventQueue
from engine.models.scripted import HangUp, Pause, Say, Step
from engine.session.runtime import SessionRuntime
from engine.wire.client_events import ConversationItemCreate
from engine.wire.items import FunctionCallOutput
from engine.wire.server_events import ResponseOutputAudioDelta, ServerEvent
from tests.properties.broken import leaves_stale_audio_in_the_queue, swapped
from tests.support.schedule import plans, scheduled
from tests.support.talk import begins, calls, ends, falls_silent, speaks, user_starts, user_stops

DEADLINE = 3.0
SHIELDED = 60.0
"""Seconds for which a tool takes no notice of its cancellation."""
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@attrs.frozen
class Turn:
    """One thing the user says and the agent answers."""

    seconds: float
    cut_after: float | None
    calls_tool: bool


turns = st.lists(
    st.builds(
        Turn,
        seconds=st.sampled_from([0.3, 1.0, 2.5]),
        cut_after=st.one_of(st.none(), st.sampled_from([0.0, 0.2, 0.7, 1.5])),
        calls_tool=st.booleans(),
    ),
    min_size=1,
    max_size=4,
)
pauses = st.lists(st.sampled_from([0.0, 0.01, 0.3, 2.0]), min_size=1, max_size=6)


@function_tool(on_interruption="cancel")
async def fetch() -> str:
    """Fetch something, slowly."""
    await trio.sleep(0.6)
    return "fetched"


AGENT: RealtimeAgent[Any] = RealtimeAgent(name="Clerk", tools=[fetch])


def audible(events: Sequence[ServerEvent], seed: int) -> Iterator[ServerEvent]:
    """The same events, with audio that differs from sample to sample."""
    for at, event in enumerate(events):
        if isinstance(event, ResponseOutputAudioDelta):
            pattern = bytes((seed * 31 + at * 7 + n) % 256 for n in range(250))
            yield attrs.evolve(event, delta=(pattern * (len(event.delta) // 250 + 1))[: len(event.delta)])
        else:
            yield event


def script(conversation: Sequence[Turn]) -> list[Step]:
    steps: list[Step] = []
    for at, turn in enumerate(conversation):
        user, answer, response = f"user_{at}", f"answer_{at}", f"response_{at}"
        steps += [Say([user_starts(user)]), Pause(0.4), Say([*user_stops(user), begins(response)])]
        if turn.calls_tool:
            call = (f"call_{at}", "fetch", "{}")
            steps += [Say([*calls(response, call), ends(response)]), Pause(1.0)]
            response = f"reply_{at}"
            steps.append(Say([begins(response)]))
        spoken = list(audible(speaks(response, answer, "one two three", turn.seconds), at))
        steps += [Say(spoken[:5]), Pause(0.05), Say(spoken[5:])]
        if turn.cut_after is None:
            steps += [Say([*falls_silent(response, answer, "one two three"), ends(response)]), Pause(turn.seconds)]
        else:
            steps += [
                Pause(turn.cut_after),
                Say([user_starts(f"cut_{at}"), ends(response, "cancelled", "turn_detected")]),
            ]
            steps += [Pause(0.2), Say(user_stops(f"cut_{at}"))]
    return [*steps, Pause(1.0), HangUp()]


def hold(
    conversation: Sequence[Turn], plan: Sequence[int], reading: Sequence[float]
) -> tuple[list[RealtimeSessionEvent], ScriptedModel]:
    """Hold the conversation, with an application that reads at its own pace."""
    model = ScriptedModel(script(conversation))
    taken: list[RealtimeSessionEvent] = []
    late: dict[str, int] = {}

    async def main() -> None:
        session = await RealtimeRunner(AGENT, model=model).run()
        async with session:
            async for event in session:
                taken.append(event)
                if event.type == "audio":
                    late[event.response_id] = now_ns()
                pause = reading[len(taken) % len(reading)]
                if pause and event.type in ("audio", "agent_start"):
                    await trio.sleep(pause)

    with scheduled(plan):
        trio.run(main, clock=MockClock(autojump_threshold=0))
    for event in taken:
        if event.type == "audio_interrupted":
            assert late.get(event.response_id, 0) <= event.at_ns, "stale audio was delivered late"
    return taken, model


def check_responses(taken: Sequence[RealtimeSessionEvent]) -> None:
    """Promise 1."""
    begun = [event.response_id for event in taken if event.type == "agent_start"]
    ended = [event.response_id for event in taken if event.type == "agent_end"]
    assert len(set(begun)) == len(begun)
    assert sorted(begun) == sorted(ended)


def check_audio(taken: Sequence[RealtimeSessionEvent], model: ScriptedModel) -> None:
    """Promise 2."""
    sent: dict[str, bytes] = defaultdict(bytes)
    for step in model.script:
        for event in step.events if isinstance(step, Say) else ():
            if isinstance(event, ResponseOutputAudioDelta):
                sent[event.item_id] += event.delta
    heard: dict[str, bytes] = defaultdict(bytes)
    silenced: set[str] = set()
    finished: list[str] = []
    for event in taken:
        if event.type == "audio":
            assert event.response_id not in silenced
            heard[event.item_id] += event.data
        elif event.type == "audio_end":
            assert event.response_id not in silenced
            finished.append(event.item_id)
        elif event.type == "audio_interrupted":
            silenced.add(event.response_id)
    assert len(set(finished)) == len(finished)
    for item_id, audio in heard.items():
        assert sent[item_id].startswith(audio)
    for item_id in finished:
        assert heard[item_id] == sent[item_id]


def check_calls(taken: Sequence[RealtimeSessionEvent], model: ScriptedModel) -> None:
    """Promise 3."""
    items = [event.item for event in model.sent if isinstance(event, ConversationItemCreate)]
    outputs = [item.call_id for item in items if isinstance(item, FunctionCallOutput)]
    ended = [event.call_id for event in taken if event.type == "tool_end"]
    started = [event.call_id for event in taken if event.type == "tool_start"]
    assert sorted(outputs) == sorted(set(outputs)) == sorted(ended)
    assert len(set(started)) == len(started)


@QUICK
@given(turns, plans, pauses)
def test_responses_audio_and_calls(conversation: list[Turn], plan: tuple[int, ...], reading: list[float]) -> None:
    taken, model = hold(conversation, plan, reading)
    check_responses(taken)
    check_audio(taken, model)
    check_calls(taken, model)


@QUICK
@given(turns, st.random_module(), pauses)
def test_responses_audio_and_calls_under_shuffled_schedules(
    conversation: list[Turn], shuffled: object, reading: list[float]
) -> None:
    taken, model = hold(conversation, (), reading)
    check_responses(taken)
    check_audio(taken, model)
    check_calls(taken, model)


def test_stale_audio_would_be_noticed() -> None:
    conversation = [Turn(2.5, 0.2, False)]
    with leaves_stale_audio_in_the_queue(), pytest.raises(AssertionError):
        check_audio(*hold(conversation, (), [0.3]))


# --- promise 8: it stops when told to


async def _never(*_: object) -> None:
    await trio.sleep_forever()


@function_tool
async def hang() -> str:
    """Never return."""
    await trio.sleep_forever()
    return ""


@function_tool
async def dawdle() -> str:
    """Take no notice of being cancelled."""
    with trio.CancelScope(shield=True):
        await trio.sleep(SHIELDED)
    return ""


def close_at(moment: float, plan: Sequence[int], *, stuck: str) -> tuple[float, int]:
    """Close a busy session at `moment`. Returns how long that took, and how many tasks were left."""
    busy: RealtimeAgent[Any] = RealtimeAgent(name="Busy", tools=[hang, dawdle])
    tool = "dawdle" if stuck == "tool" else "hang"
    steps: list[Step] = [
        Say([begins("r"), *calls("r", ("c", tool, "{}")), ends("r")]),
        *script([Turn(2.5, 0.7, False)]),
    ]
    told: list[float] = []
    left: list[int] = []

    async def read(session: RealtimeSession[Any]) -> None:
        try:
            async for _ in session:
                if stuck == "reader":
                    await trio.sleep(100)
        except EngineError:
            return

    async def main() -> None:
        before = trio.lowlevel.current_statistics().tasks_living
        runner = RealtimeRunner(busy, model=ScriptedModel(steps))
        session = await runner.run(model_config={"close_timeout": DEADLINE})
        async with trio.open_nursery() as nursery:
            async with session:
                nursery.start_soon(read, session)
                with trio.move_on_after(moment), suppress(SessionClosed):  # the script may end before
                    while True:
                        await session.send_audio(bytes(960))
                        await trio.sleep(0.02)
                begun = trio.current_time()
                still_running = await session.close()
                told.append(trio.current_time() - begun)
                with pytest.raises(SessionClosed):
                    await session.send_audio(bytes(960))
                assert still_running.tasks in ((), ("tool dawdle",))
            nursery.cancel_scope.cancel()
        left.append(trio.lowlevel.current_statistics().tasks_living - before)

    with scheduled(plan), _stuck(stuck):
        trio.run(main, clock=MockClock(autojump_threshold=0))
    return told[0], left[0]


def _stuck(what: str) -> AbstractContextManager[None]:
    from engine.models.scripted import _Script

    if what == "goodbye":
        return swapped(_Script, "aclose", _never)
    if what == "socket":
        return swapped(_Script, "send", _never)
    return nullcontext()


@settings(QUICK, max_examples=40)
@given(
    st.sampled_from([0.0, 0.01, 0.5, 1.2, 4.0]),
    plans,
    st.sampled_from(["nothing", "goodbye", "socket", "reader", "tool"]),
)
def test_close_returns_within_its_deadline_and_leaves_nothing(moment: float, plan: tuple[int, ...], stuck: str) -> None:
    took, left = close_at(moment, plan, stuck=stuck)
    assert took <= DEADLINE + 0.001
    assert left == 0


@pytest.mark.parametrize("stuck", ["goodbye", "tool"])
def test_an_engine_without_a_deadline_would_be_noticed(stuck: str) -> None:
    async def patient(self: SessionRuntime, within: float) -> None:
        with trio.move_on_after(100):
            await self._joined.wait()

    with swapped(SessionRuntime, "_end", patient):
        took, _ = close_at(0.5, (), stuck=stuck)
    assert took > DEADLINE


# --- promise 9: no queue is unbounded


def never_read() -> tuple[EngineError | None, int]:
    """A session whose events nobody takes. Returns its error, and how many bytes of audio waited at most."""
    flood = [Say([begins("r"), *speaks("r", "a", "words", 60.0)]) for _ in range(1)]
    more: list[Step] = [step for _ in range(12) for step in (Say(speaks("r", "a", "words", 60.0)[4:]), Pause(0.1))]
    most: list[int] = []
    ended: list[EngineError | None] = [None]

    async def main() -> None:
        session = await RealtimeRunner(AGENT, model=ScriptedModel([*flood, *more])).run()
        async with session:
            await trio.sleep(5)
            try:
                async for event in session:
                    if event.type == "audio":
                        most.append(len(event.data))
            except SlowConsumer as error:
                ended[0] = error
            except trio.TooSlowError:
                pass

    async def limited() -> None:
        with trio.move_on_after(30):
            await main()

    trio.run(limited, clock=MockClock(autojump_threshold=0))
    return ended[0], sum(most)


def test_an_application_that_never_reads_is_told_so() -> None:
    error, _ = never_read()
    assert isinstance(error, SlowConsumer)
    assert "iterate over the session" in str(error)


def test_an_unbounded_feed_would_be_noticed() -> None:
    put = EventQueue.put

    def unbounded(self: EventQueue, events: Any) -> None:
        self._max_bytes = self._max_events = 1 << 60
        put(self, events)

    with swapped(EventQueue, "put", unbounded):
        error, waiting = never_read()
    assert error is None
    assert waiting > 33 * 1024 * 1024
