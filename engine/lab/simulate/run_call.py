"""One simulated call: a session, a caller with a script, a speaker, and the log of what happened.

    the listener        reads the session's events to their end, and passes them on
      mouthpiece        puts the caller's voice on the line
      loudspeaker       plays the agent's, and says what was heard when
      recorder          writes sound that has become final (real runs, or where audio is wanted)
      this task         the caller

It is the same under real and under virtual time.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import attrs
import trio

from engine.agents.agent import RealtimeAgent
from engine.caller.call_events import CallEvent
from engine.caller.player import Loudspeaker
from engine.caller.recording import Recording
from engine.caller.sender import Mouthpiece
from engine.caller.truth_marks import LineMarks
from engine.caller.turn_taking import Floor
from engine.caller.utterance import FRAME_MS
from engine.clock import NS, now_ns
from engine.errors import EngineError, SessionClosed
from engine.events import Audio, AudioEnd, AudioInterrupted, ToolApprovalRequired, UserSpeechStopped
from engine.lab.replay.recording import RecordedModel, recorded
from engine.lab.scenario.agents import agent_of, context_of
from engine.lab.scenario.distributions import Draws
from engine.lab.scenario.scenario import ScenarioFile
from engine.lab.scenario.scenario_file import ScenarioError
from engine.lab.scenario.sounds import Sounds
from engine.lab.simulate.delayed import behind
from engine.lab.simulate.oracle import ToldEars
from engine.lab.simulate.results import SessionResult
from engine.lab.simulate.scripted_caller import Moments, ScriptedCaller
from engine.lab.simulate.simulated_server import far_end
from engine.models.interface import RealtimeModel
from engine.session.runner import RealtimeRunner
from engine.session.session import RealtimeSession
from engine.settings import LatencyLog, RealtimeModelConfig, RealtimeRunConfig

LONGEST_PIECE_MS = 1000
"""Under virtual time the caller's line is sent in pieces of up to this length where nothing depends on it."""
AUDIO_FRAME_MS = 100
"""Pieces of the caller's line are joined to frames of this length, as they are in every session."""
RECORD_SECONDS = 0.5
RECORD_LATE_SECONDS = 1.0
"""How far writing stays behind: a frame of a busy computer may come a little late."""


@attrs.frozen(kw_only=True)
class Part:
    """What one session of a run is to do."""

    file: ScenarioFile
    seed: int
    number: int
    """From 0."""
    intended_start_ns: int
    """After the beginning of the run."""
    virtual: bool
    logs_to: Path
    wav: Path | None = None
    record: Path | None = None
    """A folder for a recording of the wire that can be replayed."""
    model_config: RealtimeModelConfig | None = None
    """Another far end than the local model."""
    spoken: Mapping[str, bytes] = attrs.field(factory=dict, repr=False)
    """What the caller says, in a voice, for a far end that listens."""

    @property
    def id(self) -> str:
        """Its name in the run."""
        return f"s{self.number + 1:04d}"


async def play(part: Part, *, began_ns: int) -> SessionResult:
    """Hold one call and write its log. Never raises for what the far end or the application does: that is its outcome.

    Args:
        part: what to do.
        began_ns: when the run began, on the session's clock.

    Raises:
        ScenarioError: the scenario names an agent or a file that cannot be used.
        OSError: the log cannot be written.
    """
    return await _Play(part, began_ns).run()


