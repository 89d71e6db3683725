"""A whole session in virtual time whose every instant is known: what the record says is true to the nanosecond."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

from engine import RealtimeAgent, RealtimeRunner, RealtimeSession, ScriptedModel, function_tool
from engine.clock import now_ns
from engine.errors import ReportError, SessionNotOpen, SettingsError
from engine.events import RealtimeSessionEvent, TurnMetrics
from engine.latency.assemble import turns_of
from engine.latency.log import SessionLog, read_log
from engine.latency.turns import TurnRecord
from engine.models.scripted import Expect, HangUp, Pause, Say, Step
from engine.settings import LatencyLog
from engine.wire.client_events import (
    ConversationItemTruncate,
    InputAudioBufferCommit,
    RawClientEvent,
    ResponseCreate,
)
from engine.wire.response import Usage
from engine.wire.server_events import (
    ConversationItemInputAudioTranscriptionCompleted,
    ResponseOutputAudioDelta,
    ServerEvent,
)
from tests.support.schedule import scheduled
from tests.support.talk import begins, calls, ends, falls_silent, user_starts, user_stops

MS = 1_000_000
Session = RealtimeSession[Any]
Body = Callable[[Session], Awaitable[None]]


def audio(response: str, item: str, ms: int, *, quiet_ms: int = 0) -> ServerEvent:
    """So much audio, the first of it not to be heard."""
    return ResponseOutputAudioDelta(
        response, item, 0, 0, b"\1\0" * (24 * quiet_ms) + b"\0\x10" * (24 * (ms - quiet_ms))
    )


@attrs.frozen
class Call:
    """What came of a call."""

    events: list[RealtimeSessionEvent]
    log: SessionLog
    raw: bytes

    @property
    def turns(self) -> tuple[TurnRecord, ...]:
        return turns_of(self.log)

    @property
    def metrics(self) -> list[dict[str, float]]:
        return [dict(event.metrics) for event in self.events if isinstance(event, TurnMetrics)]


def call(
    folder: Path, script: Sequence[Step], body: Body | None = None, *, slow_ms: int = 0, tools: Sequence[Any] = ()
) -> Call:
    """Play a script. The application takes events as they come, `slow_ms` after each interruption and first audio."""
    events: list[RealtimeSessionEvent] = []
    path = folder / f"{len(list(folder.iterdir()))}.jsonl"
    agent: RealtimeAgent[Any] = RealtimeAgent(name="Clerk", tools=list(tools))

    async def read(session: Session) -> None:
        async for event in session:
            events.append(event)
            if slow_ms and event.type in ("agent_start", "user_speech_started"):
                await trio.sleep(slow_ms / 1000)

    async def main() -> None:
        config = {"latency_log": LatencyLog(path=path, seed=1, scenario="truth"), "audio_frame_ms": 20}
        session = await RealtimeRunner(agent, model=ScriptedModel(script), config=config).run()
        async with trio.open_nursery() as nursery, session:
            nursery.start_soon(read, session)
            if body is not None:
                await body(session)
            await trio.sleep(30)

    with scheduled(0):
        trio.run(main, clock=MockClock(autojump_threshold=0))
    return Call(events, read_log(path), path.read_bytes())


async def nothing(_: Session) -> None:
    """The script does it all."""


def spoken_turn() -> list[Step]:
    """Speech from 1 s to 2 s; heard 200 ms after its beginning, and 500 ms after its end; answered 300 ms later."""
    usage = Usage(total_tokens=7, input_tokens=4, output_tokens=3)
    return [
        Pause(1.2),
        Say([user_starts("user_1", at_ms=1000)]),
        Pause(1.3),
        Say(user_stops("user_1", at_ms=2500)),
        Pause(0.05),
        Say([begins("r1")]),
        Pause(0.25),
        Say([audio("r1", "a1", 200, quiet_ms=40)]),
        Pause(0.1),
        Say([audio("r1", "a1", 400)]),
        Pause(0.1),
        Say([ConversationItemInputAudioTranscriptionCompleted("user_1", 0, "hello")]),
        Say([*falls_silent("r1", "a1", "Hi."), ends("r1", usage=usage)]),
        Pause(10),
        HangUp(),
    ]


async def speak(session: Session) -> None:
    """The line: 20 ms at a time, and the truth about it."""
    began = now_ns()
    for frame in range(130):
        await trio.sleep_until((began + frame * 20 * MS) / 1e9)
        await session.send_audio(bytes(960))
        if frame == 50:
            session.latency.mark("user.speech.start.truth", turn=0, text="hello", position_ms=1000)
        if frame == 100:
            session.latency.mark("user.speech.end.truth", turn=0, position_ms=2000)


def test_a_spoken_turn(tmp_path: Path) -> None:
    made = call(tmp_path, spoken_turn(), speak)
    (turn,) = made.turns
    assert turn == attrs.evolve(
        turn,
        opened_by="speech",
        began=1000 * MS,
        user_text="hello",
        user_speech_start_truth=1000 * MS,
        user_speech_end_truth=2000 * MS,
        user_audio_first_sent=1000 * MS,  # the piece that begins at 1000 ms
        user_audio_last_sent=2480 * MS,  # the one that ends at 2500 ms
        speech_started=1200 * MS,
        speech_stopped=2500 * MS,
        committed=2500 * MS,
        response_created=2550 * MS,
        first_token=2800 * MS,
        audio_first_received=2800 * MS,
        audio_first_taken=2800 * MS,
        audio_first_audible=2800 * MS,
        playout_start=2800 * MS,
        playout_audible=2840 * MS,
        playout_stop=3400 * MS,
        played_ms=600,
        playout_source="computed",
        underruns=0,
        transcript_final=3000 * MS,
        response_done=3000 * MS,
        over=3400 * MS,
        status="completed",
        agents=("Clerk",),
        complete=True,
        false_takeover=False,
    )
    assert turn.usage is not None
    assert turn.usage["total_tokens"] == 7
    assert made.metrics == [
        {
            "turn_gap": 0.84,
            "turn_gap_heard": 0.34,
            "first_audio": 0.8,
            "first_token": 0.8,
            "endpoint_delay": 0.5,
            "endpoint_delay_server": 0.5,
            "endpoint_rtt": 0.02,
            "model_ttfa": 0.3,
            "model_ttft": 0.3,
            "take_delay": 0.0,
            "playout_delay": 0.0,
            "leading_silence": 0.04,
            "transcript_delay": 1.0,
            "jitter": 6.25,
            "underruns": 0.0,
            "spoken": 0.6,
        }
    ]


def test_the_event_comes_when_the_turn_has_rested(tmp_path: Path) -> None:
    made = call(tmp_path, spoken_turn(), speak)
    began = made.log.header.started_ns
    (event,) = [event for event in made.events if isinstance(event, TurnMetrics)]
    assert event.at_ns - began == 3500 * MS + 1
    assert event.turn == made.turns[0]


def test_a_barge_in(tmp_path: Path) -> None:
    """The agent speaks from 2.55 s on; the user begins at 4 s; the application listens 30 ms late."""
    made = call(
        tmp_path,
        [
            Pause(1),
            Say([user_starts("user_1", at_ms=900), *user_stops("user_1", at_ms=1000)]),
            Pause(1.5),
            Say([begins("r1")]),
            Pause(0.05),
            Say([audio("r1", "a1", 5000)]),
            Pause(1.65),
            Say([user_starts("user_2", at_ms=4000), ends("r1", "cancelled", "turn_detected")]),
            Expect(ConversationItemTruncate),
            Pause(0.8),
            Say(user_stops("user_2", at_ms=5000)),
            Pause(5),
            HangUp(),
        ],
        _barges_in,
        slow_ms=30,
    )
    answered, barging = made.turns
    cut = answered.interruption
    assert cut is not None
    # The application is busy for 30 ms after `agent_start`, until 2530 ms; audio came at 2550.
    assert answered.playout_start == 2550 * MS
    assert (cut.onset_truth, cut.onset_heard, cut.emitted) == (4000 * MS, 4200 * MS, 4200 * MS)
    assert (cut.taken, cut.stopped, cut.heard_ms, cut.truncate_sent) == (4230 * MS, 4230 * MS, 1650, 4200 * MS)
    assert answered.played_ms == 1680
    figures = made.metrics[0]
    expected = {
        "yield_latency": 0.23,
        "yield_latency_heard": 0.03,
        "yield_latency_engine": 0.0,
        "interrupt_take_delay": 0.03,
        "over_talk": 0.03,
    }
    assert {name: figures[name] for name in expected} == expected
    assert (barging.answered, barging.purpose, barging.complete) == (False, "barge_in", False)


async def _barges_in(session: Session) -> None:
    began = now_ns()
    await trio.sleep_until((began + 4000 * MS) / 1e9)
    session.latency.mark("user.speech.start.truth", turn=1, purpose="barge_in")


@function_tool
async def look_up() -> str:
    """Look something up."""
    await trio.sleep(0.7)
    return "found"


def test_a_typed_turn_with_a_tool(tmp_path: Path) -> None:
    async def types(session: Session) -> None:
        await trio.sleep(1)
        await session.send_message("hello")

    made = call(
        tmp_path,
        [
            Expect(ResponseCreate),
            Pause(0.2),
            Say([begins("r1", "req_1"), *calls("r1", ("call_1", "look_up", "{}")), ends("r1")]),
            Expect(ResponseCreate),
            Pause(0.1),
            Say([begins("r2", "req_2")]),
            Pause(0.3),
            Say([audio("r2", "a2", 100), *falls_silent("r2", "a2", "Hi."), ends("r2")]),
            Pause(5),
            HangUp(),
        ],
        types,
        tools=[look_up],
    )
    (turn,) = made.turns
    (tool,) = turn.tools
    assert (turn.opened_by, turn.text_sent, turn.response_requested) == ("text", 1000 * MS, 1000 * MS)
    assert (tool.called, tool.started, tool.ended, tool.output_sent) == (
        1200 * MS,
        1200 * MS,
        1900 * MS,
        1900 * MS,
    )
    assert (turn.responses, turn.response_created, turn.audio_first_received) == (("r1", "r2"), 1200 * MS, 2300 * MS)
    (figures,) = made.metrics
    expected = {"turn_gap": 1.3, "event_rtt": 0.2, "tool_time": 0.7, "tool_round_trip": 0.7, "first_audio": 1.3}
    assert {name: figures[name] for name in expected} == expected


def test_push_to_talk(tmp_path: Path) -> None:
    async def talks(session: Session) -> None:
        await trio.sleep(1)
        for _ in range(10):
            await session.send_audio(bytes(960))
            await trio.sleep(0.02)
        await session.commit_audio()
        await session.respond()

    made = call(
        tmp_path,
        [
            Expect(InputAudioBufferCommit),
            Pause(0.04),
            Say(user_stops("user_1")[1:]),
            Expect(ResponseCreate),
            Pause(0.2),
            Say([begins("r1", "req_1"), audio("r1", "a1", 100), *falls_silent("r1", "a1", "Hi."), ends("r1")]),
            Pause(5),
            HangUp(),
        ],
        talks,
    )
    (turn,) = made.turns
    assert (turn.opened_by, turn.began, turn.user_audio_first_sent) == ("speech", 1000 * MS, 1000 * MS)
    assert (turn.user_audio_last_sent, turn.commit_sent, turn.committed) == (1180 * MS, 1200 * MS, 1240 * MS)
    assert made.metrics[0]["turn_gap"] == 0.24


def test_what_the_application_reports_goes_before_what_is_computed(tmp_path: Path) -> None:
    async def reports(session: Session) -> None:
        session.playback.on_position("a1", 0, 0)
        await trio.sleep(3.2)
        session.playback.on_position("a1", 0, 100)
        await session.send_event(RawClientEvent({"type": "nudge"}))
        await trio.sleep(1)
        session.playback.on_position("a1", 0, 600)
        await session.send_event(RawClientEvent({"type": "nudge"}))

    made = call(tmp_path, spoken_turn(), reports)
    (turn,) = made.turns
    assert (turn.playout_source, turn.playout_start, turn.playout_stop) == ("reported", 3100 * MS, 4200 * MS)
    assert (turn.playout_audible, turn.played_ms) == (3140 * MS, 600)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = call(tmp_path, spoken_turn(), speak), call(tmp_path, spoken_turn(), speak)
    assert one.raw.splitlines()[1:] == other.raw.splitlines()[1:]
    header = one.log.header
    assert (header.clock, header.wall, header.python, header.platform) == ("virtual", None, None, None)
    assert (header.seed, header.scenario) == (1, "truth")
    assert attrs.evolve(header, session="") == attrs.evolve(other.log.header, session="")


def test_live_is_the_same_as_from_the_log(tmp_path: Path) -> None:
    made = call(tmp_path, spoken_turn(), speak)
    assert made.log.partial is None
    live = [event.turn for event in made.events if isinstance(event, TurnMetrics)]
    assert live == list(made.turns)
    assert made.log.instants[-1].kind == "session.end"
    assert made.log.instants[-2].kind == "engine.overhead"


def test_no_key_reaches_the_log(tmp_path: Path) -> None:
    async def main() -> None:
        runner = RealtimeRunner(
            RealtimeAgent(name="Clerk"), model=ScriptedModel([HangUp()]), config={"latency_log": tmp_path}
        )
        tools = [{"type": "mcp", "server_label": "s", "server_url": "https://s", "authorization": "hush-hush"}]
        async with await runner.run(
            model_config={"api_key": "sk-hush", "headers": {"x": "hush"}, "initial_model_settings": {"tools": tools}}
        ) as session:
            async for _ in session:
                pass

    trio.run(main, clock=MockClock(autojump_threshold=0))
    (path,) = tmp_path.iterdir()
    assert path.name == "s0001.jsonl"
    assert b"hush" not in path.read_bytes()
    assert read_log(path).header.session == "s0001"


async def test_a_log_that_cannot_be_written_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("something")
    for path, said in (("there", "File exists"), ("nowhere/log.jsonl", "No such file or directory")):
        runner = RealtimeRunner(
            RealtimeAgent(name="Clerk"), model=ScriptedModel(), config={"latency_log": tmp_path / path}
        )
        with pytest.raises(SettingsError, match=f"run_config.latency_log: .*{path} cannot be written: {said}"):
            await (await runner.run()).__aenter__()
    with pytest.raises(SettingsError, match=r"latency_log: expected a path, got 5"):
        RealtimeRunner(RealtimeAgent(name="Clerk"), config={"latency_log": 5})


async def test_a_session_without_a_log_has_the_same_record(autojump_clock: MockClock) -> None:
    session = await RealtimeRunner(RealtimeAgent(name="Clerk"), model=ScriptedModel(spoken_turn())).run()
    with pytest.raises(SessionNotOpen):
        _ = session.latency
    async with session:
        with pytest.raises(ReportError, match=r"no instant is of kind 'user.sneezed'"):
            session.latency.mark("user.sneezed")
        async for _ in session:
            pass
    (turn,) = session.latency.turns
    assert (turn.answered, turn.complete, turn.playout_stop) == (True, True, 3400 * MS)
    assert session.latency.overhead.mailbox_wait["inbox"].count == 2, "the first agent's settings, and the end"
    assert session.latency.overhead.read_to_taken.max_ns == 0
