"""One simulated call: the session and its agent, the model behind its network, the caller, and the result.

It is the same under real and under virtual time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from engine.agents.agent import RealtimeAgent
from engine.caller.call import CallHarness, no_recording
from engine.caller.call_events import CallBegan, CallerSpeechBegan, CallEvent, OwnEvent, Tell
from engine.caller.recording import Recording
from engine.caller.sender import Pacing
from engine.caller.truth_marks import position_ms
from engine.caller.utterance import FRAME_MS
from engine.clock import now_ns
from engine.errors import EngineError
from engine.lab.replay.recording import RecordedModel, recorded
from engine.lab.scenario.agents import agent_of, context_of
from engine.lab.scenario.distributions import Draws
from engine.lab.scenario.scenario import ScenarioFile
from engine.lab.scenario.scenario_file import ScenarioError
from engine.lab.scenario.sounds import Sounds
from engine.lab.simulate.delayed import behind
from engine.lab.simulate.oracle import OracleRecognizer
from engine.lab.simulate.results import SessionResult
from engine.lab.simulate.scripted_caller import Moments, ScriptedCaller
from engine.lab.simulate.simulated_server import simulated_server
from engine.models.interface import ModelCapabilities, RealtimeModel
from engine.session.runner import RealtimeRunner
from engine.session.session import RealtimeSession
from engine.settings import LatencyLog, RealtimeModelConfig, RealtimeRunConfig
from engine.wire.units import NS_PER_MS

LONGEST_PIECE_MS = 1000
"""Under virtual time the caller's line is sent in pieces of up to this length where nothing depends on it."""
AUDIO_FRAME_MS = 100
"""Pieces of the caller's line are joined to frames of this length, as they are in every session."""


@attrs.frozen(kw_only=True)
class CallSpec:
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
    """Another model than the local one."""
    capabilities: ModelCapabilities = attrs.field(factory=ModelCapabilities)
    """Of its server."""
    spoken: Mapping[str, bytes] = attrs.field(factory=dict, repr=False)
    """What the caller says, in a voice, for a server that listens."""

    @property
    def id(self) -> str:
        """Its name in the run."""
        return f"s{self.number + 1:04d}"


async def run_call(spec: CallSpec, *, began_ns: int) -> SessionResult:
    """Hold one call and write its log. Never raises for what the server or the application does: that is its outcome.

    Args:
        spec: what to do.
        began_ns: when the run began, on the session's clock.

    Raises:
        ScenarioError: the scenario names an agent or a file that cannot be used.
        OSError: the log cannot be written.
    """
    return await CallRun(spec, began_ns).run()


class CallRun:
    """Holds one call of a run, once, and tells how it ended."""

    def __init__(self, spec: CallSpec, began_ns: int) -> None:
        self._spec = spec
        self._began_ns = began_ns
        self._scenario = spec.file.scenario
        self._sounds = Sounds(
            spec.file.folder, self._scenario.caller.noise_dbfs, spoken=spec.spoken, in_frames=not spec.virtual
        )
        self._draws = Draws(spec.seed, spec.number)
        self._recognizer = OracleRecognizer() if spec.model_config is None else None
        self._moments = Moments()
        self._recorded: RecordedModel | None = None

    async def run(self) -> SessionResult:
        spec = self._spec
        self._sounds.prepare(self._scenario.turn)
        started_ns = now_ns()
        caller = self._caller()
        error: EngineError | None = None
        drift_ns = 0
        try:
            outcome = await self._harness(await self._session(), caller).run()
            error, drift_ns = outcome.failure, outcome.largest_drift_ns
        except ScenarioError:
            raise
        except EngineError as failed:
            error = failed
        return SessionResult(
            id=spec.id,
            intended_start_ns=spec.intended_start_ns,
            started_ns=started_ns - self._began_ns,
            lasted_ns=now_ns() - started_ns,
            outcome="completed" if error is None else "failed",
            error=None if error is None else f"{type(error).__name__}: {error}",
            turns=caller.done,
            drift_ms=round(drift_ns / NS_PER_MS, 3),
        )

    # ------------------------------------------------------------------------------------------ what it is made of
    def _caller(self) -> ScriptedCaller:
        return ScriptedCaller(
            caller=self._scenario.caller,
            turns=self._scenario.turn,
            moments=self._moments,
            sounds=self._sounds,
            recognizer=self._recognizer,
            draws=self._draws,
        )

    async def _session(self) -> RealtimeSession[Any]:
        spec, scenario = self._spec, self._scenario
        model: RealtimeModel
        if self._recognizer is not None:
            model = simulated_server(
                scenario, self._draws, self._recognizer, began_ns=self._began_ns, virtual=spec.virtual
            )
        else:
            from engine.models.openai import OpenAIRealtimeWebSocketModel

            model = behind(scenario.network, OpenAIRealtimeWebSocketModel(capabilities=spec.capabilities), self._draws)
        if spec.record is not None:
            model = self._recorded = recorded(model, spec.record)
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
        return await runner.run(context=context_of(scenario), model_config=spec.model_config)

    def _log(self) -> LatencyLog:
        spec = self._spec
        return LatencyLog(
            path=spec.logs_to,
            session=spec.id,
            seed=spec.seed,
            scenario=self._scenario.name,
            intended_start_ns=self._began_ns + spec.intended_start_ns,
        )

    # ------------------------------------------------------------------------------------------ the call
    def _harness(self, session: RealtimeSession[Any], caller: ScriptedCaller) -> CallHarness:
        seconds, wav = self._scenario.sessions.seconds, self._spec.wav
        return CallHarness(
            session=session,
            caller=caller,
            model_name=self._scenario.name,
            open_recording=no_recording if wav is None else lambda began_ns: Recording(wav, began_ns=began_ns),
            watchers=tuple(self._watchers()),
            greets=self._scenario.caller.greeted,
            approves=True,
            pacing=Pacing(
                background=self._sounds.background,
                longest_ms=LONGEST_PIECE_MS if self._spec.virtual else FRAME_MS,
                grid_ms=AUDIO_FRAME_MS,
            ),
            time_limit=math.inf if seconds is None else seconds,
        )

    def _watchers(self) -> Iterator[Tell]:
        if self._recorded is not None:
            yield partial(_note, self._recorded)
        yield self._moments.on_event
        if self._recognizer is not None:
            yield SpeechPlaces(self._recognizer).on_event


@attrs.define
class SpeechPlaces:
    """Tells the recognizer where in the audio each utterance begins."""

    recognizer: OracleRecognizer
    _began_ns: int = attrs.field(default=0, init=False)

    def on_event(self, event: CallEvent) -> None:
        """Tell the recognizer, if the event is the beginning of words that are known."""
        match event:
            case CallBegan():
                self._began_ns = event.at_ns
            case CallerSpeechBegan() if event.text:
                self.recognizer.began(position_ms(event.at_ns, self._began_ns))


def _note(recorded: RecordedModel, event: CallEvent) -> None:
    """Record an event of the session's; those of the caller's end are no part of a recording."""
    if not isinstance(event, OwnEvent):
        recorded.note(event)