class _Play:
    def __init__(self, part: Part, began_ns: int) -> None:
        self._part = part
        self._began_ns = began_ns
        self._scenario = part.file.scenario
        self._sounds = Sounds(
            part.file.folder, self._scenario.caller.noise_dbfs, spoken=part.spoken, in_frames=not part.virtual
        )
        self._draws = Draws(part.seed, part.number)
        self._ears = ToldEars() if part.model_config is None else None
        self._floor = Floor()
        self._moments = Moments()
        self._recorded: RecordedModel | None = None
        self._error: EngineError | None = None
        self._conversation = trio.CancelScope()

    async def run(self) -> SessionResult:
        part = self._part
        self._sounds.prepare(self._scenario.turn)
        started_ns = now_ns()
        turns, drift_ns = 0, 0
        try:
            session = await self._session()
            async with session:
                turns, drift_ns = await self._hold(session)
        except ScenarioError:
            raise
        except EngineError as error:
            self._error = self._error or error
        return SessionResult(
            id=part.id,
            intended_start_ns=part.intended_start_ns,
            started_ns=started_ns - self._began_ns,
            lasted_ns=now_ns() - started_ns,
            outcome="completed" if self._error is None else "failed",
            error=None if self._error is None else f"{type(self._error).__name__}: {self._error}",
            turns=turns,
            drift_ms=round(drift_ns / 1_000_000, 3),
        )

    # ------------------------------------------------------------------------------------------ the parts
    async def _session(self) -> RealtimeSession[Any]:
        part, scenario = self._part, self._scenario
        model: RealtimeModel
        if self._ears is not None:
            model = far_end(scenario, self._draws, self._ears, began_ns=self._began_ns, virtual=part.virtual)
        else:
            from engine.models.openai import OpenAIRealtimeWebSocketModel

            model = behind(scenario.network, OpenAIRealtimeWebSocketModel(), self._draws)
        if part.record is not None:
            model = self._recorded = recorded(model, part.record)
        agent: RealtimeAgent[Any] = agent_of(scenario, self._draws)
        detection = {
            "type": "server_vad",
            "threshold": scenario.model.threshold,
            "silence_duration_ms": scenario.model.endpointing_ms,
        }
        runner = RealtimeRunner(
            agent,
            model=model,
            config=RealtimeRunConfig(
                model_settings={"turn_detection": detection},
                audio_frame_ms=AUDIO_FRAME_MS,
                latency_log=self._log(),
            ),
        )
        return await runner.run(context=context_of(scenario), model_config=part.model_config)

    def _log(self) -> LatencyLog:
        part = self._part
        return LatencyLog(
            path=part.logs_to,
            session=part.id,
            seed=part.seed,
            scenario=self._scenario.name,
            intended_start_ns=self._began_ns + part.intended_start_ns,
        )

    # ------------------------------------------------------------------------------------------ the call
    async def _hold(self, session: RealtimeSession[Any]) -> tuple[int, int]:
        """The call itself. Returns how often the caller spoke or typed, and the worst drift of the line."""
        part, scenario = self._part, self._scenario
        began_ns = now_ns()
        recording = None if part.wav is None else Recording(part.wav, began_ns=began_ns)
        mouthpiece = Mouthpiece(
            session.send_audio,
            self._tell,
            recording,
            began_ns=began_ns,
            background=self._sounds.background,
            longest_ms=LONGEST_PIECE_MS if part.virtual else FRAME_MS,
            grid_ms=AUDIO_FRAME_MS,
        )
        caller = ScriptedCaller(
            caller=scenario.caller,
            turns=scenario.turn,
            session=session,
            mouthpiece=mouthpiece,
            floor=self._floor,
            moments=self._moments,
            sounds=self._sounds,
            ears=self._ears,
            draws=self._draws,
        )
        self._marks = LineMarks(
            session.latency.mark, began_ns, caller.purposes, None if self._ears is None else self._ears.began
        )
        loudspeaker = Loudspeaker(self._tell, recording)
        with nullcontext() if recording is None else closing(recording):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, session, loudspeaker, mouthpiece)
                if scenario.sessions.seconds is not None:
                    self._conversation.deadline = trio.current_time() + scenario.sessions.seconds
                with self._conversation:
                    await self._converse(caller, mouthpiece, loudspeaker, recording)
                loudspeaker.finish()
                await session.close()
            if recording is not None:
                recording.advance(now_ns())
        return caller.done, mouthpiece.largest_drift_ns

    async def _converse(
        self, caller: ScriptedCaller, mouthpiece: Mouthpiece, loudspeaker: Loudspeaker, recording: Recording | None
    ) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(loudspeaker.run)
            nursery.start_soon(mouthpiece.run)
            if recording is not None:
                nursery.start_soon(_record, recording)
            try:
                await caller.call()
            except SessionClosed:
                await trio.sleep_forever()  # the listener knows why, and ends this
            nursery.cancel_scope.cancel(reason="the caller hung up")

    async def _listen(self, session: RealtimeSession[Any], loudspeaker: Loudspeaker, mouthpiece: Mouthpiece) -> None:
        """Pass on every event, to the last one."""
        try:
            async for event in session:
                if self._recorded is not None:
                    self._recorded.note(event)
                self._moments.take(event)
                self._tell(event)
                match event:
                    case Audio() | AudioEnd() | AudioInterrupted():
                        loudspeaker.take(event)
                    case UserSpeechStopped():
                        mouthpiece.relax()
                    case ToolApprovalRequired():
                        await session.approve_tool_call(event.call_id)
        except EngineError as error:
            self._error = error
        self._conversation.cancel(reason="the session is over")

    def _tell(self, event: CallEvent) -> None:
        self._marks.take(event)
        self._floor.take(event)


async def _record(recording: Recording) -> None:
    while True:
        await trio.sleep(RECORD_SECONDS)
        recording.advance(now_ns() - round(RECORD_LATE_SECONDS * NS))
