"""Tick mode: for harnesses that drive time themselves.

    async def main() -> None:
        async with open_ticks(agent) as call:
            while not harness.done:
                heard = await call.tick(harness.next_audio(200), 200)
                harness.listen(heard.audio)
                for event in heard.events:
                    harness.note(event)
                harness.spent(heard.usage)

    run_ticks(main)

A tick takes what the user says in the next so many milliseconds, lets exactly that time pass, and gives what happened
in it: the session's events, the audio that the user would have heard, and what the conversation has cost so far.
Between ticks time stands still, however long the harness thinks, and a call is the same each time: that takes
`run_ticks`, and a model in the same process. Under `trio.run` ticks pass in real time, and any model will do.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import attrs
import trio
from trio.abc import Clock
from trio.testing import active_thread_count, wait_all_tasks_blocked, wait_all_threads_completed

from engine.agents.agent import RealtimeAgent
from engine.audio.samples import samples_of
from engine.caller.item_sound import Heard, ItemSound
from engine.caller.output_format import OutputFormat
from engine.caller.play_queue import PlayQueue, QueuedItem
from engine.caller.recording import Track
from engine.caller.utterance import FRAME_MS
from engine.clock import now_ns
from engine.errors import AudioError, EngineError
from engine.events import Audio, AudioEnd, AudioInterrupted, RealtimeSessionEvent
from engine.lab.scenario.agents import agent_of
from engine.lab.scenario.distributions import Draws
from engine.lab.scenario.scenario import Scenario
from engine.lab.simulate.oracle import OracleRecognizer
from engine.lab.simulate.simulated_server import simulated_server
from engine.models.interface import RealtimeModel
from engine.session.runner import RealtimeRunner
from engine.session.session import RealtimeSession
from engine.settings import RealtimeRunConfig
from engine.testing.virtual_time import fixed_schedule
from engine.wire.formats import PCM16
from engine.wire.response import Usage
from engine.wire.units import NS_PER_MS, NS_PER_S

T = TypeVar("T")

_WAIT_SECONDS = 60.0
_SAMPLES_PER_MS = PCM16.rate // 1000
_FRAME_BYTES = PCM16.bytes_of(FRAME_MS)


def run_ticks(main: Callable[[], Awaitable[T]], *, seed: int = 0) -> T:
    """Run a harness whose ticks are all the time there is. `seed` fixes the order of tasks that are ready together."""
    with fixed_schedule(seed):
        return trio.run(main, clock=TickClock())


class TickClock(Clock):
    """A clock that goes only as far as ticks let it."""

    def __init__(self) -> None:
        self._now = self._until = 0.0

    def start_clock(self) -> None:
        """See `Clock.start_clock`."""

    def current_time(self) -> float:
        """See `Clock.current_time`."""
        return self._now

    def let_pass(self, until: float) -> None:
        """Time may go on until this moment."""
        self._until = max(self._until, until)

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """See `Clock.deadline_to_sleep_time`. Trio asks when every task waits."""
        if self._now < deadline <= self._until:
            if active_thread_count():
                return _WAIT_SECONDS
            self._now = deadline
        return 0.0 if deadline <= self._now else _WAIT_SECONDS


@attrs.frozen(kw_only=True)
class Tick:
    """What happened in one tick."""

    ends_ms: int
    """Milliseconds since the call began."""
    events: tuple[RealtimeSessionEvent, ...]
    """In order, each with its own time (`at_ns`)."""
    audio: bytes = attrs.field(repr=False)
    """What the user heard, as long as the tick: mono 16-bit PCM at 24 kHz, silence where the agent said nothing. An
    interruption cuts it where it happened."""
    usage: Usage
    """Of the conversation so far."""


class TickSession:
    """A call that moves by ticks. Made by `open_ticks`."""

    def __init__(self, session: RealtimeSession[Any], recognizer: OracleRecognizer | None) -> None:
        self.session = session
        """For everything else that an application does: `send_message`, `respond`, `interrupt` and so on."""
        self._recognizer = recognizer
        self._began_ns = self._now_ns = now_ns()
        self._events: list[RealtimeSessionEvent] = []
        self._heard = Track()
        self._output_format = OutputFormat(session.output_format)
        self._queue = PlayQueue(lambda: self._output_format.current)
        self._sounds: dict[QueuedItem, ItemSound] = {}
        self._over: EngineError | None = None
        self._ended = False

    async def tick(self, user_audio: bytes = b"", ms: int = 200, *, says: str | None = None) -> Tick:
        """Let `ms` milliseconds pass.

        Args:
            user_audio: what the user says in them: mono 16-bit PCM at 24 kHz, at most `ms` long; what is missing is
                silence.
            ms: a multiple of 20.
            says: words that begin with this audio, for a server that cannot hear (the local model without speech). A
                longer utterance names them with its first tick only.

        Raises:
            AudioError: the audio is longer than the tick, or `ms` is no multiple of 20.
            SessionClosed: the conversation was over before this tick.
            EngineError: it broke off in this tick.
        """
        if ms <= 0 or ms % FRAME_MS:
            raise AudioError(f"a tick is a multiple of {FRAME_MS} ms, not {ms}")
        if len(user_audio) > PCM16.bytes_of(ms):
            raise AudioError(f"{PCM16.ms_of(len(user_audio))} ms of audio do not fit into a tick of {ms} ms")
        samples_of(user_audio)
        if says is not None and self._recognizer is not None:
            self._recognizer.told(says)
            self._recognizer.began((self._now_ns - self._began_ns) / NS_PER_MS)
        spoken = user_audio.ljust(PCM16.bytes_of(ms), b"\0")
        for start in range(0, len(spoken), _FRAME_BYTES):
            self._now_ns += FRAME_MS * NS_PER_MS
            await _until(self._now_ns)
            if not self._ended:
                await self.session.send_audio(spoken[start : start + _FRAME_BYTES], rate=PCM16.rate)
        await _settle()
        if self._over is not None:
            raise self._over
        return self._take()

    def _take(self) -> Tick:
        elapsed_ms = (self._now_ns - self._began_ns) // NS_PER_MS
        events, self._events = tuple(self._events), []
        audio = self._heard.take_until(elapsed_ms * _SAMPLES_PER_MS)
        return Tick(ends_ms=elapsed_ms, events=events, audio=audio, usage=self.session.usage)

    def _position(self, at_ns: int) -> int:
        """Return a moment in samples since the call began."""
        return max(0, (at_ns - self._began_ns) * PCM16.rate // NS_PER_S)

    async def listen(self) -> None:
        """Take events as they come, at the moment at which they come."""
        try:
            async for event in self.session:
                self._events.append(event)
                self._output_format.on_event(event)
                now = now_ns()
                match event:
                    case Audio():
                        placed = self._queue.add(event, now)
                        if placed.item not in self._sounds:
                            self._sounds[placed.item] = ItemSound(placed.item)
                        self._hear(self._sounds[placed.item].piece(placed, event.data))
                    case AudioEnd():
                        if (item := self._queue.complete(event)) is not None:
                            self._hear(self._sounds[item].rest())
                    case AudioInterrupted():
                        self._queue.flush(now)
                        self._sounds.clear()
                        self._heard.silence_from(self._position(now))
                for item in self._queue.remove_finished(now):
                    del self._sounds[item]
        except EngineError as error:
            self._over = error
        self._ended = True

    def _hear(self, heard: Heard) -> None:
        if heard.pcm:
            self._heard.follow(self._position(heard.begins_ns), heard.pcm, tolerance=0)


@asynccontextmanager
async def open_ticks(
    agent: RealtimeAgent[Any] | None = None,
    *,
    scenario: Scenario | None = None,
    model: RealtimeModel | None = None,
    seed: int = 0,
    context: object = None,
    config: RealtimeRunConfig | Mapping[str, object] | None = None,
) -> AsyncIterator[TickSession]:
    """A call that moves by ticks.

    Args:
        agent: who answers; None: the scenario's.
        scenario: how the local model, its tools and the network behave; None: as usual. Its turns are not played.
        model: another model than the local one.
        seed: of what the local model draws.
        context: the application's own object.
        config: settings of the run.

    Raises:
        ConnectRefused, SettingsError: see `RealtimeSession.__aenter__`.
    """
    world = scenario or Scenario(name="ticks", turn=())
    draws = Draws(seed, 0)
    recognizer = None if model is not None else OracleRecognizer()
    if recognizer is not None:
        virtual = isinstance(trio.lowlevel.current_clock(), TickClock)
        model = simulated_server(world, draws, recognizer, began_ns=now_ns(), virtual=virtual)
    runner = RealtimeRunner(agent or agent_of(world, draws), model=model, config=config)
    session = await runner.run(context=context)
    failure: Exception | None = None
    async with session, trio.open_nursery() as nursery:
        call = TickSession(session, recognizer)
        nursery.start_soon(call.listen)
        try:
            yield call
        except Exception as error:  # raised again below, outside of the group that a nursery makes of it
            failure = error
        nursery.cancel_scope.cancel(reason="the harness has finished")
        if isinstance(clock := trio.lowlevel.current_clock(), TickClock):
            clock.let_pass(math.inf)  # a goodbye takes its time
    if failure is not None:
        raise failure


async def _until(moment_ns: int) -> None:
    clock = trio.lowlevel.current_clock()
    if isinstance(clock, TickClock):
        clock.let_pass(moment_ns / NS_PER_S)
    await trio.sleep_until(moment_ns / NS_PER_S)


async def _settle() -> None:
    """Let everybody do what is to be done at this very moment, in threads too."""
    if not isinstance(trio.lowlevel.current_clock(), TickClock):
        return
    while True:
        await wait_all_threads_completed()
        await wait_all_tasks_blocked()
        if not active_thread_count():
            return
