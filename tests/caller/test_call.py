"""Whole calls against the local model, in virtual time."""

from __future__ import annotations

import array
import json
import wave
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from engine.agents.agent import RealtimeAgent
from engine.agents.tool import function_tool
from engine.caller.call_events import (
    CallBegan,
    CallEnded,
    CallerSpeechBegan,
    CallerSpeechEnded,
    CallNote,
    PlaybackBegan,
    PlaybackEnded,
)
from engine.caller.caller import CallerActions, PreparedCaller, Utterance
from engine.cli.demo import SCRIPT
from engine.cli.transcript import AgentSaid, CallerSaid, CutShort, HandedOver, ToolCalled
from engine.errors import ConnectRefused, TransportLost
from engine.events import AgentEnd, AudioInterrupted, Handoff, ToolEnd, TurnMetrics
from engine.local.settings.faults import Faults, SilentResponse
from engine.local.settings.options import LocalOptions
from engine.local.speech.placeholder_synthesizer import tones
from engine.models.interface import RealtimeModel
from engine.models.local import LocalModel
from engine.models.scripted import HangUp, Pause, ScriptedModel
from tests.cli.support import MS, Held, as_recognised, demo_caller, hold, telepathic_speech, virtual


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Held:
    """The demonstration, spoken."""

    async def main() -> Held:
        return await hold(tmp_path_factory.mktemp("demo"), caller=demo_caller())

    return trio.run(main, clock=virtual())


@pytest.fixture(scope="module")
def sides(demo: Held) -> tuple[array.array[int], array.array[int]]:
    """Both sides of the demonstration's recording."""
    with wave.open(str(demo.directory / "call.wav")) as file:
        both = array.array("h", file.readframes(file.getnframes()))
    return both[0::2], both[1::2]


