"""A scenario: who calls, what they say and when, how the server and the network behave, and what is expected of it.

Written in TOML and read into frozen classes, whose fields are its keys; a key's unit is the end of its name. What is
wrong with a file is told with its name, the line where it can be found, the path of the key and the nearest valid one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import attrs

from engine.lab.scenario.distributions import Milliseconds, Share, SlowPeriodSettings, Spread
from engine.wire.constraints import MaxLength, OneOf, Range

Arriving = Annotated[str, OneOf("at once", "poisson", "trace")]
Moment = Annotated[
    str, OneOf("agent_start", "agent_end", "tool_start", "tool_end", "audio_interrupted", "user_speech_started")
]
Count = Annotated[int, Range(1, 1_000_000)]
Seconds = Annotated[float, Range(0, 86_400)]
Words = Annotated[str, MaxLength(10_000)]
"""What somebody says in one go: a quarter of an hour."""


@attrs.frozen(kw_only=True)
class Sessions:
    """How many calls, arriving how, each how long."""

    count: Count = 1
    seconds: Seconds | None = None
    """A call is hung up after so long; without it, when the caller has nothing more to say."""
    arrive: Arriving = "at once"
    per_minute: Annotated[float, Range(0.001, 1_000_000)] | None = None
    """Of `arrive = "poisson"`: how many begin in a minute, on average."""
    at_s: tuple[Seconds, ...] | None = None
    """Of `arrive = "trace"`: when each begins; the trace is repeated if there are more sessions than times."""


@attrs.frozen(kw_only=True)
class ScenarioCaller:
    """Somebody who calls."""

    greeted: bool = True
    """The agent speaks first."""
    pause_ms: Spread = 400.0
    """How long the caller waits after the agent has finished, where a turn does not say."""
    repeats: bool = False
    """The turns begin again when they are through, until `sessions.seconds` are over."""
    noise_dbfs: Annotated[float, Range(-96, -20)] | None = None
    """Level of the noise on the caller's side of the line; without it there is none."""


@attrs.frozen(kw_only=True)
class Calls:
    """A tool that the local model calls as its answer to a turn."""

    tool: str
    arguments: Mapping[str, object] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class ScenarioTurn:
    """One thing that the caller does: says, plays, types, or keeps silent.

    Without `cuts_in_ms`, `on` and `backchannel` it is done politely: when the agent has finished, and a pause later.
    """

    says: Words | None = None
    """Words to be spoken; with `wav`, the words that the file holds."""
    wav: str | None = None
    """A file to be played, beside the scenario's."""
    types: Words | None = None
    """A text to be sent instead."""
    silence_s: Seconds | None = None
    """Nothing for so long."""
    pause_ms: Spread | None = None
    """How long to wait after the agent has finished."""
    cuts_in_ms: Spread | None = None
    """Begin when the agent has been audible for so long."""
    on: Moment | None = None
    """Begin when this happens, `after_ms` later."""
    after_ms: Spread = 0.0
    backchannel: bool = False
    """It wants no answer: the next turn is begun as if this one had not been."""
    answer: Words | None = None
    """What the local model answers, in place of its own dialogue."""
    calls: Calls | None = None
    """The tool that the local model calls first."""


@attrs.frozen(kw_only=True)
class Tool:
    """A tool of the agent's."""

    about: str = ""
    parameters: tuple[str, ...] = ()
    """Names of its parameters, which are texts."""
    latency_ms: Spread = 0.0
    result: str | Mapping[str, object] = "done"
    fails: Share = 0.0
    """How many of its calls fail."""
    when_interrupted: Annotated[str, OneOf("finish", "cancel")] = "finish"


@attrs.frozen(kw_only=True)
class Agent:
    """Who answers. The tools are the scenario's."""

    name: str = "Agent"
    instructions: str = "You answer the telephone. Be brief: people listen."
    voice: str | None = None
    use: str | None = None
    """An agent of your own instead, `module:name`, with tools of its own."""
    context: str | None = None
    """With `use`: a function without parameters, `module:name`, that makes the context object of a session."""


@attrs.frozen(kw_only=True)
class Model:
    """How the server behaves. All but the endpointing is for the local model: another one has times of its own."""

    endpointing_ms: Annotated[int, Range(1, 10_000)] = 500
    """Silence that ends the caller's turn."""
    threshold: Annotated[float, Range(0, 1)] = 0.5
    """Of the voice detection."""
    created_ms: Spread = 15.0
    """From the end of the caller's turn, or a request, to `response.created`."""
    first_token_ms: Spread = 185.0
    """From there to the first output."""
    first_audio_ms: Spread = 0.0
    """What speech synthesis takes before its first sound, beyond that."""
    token_ms: Spread = 0.0
    """Between two pieces of a text. The first audio comes with the third; 0: a text comes at once."""
    transcription_ms: Spread = 250.0
    pace: Annotated[float, Range(0.1, 1_000_000)] = 6.0
    """Seconds of audio produced in a second."""
    bad_minutes: SlowPeriodSettings | None = None


@attrs.frozen(kw_only=True)
class Network:
    """What lies between engine and model, each way. Nothing is ever lost: a WebSocket delays."""

    delay_ms: Milliseconds = 0.0
    jitter_ms: Milliseconds = 0.0
    """Median of what comes on top, lognormal."""
    jitter_sigma: Annotated[float, Range(0, 3)] = 0.5
    jitter_memory_ms: Milliseconds = 200.0
    """How long the jitter takes to forget: the time constant of its autocorrelation."""
    stall_every_s: Annotated[float, Range(0.01)] | None = None
    """How often nothing gets through, on average; without it, never."""
    stall_ms: Spread = 300.0
    """For how long. All that waited then arrives at once."""

    @property
    def silent(self) -> bool:
        """Whether it does nothing at all."""
        return not self.delay_ms and not self.jitter_ms and self.stall_every_s is None


@attrs.frozen(kw_only=True)
class Scenario:
    """A whole scenario."""

    name: str
    about: str = ""
    seed: Annotated[int, Range(0, 2**53)] = 0
    budgets: tuple[str, ...] = ()
    sessions: Sessions = attrs.field(factory=Sessions)
    caller: ScenarioCaller = attrs.field(factory=ScenarioCaller)
    turn: tuple[ScenarioTurn, ...]
    agent: Agent = attrs.field(factory=Agent)
    tool: Mapping[str, Tool] = attrs.field(factory=dict)
    model: Model = attrs.field(factory=Model)
    network: Network = attrs.field(factory=Network)


@attrs.frozen
class ScenarioFile:
    """A scenario, and where it came from."""

    scenario: Scenario
    path: Path | None
    """None: it was made by a program. Those that ship have a name, and no folder that matters."""

    @property
    def name(self) -> str:
        """What it is called in results: the file's name, without its folder."""
        return "" if self.path is None else self.path.name

    @property
    def folder(self) -> Path:
        """Where its sound files are looked for."""
        return Path() if self.path is None else self.path.parent
