"""Calls that never took place: logs of support calls drawn from a seed, with every kind of turn that a report shows.

A build is described by what it adds: to the model's first audio, to one tool, to the engine. Two builds with one seed
have the same callers, draws and network.
"""

from __future__ import annotations

import json
import math
import random
import wave
from array import array
from pathlib import Path

import attrs

from engine.latency.assemble import turns_of
from engine.latency.instants import Instant, Value
from engine.latency.log import LogHeader, LogWriter, SessionLog, in_order
from engine.latency.turns import TurnRecord

MS = 1_000_000
TEXTS = (
    "Where is my order?",
    "It was a blue coat, ordered on Monday.",
    "Can I send it back if it does not fit?",
    "No, wait, I meant the other one.",
    "And how long does a refund take?",
    "Thank you, that was all.",
)


@attrs.frozen
class Build:
    """What one version of a program adds, in milliseconds."""

    model_ms: float = 0.0
    tool_ms: float = 0.0
    engine_ms: float = 0.0
    noise_ms: float = 0.0
    """Standard deviation of what no seed fixes: a real machine."""
    noise_seed: int = 0


@attrs.define
class _Call:
    rng: random.Random
    noise: random.Random
    build: Build
    instants: list[Instant] = attrs.field(factory=list)
    now: float = 0.0

    def at(self, at_ms: float, kind: str, /, **fields: Value) -> float:
        """Note an instant; returns its time in milliseconds."""
        self.instants.append(Instant(round(at_ms * MS), kind, fields))
        return at_ms

    def shaken(self, ms: float) -> float:
        return ms + abs(self.noise.gauss(0, self.build.noise_ms)) if self.build.noise_ms else ms

    def turn(self, index: int, slow: float) -> None:
        """One spoken turn of the caller and its answer, if there is one."""
        rng = self.rng
        text = TEXTS[index % len(TEXTS)]
        start = self.now + rng.uniform(300, 900)
        end = start + 60 * len(text) * rng.uniform(0.8, 1.2)
        item, response, answer = f"u{index}", f"r{index}", f"a{index}"
        rtt = 40 + rng.lognormvariate(math.log(10), 0.5)
        draws = {name: rng.random() for name in ("answered", "tool", "interrupted", "slow", "backchannel", "yields")}
        body = rng.lognormvariate(math.log(380), 0.3) if draws["slow"] < 0.97 else rng.lognormvariate(8.0, 0.4)
        vad = rng.uniform(480, 560)
        tool = rng.lognormvariate(math.log(220), 0.5)
        length = rng.uniform(1500, 4500)
        cut_at, stops_after = rng.uniform(0.3, 0.8), rng.lognormvariate(math.log(330), 0.25)
        self.at(start, "user.speech.start.truth", turn=index, text=text, position_ms=start, purpose="turn")
        self.at(end, "user.speech.end.truth", turn=index, position_ms=end)
        self.at(start + 1, "user.audio.sent", edge="first", item=item)
        self.at(end + vad, "user.audio.sent", edge="last", item=item)
        self.at(start + 120 + rtt, "server.speech_started", item=item, ms=round(start))
        stopped = self.at(end + vad + rtt / 2, "server.speech_stopped", item=item, ms=round(end + vad))
        committed = self.at(stopped + 2, "user.committed", item=item)
        self.at(committed + rng.uniform(80, 240), "transcript.user.final", item=item, text=text)
        self.now = end + vad + 3000
        if draws["answered"] < 0.02:
            return
        at = self.at(committed + 5, "response.created", response=response)
        if draws["tool"] < 0.3:
            at = self._with_tool(index, at, tool)
            response = f"r{index}b"
            self.at(at, "response.created", response=response)
        spoken = self.shaken(at + body * slow + self.build.model_ms)
        self.at(spoken, "response.first_token", response=response, item=answer)
        first = self.at(spoken + 1, "audio.first_received", response=response, item=answer)
        taken = self.at(
            self.shaken(first + 0.4 + self.build.engine_ms), "audio.first_taken", response=response, item=answer
        )
        self.at(taken, "audio.first_audible", response=response, item=answer, ms=40)
        played = self.at(taken + 20, "playout.start", response=response, item=answer, source="measured")
        self.at(played + 40, "playout.audible", response=response, item=answer, source="measured")
        done = self.at(first + length / 8, "response.done", response=response, status="completed", usage={
            "total_tokens": 120, "input_tokens": 80, "output_tokens": 40,
            "input_token_details": {"audio_tokens": 60}, "output_token_details": {"audio_tokens": 30},
        })  # fmt: skip
        self.at(done, "audio.received", response=response, item=answer, bytes=round(length * 48), jitter_ms=rtt / 20)
        stop = played + length
        self.now = stop
        if draws["interrupted"] < 0.25:
            stop = self._interrupted(index, response, answer, played, played + length * cut_at, stops_after)
        self.at(stop, "playout.stop", response=response, item=answer, source="measured", ms=round(stop - played))

    def _with_tool(self, index: int, at: float, tool: float) -> float:
        """A first response that calls a tool. Returns when the second one begins."""
        call, name = f"c{index}", ("find_order", "refund_policy")[index % 2]
        called = self.at(at + 90, "tool.called", call=call, name=name, response=f"r{index}")
        self.at(called + 1, "response.done", response=f"r{index}", status="completed")
        if index % 4 == 3:
            self.at(called + 2, "tool.approval_asked", call=call)
            called = self.at(called + 150, "tool.approval_answered", call=call, approved=True)
        started = self.at(called + 2, "tool.started", call=call)
        stall = self.build.tool_ms if name == "find_order" else 0.0
        ended = self.at(self.shaken(started + tool + stall), "tool.ended", call=call, outcome="done")
        sent = self.at(ended + 1, "tool.output_sent", call=call)
        self.at(sent, "response.requested", token=f"t{index}")
        return sent + 45

    def _interrupted(
        self, index: int, response: str, answer: str, played: float, onset: float, stops_after: float
    ) -> float:
        item = f"b{index}"
        self.at(onset, "user.speech.start.truth", turn=1000 + index, position_ms=onset, purpose="barge_in", text="Wait")
        self.at(onset + 400, "user.speech.end.truth", turn=1000 + index, position_ms=onset + 400)
        heard = self.at(onset + stops_after, "server.speech_started", item=item, ms=round(onset))
        emitted = self.at(heard + 0.3 + self.build.engine_ms, "interrupt", response=response, item=answer,
                          heard_ms=round(heard - played), cause="user")  # fmt: skip
        self.at(emitted + 0.2, "interrupt.taken", response=response)
        self.at(emitted + 0.5, "truncate.sent", item=answer, ms=round(heard - played))
        stopped = self.at(max(onset + 950, heard + 100), "server.speech_stopped", item=item, ms=round(onset + 900))
        self.at(stopped + 1, "user.committed", item=item)
        again = f"{response}-again"
        self.at(stopped + 6, "response.created", response=again)
        first = self.at(stopped + 400, "audio.first_received", response=again, item=f"{answer}-again")
        self.at(first, "response.first_token", response=again, item=f"{answer}-again")
        self.at(first + 1, "audio.first_taken", response=again, item=f"{answer}-again")
        for kind in ("playout.start", "playout.audible"):
            self.at(first + 21, kind, response=again, item=f"{answer}-again", source="measured")
        self.at(first + 100, "response.done", response=again, status="completed")
        self.now = self.at(
            first + 721, "playout.stop", response=again, item=f"{answer}-again", source="measured", ms=700
        )
        return emitted + 20


