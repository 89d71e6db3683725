"""The server of a simulated call: the local model, with the scenario's times and answers."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import attrs
import trio

from engine.clock import now_ns
from engine.lab.scenario.distributions import SHARED, Draws, SlowPeriods, Spread, Stream
from engine.lab.scenario.scenario import Model, Network, Scenario
from engine.lab.simulate.network import network_pair
from engine.lab.simulate.oracle import OracleRecognizer
from engine.local.conversation.replies import Answered, CallTool, HistoryLine, PromptContext, Reply, Responder, SayText
from engine.local.dialogue.description import customer_service
from engine.local.dialogue.responder import DialogueResponder
from engine.local.host import LocalHost
from engine.local.settings.latencies import Latencies
from engine.local.settings.options import LocalOptions
from engine.local.speech.placeholder_synthesizer import tones
from engine.models.interface import ModelConnection, RealtimeModel
from engine.models.wire_connection import WireConnection
from engine.settings import RealtimeModelConfig
from engine.wire.units import NS_PER_S

UNIX_SECONDS = 1_767_225_600
"""What the wall clock shows under virtual time: the first second of 2026, always."""

AUDIO_DELTA_MS = (100, 150, 250, 500, 1000)
"""Longer than the service's towards the end of an answer: the first ones are what latency is made of, each of the
others costs as much computing, and there are many."""


def simulated_server(
    scenario: Scenario, draws: Draws, recognizer: OracleRecognizer, *, began_ns: int, virtual: bool
) -> NearbyModel:
    """The local model for one session.

    Args:
        scenario: how it behaves.
        draws: of this session.
        recognizer: what understands the caller.
        began_ns: when the run began, on the session's clock: bad minutes belong to the run.
        virtual: whether the wall clock is virtual too.
    """
    model = scenario.model
    slow_periods = SlowPeriods(model.bad_minutes, Draws(draws.seed, SHARED).stream("bad minutes"))

    def factor() -> float:
        return slow_periods.factor(now_ns() - began_ns)

    def stream(purpose: str, spread: Spread) -> Stream:
        return Stream(spread, draws.stream(f"model.{purpose}"), factor)

    opening = _Opening(stream("created_ms", model.created_ms), stream("first_token_ms", model.first_token_ms))
    options = LocalOptions(
        seed=draws.number("model") % 2**31,
        latencies=_latencies(model, opening, stream),
        audio_delta_ms=AUDIO_DELTA_MS,
        session_seconds=86_400.0,
        unix_seconds=UNIX_SECONDS if virtual else None,
    )
    synthesizer = DelayedSynthesizer(stream("first_audio_ms", model.first_audio_ms), opening)
    host = LocalHost(options, responder=ScenarioResponder(scenario, _dialogue()), speech=recognizer.parts(synthesizer))
    return NearbyModel(host, scenario.network, draws)


def _latencies(model: Model, opening: _Opening, stream: Callable[[str, Spread], Stream]) -> Latencies:
    return Latencies(
        created=_Created(opening),
        first_output=_FirstOutput(opening),
        transcription=stream("transcription_ms", model.transcription_ms),
        token=stream("token_ms", model.token_ms),
        speed=model.pace,
    )


class NearbyModel(RealtimeModel):
    """The local model in the same process, with a network in between. One conversation for each connection."""

    def __init__(self, host: LocalHost, network: Network, draws: Draws) -> None:
        super().__init__()
        self._host = host
        self._network = network
        self._draws = draws

    def connect(self, config: RealtimeModelConfig) -> AbstractAsyncContextManager[ModelConnection]:
        """See `RealtimeModel.connect`. Nothing of `config` is read."""
        return self._connect()

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[ModelConnection]:
        near, far = network_pair(self._network, self._draws)
        failure: Exception | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._host.converse, far)
            try:
                yield WireConnection(near)
            except Exception as error:  # raised again below, outside of the group that a nursery makes of it
                failure = error
            nursery.cancel_scope.cancel(reason="the session left its model")
        if failure is not None:
            raise failure


_kept: list[DialogueResponder] = []


def _dialogue() -> Responder:
    """The shipped dialogue. Reading it takes longer than a call: it is read once, and keeps nothing."""
    if not _kept:
        _kept.append(DialogueResponder(customer_service()))
    return _kept[0]


@attrs.define
class _Opening:
    """When the output of the newest response begins: what speech synthesis takes comes on top of that."""

    created: Stream
    first_token: Stream
    created_ns: int = 0
    opens_ns: int | None = None
    """None: its first sound has been made."""


@attrs.frozen
class _Created:
    """`Latencies.created`, remembered."""

    opening: _Opening

    def draw(self, rng: random.Random) -> int:
        """See `Duration.draw`."""
        takes = self.opening.created.draw(rng)
        self.opening.created_ns = now_ns() + takes
        return takes


@attrs.frozen
class _FirstOutput:
    """`Latencies.first_output`, which is drawn next, remembered."""

    opening: _Opening

    def draw(self, rng: random.Random) -> int:
        """See `Duration.draw`."""
        takes = self.opening.first_token.draw(rng)
        self.opening.opens_ns = self.opening.created_ns + takes
        return takes


@attrs.frozen
class DelayedSynthesizer:
    """The placeholder voice, which takes a while before the first sound of each response."""

    latency: Stream
    opening: _Opening

    async def speak(self, text: str, voice: str, speed: float) -> bytes:
        """See `Synthesizer.speak`."""
        opens_ns, self.opening.opens_ns = self.opening.opens_ns, None
        if opens_ns is None:
            await trio.lowlevel.checkpoint()
        else:
            await trio.sleep_until((opens_ns + self.latency.draw()) / NS_PER_S)
        return tones(text, speed=speed)


@attrs.frozen
class ScenarioResponder:
    """Answers what the scenario says, and as the shipped dialogue where it says nothing."""

    scenario: Scenario
    dialogue: Responder

    async def __call__(self, context: PromptContext) -> Reply:
        """See `Responder`."""
        last = _last_said(context)
        for turn in self.scenario.turn:
            if last is None or _normal(turn.says or turn.types or "") != last:
                continue
            answered = isinstance(context.history[-1], Answered) if context.history else False
            if turn.calls is not None and not answered:
                await trio.lowlevel.checkpoint()
                return (CallTool(turn.calls.tool, json.dumps(dict(turn.calls.arguments))),)
            if turn.answer is not None:
                await trio.lowlevel.checkpoint()
                return (SayText(turn.answer),)
        return await self.dialogue(context)


def _last_said(context: PromptContext) -> str | None:
    for each in reversed(context.history):
        if isinstance(each, HistoryLine) and each.role == "user":
            return _normal(each.text or "")
    return None


def _normal(text: str) -> str:
    return " ".join("".join(letter if letter.isalnum() else " " for letter in text.lower()).split())