def level(side: array.array[int], from_ns: int, until_ns: int, began_ns: int) -> int:
    """The loudest sample of a stretch of a side."""
    start, end = ((at - began_ns) * 24_000 // 1_000_000_000 for at in (from_ns, until_ns))
    return max((abs(sample) for sample in side[start:end]), default=0)


def test_the_demonstration_has_two_tools_an_interruption_and_a_handoff(demo: Held) -> None:
    assert demo.outcome.failure is None
    assert demo.outcome.reason == "the caller hung up"
    tools = [(event.name, event.outcome) for event in demo.of(ToolEnd)]
    assert tools == [("get_order_status", "result"), ("transfer_to_billing", "result"), ("refund_order", "result")]
    assert len(demo.of(AudioInterrupted)) == 1
    assert [(e.from_agent.name, e.to_agent.name) for e in demo.of(Handoff)] == [("Customer Service", "Billing")]


def test_the_transcript_tells_the_story(demo: Held) -> None:
    story = [
        (type(entry), getattr(entry, "agent", ""), getattr(entry, "name", getattr(entry, "heard", "")))
        for entry in demo.transcript.entries
    ]
    assert [kind for kind, _, _ in story] == [
        AgentSaid,
        *(CallerSaid, AgentSaid),
        *(CallerSaid, ToolCalled, AgentSaid),
        *(CallerSaid, AgentSaid),
        *(CallerSaid, CutShort, ToolCalled, HandedOver, AgentSaid, ToolCalled, AgentSaid),
        *(CallerSaid, AgentSaid),
    ]
    assert all(entry.settled for entry in demo.transcript.entries)
    assert story[-1][1] == "Billing"


def test_an_interruption_divides_the_words_into_heard_and_unheard(demo: Held) -> None:
    (cut,) = [entry for entry in demo.transcript.entries if isinstance(entry, CutShort)]
    assert cut.heard.startswith("Our return policy is simple.")
    assert cut.unheard
    assert not cut.unheard.startswith(cut.heard)
    assert 4000 <= cut.heard_ms <= 4500
    (ended,) = [event for event in demo.of(PlaybackEnded) if event.interrupted]
    assert abs(ended.played_ms - cut.heard_ms) <= 1, "what was recorded is what the model was told"


def test_the_agent_falls_silent_at_the_interruption_and_stays_silent(
    demo: Held, sides: tuple[array.array[int], array.array[int]]
) -> None:
    began = demo.of(CallBegan)[0].at_ns
    (cut,) = [event for event in demo.of(PlaybackEnded) if event.interrupted]
    following = next(event for event in demo.of(PlaybackBegan) if event.at_ns > cut.at_ns)
    assert level(sides[1], cut.at_ns - 400 * MS, cut.at_ns, began) > 1000
    assert level(sides[1], cut.at_ns, following.at_ns - 10 * MS, began) == 0


def test_the_caller_is_on_the_left_where_the_caller_spoke(
    demo: Held, sides: tuple[array.array[int], array.array[int]]
) -> None:
    began = demo.of(CallBegan)[0].at_ns
    spoken = list(zip(demo.of(CallerSpeechBegan), demo.of(CallerSpeechEnded), strict=True))
    assert len(spoken) == 5
    silent_from = began
    for start, end in spoken:
        assert level(sides[0], silent_from, start.at_ns, began) < 50
        assert level(sides[0], start.at_ns, end.at_ns, began) > 1000
        silent_from = end.at_ns


def test_nobody_talks_over_the_agent_but_the_one_who_interrupts(demo: Held) -> None:
    playing = [(b.at_ns, e.at_ns) for b, e in zip(demo.of(PlaybackBegan), demo.of(PlaybackEnded), strict=True)]
    over = [
        start.text
        for start in demo.of(CallerSpeechBegan)
        if any(begins < start.at_ns < ends for begins, ends in playing)
    ]
    assert over == ["I was charged twice."]


def test_the_table_has_a_row_for_each_turn(demo: Held) -> None:
    table = demo.table
    assert [row.cut for row in table.rows] == [False, False, False, True, False, False]
    assert table.truth
    for row in table.asked:
        assert row.noticed_s is not None
        assert row.first_audio_s is not None
        assert row.heard_s is not None
        assert 0.2 < row.noticed_s < row.first_audio_s <= row.heard_s < 2
    assert table.rows[4].yielded_s is not None
    assert 0 < table.rows[4].yielded_s < 0.3
    assert table.rows[4].agents == ("Customer Service", "Billing")
    assert table.rows[4].tools == ("transfer_to_billing", "refund_order")


def test_the_gaps_of_a_spoken_call_are_measured(demo: Held) -> None:
    ended = [event.at_ns for event in demo.of(CallerSpeechEnded)]
    audible = [event.at_ns for event in demo.of(PlaybackBegan)]
    gaps = [event.metrics["turn_gap"] for event in demo.of(TurnMetrics) if event.turn.opened_by == "speech"]
    assert gaps == [pytest.approx(min(at for at in audible if at > end) / 1e9 - end / 1e9) for end in ended]
    assert gaps == demo.table.heard
    (cut,) = [event for event in demo.of(TurnMetrics) if event.turn.interruption is not None]
    assert cut.metrics["yield_latency"] == demo.table.rows[4].yielded_s
    assert [event.turn.purpose for event in demo.of(TurnMetrics)] == [None, "turn", "turn", "turn", "barge_in", "turn"]


def test_events_are_written_as_json_lines(demo: Held) -> None:
    lines = [json.loads(line) for line in (demo.directory / "events.jsonl").read_text().splitlines()]
    assert [line["type"] for line in lines] == [event.type for event in demo.events]
    assert lines[0]["type"] == "call_began"
    assert lines[0]["t"] == 0
    assert lines[-1]["type"] == "call_ended"
    assert all("context" not in line for line in lines)


def test_nothing_is_missing_at_the_end(demo: Held) -> None:
    assert isinstance(demo.events[-1], CallEnded)
    started = [event.response_id for event in demo.events if event.type == "agent_start"]
    assert started == [event.response_id for event in demo.of(AgentEnd)]


def test_the_same_call_twice_is_the_same_call(tmp_path: Path) -> None:
    def once(name: str) -> list[str]:
        async def main() -> Held:
            return await hold(tmp_path / name, caller=demo_caller())

        held = trio.run(main, clock=virtual())
        return [f"{event.type} {event.at_ns}" for event in held.events]

    assert once("one") == once("two")


async def test_typed_lines_tell_the_same_story(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    held = await hold(tmp_path, caller=demo_caller(typed=True))
    assert [event.name for event in held.of(ToolEnd)] == ["get_order_status", "transfer_to_billing", "refund_order"]
    (cut,) = [entry for entry in held.transcript.entries if isinstance(entry, CutShort)]
    assert 4000 <= cut.heard_ms <= 4010
    table = held.table
    assert table.truth
    assert [row.noticed_s for row in table.asked] == [None] * 5
    assert [row.caller for row in table.asked] == [line.text for line in SCRIPT]


async def test_hanging_up_in_the_middle_writes_what_was_recorded(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    held = await hold(tmp_path, caller=demo_caller(), hang_up_after=18.0)
    assert held.outcome.reason == "Ctrl-C"
    assert held.outcome.failure is None
    with wave.open(str(tmp_path / "call.wav")) as file:
        assert file.getnframes() == 18 * 24_000
    last = held.of(PlaybackEnded)[-1]
    assert last.interrupted
    assert last.at_ns == 18_000 * MS
    assert isinstance(held.events[-1], CallEnded)


async def test_hanging_up_while_connecting_leaves_nothing(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    class Slow(ScriptedModel):
        def connect(self, config: object) -> object:  # type: ignore[override]
            return self

        async def __aenter__(self) -> None:
            await trio.sleep_forever()

        async def __aexit__(self, *args: object) -> None:
            raise AssertionError("it never opened")

    held = await hold(tmp_path / "call", caller=demo_caller(), model=Slow(), hang_up_after=1.0)
    assert held.outcome.reason == "Ctrl-C"
    assert not (tmp_path / "call").exists()


class Refusing(ScriptedModel):
    def connect(self, config: object) -> object:  # type: ignore[override]
        raise ConnectRefused("nobody answers")


async def test_a_call_that_never_began_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConnectRefused, match="nobody answers"):
        await hold(tmp_path / "call", caller=demo_caller(), model=Refusing())
    assert not (tmp_path / "call").exists()


@pytest.mark.parametrize(
    ("ending", "failure", "reason"),
    [
        (HangUp(), type(None), "the server hung up"),
        (HangUp(1011, "out of breath"), TransportLost, "out of breath"),
        (HangUp(None, "the wire was cut"), TransportLost, "the wire was cut"),
    ],
    ids=["hangs up", "closes for a reason", "breaks"],
)
async def test_the_server_goes_away(
    tmp_path: Path, ending: HangUp, failure: type, reason: str, autojump_clock: trio.testing.MockClock
) -> None:
    held = await hold(tmp_path, caller=demo_caller(), model=ScriptedModel([Pause(3.0), ending]))
    assert isinstance(held.outcome.failure, failure)
    assert reason in held.outcome.reason
    with wave.open(str(tmp_path / "call.wav")) as file:
        assert file.getnframes() == 3 * 24_000
    assert isinstance(held.events[-1], CallEnded)


async def test_a_caller_who_gets_no_answer_goes_on(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    mute = LocalModel(LocalOptions(faults=Faults(of_responses=(SilentResponse(frozenset({1})),))))
    caller = PreparedCaller([Utterance("hello"), Utterance("what are your opening hours")])
    held = await hold(tmp_path, caller=caller, model=mute)
    notes = [event.text for event in held.of(CallNote)]
    assert notes[0] == "no answer for 60 s: the caller goes on"


async def test_without_a_greeting_the_caller_speaks_first(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    caller = PreparedCaller([Utterance("what are your opening hours")])
    held = await hold(tmp_path, caller=caller, greets=False)
    assert isinstance(held.transcript.entries[0], CallerSaid)
    assert len(held.of(AgentEnd)) == 1


async def test_a_call_lasts_no_longer_than_it_may(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    held = await hold(tmp_path, caller=demo_caller(), time_limit=10.0)
    assert held.outcome.reason == "the time was over"
    assert held.outcome.failure is None
    assert held.events[-1].at_ns - held.events[0].at_ns == 10_000 * MS


@attrs.frozen
class Microphone:
    """Frames of a device that is a little slow, and once away for a second."""

    speaks: bool = False

    async def call(self, actions: CallerActions, began_ns: int, *, greeted: bool) -> None:
        for number in range(100):
            await trio.sleep(1.0 if number == 50 else 0.0205)
            await actions.feed(tones("where is my order please")[:960])


async def test_a_microphone_is_recorded_without_holes_and_with_its_gaps(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    held = await hold(tmp_path, caller=Microphone(), model=ScriptedModel())
    with wave.open(str(tmp_path / "call.wav")) as file:
        both = array.array("h", file.readframes(file.getnframes()))
    frame = array.array("h", tones("where is my order please")[:960])
    left = both[0::2]
    assert left[: 50 * 480] == frame * 50
    gap = left[50 * 480 : 50 * 480 + 24_000]
    assert set(gap[: 24_000 - 1000]) == {0}
    assert held.table.rows == ()


def _gated(calls: list[str]) -> RealtimeAgent[None]:
    @function_tool(needs_approval=True)
    async def get_order_status(order_number: str) -> str:
        """Look an order up."""
        calls.append(order_number)
        return "It is on its way."

    return RealtimeAgent[None]("Careful", tools=[get_order_status])


@pytest.mark.parametrize(("approves", "called", "outcome"), [(True, ["4712"], "result"), (False, [], "rejected")])
async def test_tools_that_need_approval(
    tmp_path: Path, approves: bool, called: list[str], outcome: str, autojump_clock: trio.testing.MockClock
) -> None:
    calls: list[str] = []
    caller = PreparedCaller([Utterance("where is order 4712")])
    held = await hold(tmp_path, caller=caller, agent=_gated(calls), model=LocalModel(), approves=approves)
    assert calls == called
    assert [event.outcome for event in held.of(ToolEnd)] == [outcome]
    assert bool(held.of(CallNote)) is not approves


def _models() -> list[tuple[str, Callable[[], RealtimeModel]]]:
    lines = ["Hello.", "Where is my jacket?"]
    return [
        ("understood", lambda: LocalModel(speech=telepathic_speech(map(as_recognised, lines)))),
        ("not understood", lambda: LocalModel(speech=telepathic_speech(()))),
    ]


@pytest.mark.parametrize(("name", "model"), _models(), ids=[name for name, _ in _models()])
async def test_recorded_utterances_wait_for_each_other(
    tmp_path: Path, name: str, model: Callable[[], RealtimeModel], autojump_clock: trio.testing.MockClock
) -> None:
    caller = PreparedCaller([Utterance(None, tones(text)) for text in ("hello there", "where is my jacket")])
    held = await hold(tmp_path, caller=caller, model=model())
    table = held.table
    assert len(table.heard) == 2
    assert not any(row.cut for row in table.rows)
    said = [entry.heard for entry in held.transcript.entries if isinstance(entry, CallerSaid)]
    assert said == (["hello", "where is my jacket"] if name == "understood" else ["", ""])