def call(seed: int, session: int, build: Build, turns: int = 6, *, virtual: bool = True) -> SessionLog:
    """The log of one call."""
    rng = random.Random(f"{seed}/{session}")
    going = _Call(rng, random.Random(f"{build.noise_seed}/{seed}/{session}"), build)
    slow = rng.lognormvariate(0, 0.1)
    for index in range(turns):
        going.turn(index, slow)
    going.at(going.now + 2000, "session.end", reason="hung up")
    header = LogHeader(
        session=f"s{session:04}", clock="virtual" if virtual else "real", engine="0.1.0", model="local",
        wall=None if virtual else "2026-11-23T12:00:00.000Z", seed=seed, scenario="support call", intended_start_ns=0,
    )  # fmt: skip
    return SessionLog(header, in_order(going.instants))


def calls(seed: int, sessions: int, build: Build | None = None, turns: int = 6) -> tuple[SessionLog, ...]:
    """A run's logs."""
    return tuple(call(seed, session, build or Build(), turns) for session in range(1, sessions + 1))


def turns_in(logs: tuple[SessionLog, ...]) -> tuple[TurnRecord, ...]:
    """All turns of a run."""
    return tuple(turn for log in logs for turn in turns_of(log))


def write_run(
    folder: Path, seed: int = 7, sessions: int = 30, build: Build | None = None, *,
    turns: int = 6, audio: int = 0, interrupted: str | None = None,
) -> Path:  # fmt: skip
    """A run directory, as `engine lab run` leaves it; the first `audio` sessions have a WAV file."""
    (folder / "sessions").mkdir(parents=True)
    entries = []
    for number, log in enumerate(calls(seed, sessions, build, turns), 1):
        writer = LogWriter(folder / "sessions" / f"{log.header.session}.jsonl", log.header)
        for instant in log.instants:
            writer.write(instant)
        writer.close()
        if number <= audio:
            write_wav(folder / "sessions" / f"{log.header.session}.wav", log)
        entries.append(
            {
                "id": log.header.session,
                "intended_start_ns": 0,
                "started_ns": 0,
                "outcome": "completed",
                "error": None,
                "lasted_ns": log.instants[-1].t,
                "turns": turns,
                "drift_ms": 0.0,
            }
        )
    info = {
        "engine_run": 1, "scenario": {"name": "support call", "turns": list(TEXTS)},
        "scenario_file": "scenarios/support_call.toml", "seed": seed, "clock": "virtual", "engine": "0.1.0",
        "python": "3.11.7", "platform": "Linux-6.1-x86_64", "machine": {"cpu": "Xeon", "cores": 2}, "model": "local",
        "started": "1970-01-01T00:00:00.000Z", "planned_sessions": sessions + (5 if interrupted else 0),
        "finished": interrupted is None, "interrupted": interrupted, "sessions": entries,
        "budgets": [
            {"text": "turn_gap p95 < 1200 ms", "held": False, "value": 1730.4, "limit": 1200.0, "n": 210},
            {"text": "response_rate > 0.95", "held": True, "value": 0.981, "limit": 0.95, "n": 214},
        ],
        "pacing_drift_ms": None,
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(info))
    return folder


def write_wav(path: Path, log: SessionLog, rate: int = 24_000) -> None:
    """The caller on the left, the agent on the right: a tone for as long as somebody is heard."""
    seconds = log.instants[-1].t / 1e9
    sides = [array("h", bytes(2 * math.ceil(seconds * rate))) for _ in range(2)]
    pairs = (("user.speech.start.truth", "user.speech.end.truth", 220.0), ("playout.start", "playout.stop", 330.0))
    for side, (begins, ends, pitch) in zip(sides, pairs, strict=True):
        period = [round(6000 * math.sin(2 * math.pi * at * pitch / rate)) for at in range(rate // 10)]
        start = None
        for instant in log.instants:
            if instant.kind == begins:
                start = round(instant.t / 1e9 * rate)
            elif instant.kind == ends and start is not None:
                stop = round(instant.t / 1e9 * rate)
                tone = (period * (1 + (stop - start) // len(period)))[: stop - start]
                side[start:stop] = array("h", tone)
                start = None
    both = array("h", bytes(4 * len(sides[0])))
    both[0::2], both[1::2] = sides
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(both.tobytes())
