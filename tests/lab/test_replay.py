"""Recordings: what is in them, what is not, and that a replay finds what was changed."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import attrs
import orjson
import pytest

from engine.agents.agent import RealtimeAgent
from engine.cli.main import main
from engine.errors import LogError
from engine.lab.replay.diff import first_difference
from engine.lab.replay.recorded_call import RecordedCall, load_recording
from engine.lab.replay.replay import Replayed, replay, without_hidden
from engine.lab.scenario.agents import agent_of
from engine.lab.scenario.distributions import Draws
from engine.lab.scenario.scenario import ScenarioFile, Tool
from engine.lab.simulate.run import Plan, RunWriter, changed
from engine.lab.simulate.run_virtual import run_virtually
from engine.secret.value import Secret
from engine.wire.client_events import RawClientEvent
from engine.wire.codec import encode_client
from tests.lab.calls import files_of, short
from tests.recordings import Recording, folder, recorded


def record(out: Path, file: ScenarioFile | None = None) -> Path:
    """A recorded session of the short scenario."""
    plan = Plan(file=changed(file or short(), sessions=1), out=out, virtual=True, record=True)
    run_virtually(plan, RunWriter(plan), workers=1)
    return out / "sessions" / "s0001"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def call(path: Path) -> RecordedCall:
    return load_recording(path)


def program(change: Callable[[Tool], Tool] = lambda tool: tool, **clone: str) -> RealtimeAgent[None]:
    """The program that was recorded, its tool changed."""
    scenario = short().scenario
    tools = {name: change(tool) for name, tool in scenario.tool.items()}
    agent: RealtimeAgent[None] = agent_of(attrs.evolve(scenario, tool=tools), Draws(scenario.seed, 0))
    return agent.clone(**clone) if clone else agent  # type: ignore[arg-type]


def sentences(came: Replayed) -> list[str]:
    return [difference.sentence for difference in came.differences]


def test_a_recording_holds_both_directions_and_both_sounds(path: Path, call: RecordedCall) -> None:
    kinds = {line.type for line in call.lines}
    assert {"session.update", "input_audio_buffer.append", "response.output_audio.delta", "response.done"} <= kinds
    assert call.partial is None
    assert call.header is not None
    assert call.header["input_format"] == {"type": "audio/pcm", "rate": 24000}
    times = [line.t for line in call.lines]
    assert times == sorted(times, key=lambda t: t or 0)
    for name in ("user.wav", "agent.wav"):
        with wave.open(str(path / name)) as file:
            assert file.getframerate() == 24_000
            assert file.getnframes() > 24_000


def test_the_same_call_is_the_same_recording(path: Path, tmp_path: Path) -> None:
    assert files_of(record(tmp_path)) == files_of(path)


def test_the_same_program_does_the_same(call: RecordedCall) -> None:
    came = replay(call, program())
    assert came.same, sentences(came)
    assert not came.notes
    assert came.events > 50


def test_a_program_made_of_the_recorded_settings_does_the_same(call: RecordedCall) -> None:
    came = replay(call)
    assert came.same, sentences(came)


def test_a_tool_that_answers_differently_is_found(call: RecordedCall) -> None:
    came = replay(call, program(lambda tool: attrs.evolve(tool, result="lost")))
    assert not came.same
    sent = next(difference for difference in came.differences if difference.what == "sent")
    assert (sent.path, sent.recorded, sent.now) == ("item.output", "done", "lost")
    assert sent.line is not None
    assert orjson.loads((call.path).read_bytes().splitlines()[sent.line - 1])["data"]["item"]["output"] == "done"


def test_a_tool_that_is_missing_is_found(call: RecordedCall) -> None:
    bare: RealtimeAgent[None] = RealtimeAgent("Agent", instructions=program().instructions)
    came = replay(call, bare)
    assert not came.same
    assert any("tools" in sentence for sentence in sentences(came))


def test_other_instructions_are_found_in_the_first_event(call: RecordedCall) -> None:
    came = replay(call, program(instructions="Be long."))
    first = came.differences[0]
    assert (first.what, first.index, first.path, first.now) == ("sent", 0, "session.instructions", "Be long.")


def test_what_is_never_sent_is_missed_and_the_replay_ends(call: RecordedCall) -> None:
    hung = program(lambda tool: attrs.evolve(tool, latency_ms=3_600_000.0))
    came = replay(call, hung)
    assert came.missing is not None
    assert "conversation.item.create" in came.missing


@recorded
def test_recordings_of_the_real_service_are_played(recording: Recording) -> None:
    came = replay(load_recording(folder() / f"{recording.name}.jsonl"))
    assert came.same, sentences(came)
    assert "another client made the recording" in came.notes[0]


def test_a_recording_that_was_cut_short_is_partial(path: Path, tmp_path: Path) -> None:
    whole = (path / "wire.jsonl").read_bytes()
    cut = tmp_path / "wire.jsonl"
    cut.write_bytes(whole[: len(whole) // 2])
    call = load_recording(tmp_path)
    assert call.partial is not None
    assert "cut short" in call.partial
    assert any("partial" in note for note in replay(call).notes)


def test_what_is_no_recording_says_where(path: Path, tmp_path: Path) -> None:
    with pytest.raises(LogError, match="no recording here"):
        load_recording(tmp_path)
    lines = (path / "wire.jsonl").read_bytes().splitlines()
    file = tmp_path / "bad.jsonl"
    file.write_bytes(b"\n".join([*lines[:3], b"{oops", *lines[3:]]))
    with pytest.raises(LogError, match="line 4: not JSON"):
        load_recording(file)
    file.write_bytes(lines[0].replace(b'"engine_recording":1', b'"engine_recording":9'))
    with pytest.raises(LogError, match="version 9"):
        load_recording(file)


def test_keys_and_headers_are_never_kept() -> None:
    server = {"type": "mcp", "server_label": "x", "authorization": "secret", "headers": {"X-Key": "secret"}}
    extra = {"session": {"tools": [server]}, "type": "session.update"}
    written = orjson.loads(encode_client(RawClientEvent(extra), Secret.shown))
    hidden = {"type": "mcp", "server_label": "x", "authorization": "***", "headers": {"X-Key": "***"}}
    assert written == {"session": {"tools": [hidden]}, "type": "session.update"}
    assert without_hidden(written["session"]) == {"tools": [{"type": "mcp", "server_label": "x"}]}


def test_positions_in_sound_have_a_tolerance_and_nothing_else_has() -> None:
    was: list[tuple[int, object]] = [(7, {"audio_end_ms": 1500, "n": 1})]
    assert first_difference("sent", was, [{"audio_end_ms": 1540, "n": 1}], tolerance_ms=50) is None
    far = first_difference("sent", was, [{"audio_end_ms": 1560, "n": 1}], tolerance_ms=50)
    assert far is not None
    assert far.sentence == "sent[0].audio_end_ms (line 7): recorded 1500, now 1560"
    assert first_difference("sent", was, [{"audio_end_ms": 1500, "n": 2}], tolerance_ms=50) is not None
    assert first_difference("sent", was, [], tolerance_ms=50) is not None
    assert first_difference("sent", [], [{"n": 1}], tolerance_ms=50) is not None


def test_the_command_says_so(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "replay", str(path)]) == 0
    assert capsys.readouterr().out.startswith("same: ")
    assert main(["lab", "replay", str(path), "--agent", "engine.cli.demo:billing"]) == 12
    assert "different: sent[0].session.instructions" in capsys.readouterr().out
    assert main(["lab", "replay", str(path / "nothing")]) == 3
