"""A recorded session, played again to a program, in virtual time.

The server says what it said, when it said it, as soon as what it answered has been sent; the application does what it
did. Everything between the two is the program's: this engine, an agent, its tools. What it sends and what the
application gets to see is held against the recording.

Without an agent of its own a replay makes one of the recorded settings, whose tools answer as they did. Recordings of
other clients have words of their own for the same things: of those only the kinds of what is sent are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

import attrs
import trio

from engine.agents.agent import RealtimeAgent
from engine.audio.samples import SampleCutter
from engine.errors import EngineError, LogError, SessionClosed, TransportClosed
from engine.events import ToolApprovalRequired
from engine.lab.replay.agent import stand_in
from engine.lab.replay.diff import Mismatch, first_difference
from engine.lab.replay.event_data import NOT_COMPARED, event_data
from engine.lab.replay.inputs import APPEND, Act, acts_of
from engine.lab.replay.recorded_call import RecordedCall, RecordedLine
from engine.lab.replay.replayed_server import PATIENCE_SECONDS, STEP_NS, RecordedServer, control_of
from engine.outside.json_text import parse_json
from engine.secret.value import HIDDEN, Secret
from engine.session.runner import RealtimeRunner
from engine.session.session import RealtimeSession
from engine.settings import RealtimeRunConfig
from engine.testing.virtual_time import VirtualClock, fixed_schedule
from engine.wire.client_decoding import decode_client
from engine.wire.client_events import InputAudioBufferAppend
from engine.wire.codec import encode_client
from engine.wire.units import NS_PER_S

SETTLE_SECONDS = 1.0
"""After the last event the session stays open for so long."""
_AGENTS_OWN = ("type", "object", "id", "instructions", "tools", "prompt")
"""Of the recorded settings: what the agent says itself."""


@attrs.frozen(kw_only=True)
class Replayed:
    """What came of a replay."""

    differences: tuple[Mismatch, ...]
    """At most one of each kind: the first."""
    missing: str | None
    """What the server waited for in vain; None: nothing."""
    sent: int
    """How many events were sent, but for audio."""
    events: int
    """How many events the application took."""
    notes: tuple[str, ...]
    """What was not compared, and why."""

    @property
    def same(self) -> bool:
        """The program does what it did."""
        return not self.differences and self.missing is None


def replay(call: RecordedCall, agent: RealtimeAgent[Any] | None = None, *, tolerance_ms: float = 50.0) -> Replayed:
    """Play a recording to a program.

    Args:
        call: the recording.
        agent: the program's; None: one that is made of the recorded settings.
        tolerance_ms: by how much positions in sound may differ.

    Raises:
        SettingsError: the agent cannot be used with the recorded settings.
        LogError: no settings stand where they should.
    """
    server = RecordedServer(call)
    with fixed_schedule(0):
        events, failure = trio.run(_perform, call, server, agent, clock=VirtualClock())
    notes = [] if failure is None else [f"the session ended with {type(failure).__name__}: {failure}"]
    notes += [] if call.partial is None else [f"the recording is partial: {call.partial}"]
    differences = [_in_sent(call, server, agent, tolerance_ms, notes)]
    if call.header is not None:
        differences.append(_in_audio(call, server))
    if call.events:
        was = [(taken.number, taken.data) for taken in call.events if taken.data["type"] not in NOT_COMPARED]
        differences.append(first_difference("events", was, events, tolerance_ms=tolerance_ms))
    else:
        notes.append("the recording does not have the application's events")
    return Replayed(
        differences=tuple(difference for difference in differences if difference is not None),
        missing=server.missing,
        sent=len(server.sent),
        events=len(events),
        notes=tuple(notes),
    )


# ------------------------------------------------------------------------------------------------ comparing
def _in_sent(
    call: RecordedCall, server: RecordedServer, agent: object, tolerance_ms: float, notes: list[str]
) -> Mismatch | None:
    recorded = [(line.number, dict(line.data)) for line in control_of(call) if isinstance(line.data, Mapping)]
    recorded = [(number, without_hidden(data)) for number, data in recorded]
    now = [without_hidden(parse_json(encode_client(event, Secret.shown))) for event in server.sent]
    if agent is None:
        recorded, now = _without_handoffs(recorded, notes), _without_handoffs_now(now)
    if call.header is None:
        notes.append("another client made the recording: of what is sent only the kinds are compared")
        was: list[tuple[int, object]] = [(number, data["type"]) for number, data in recorded]
        return first_difference("sent", was, [data["type"] for data in now], tolerance_ms=0)
    cleaned: list[tuple[int, object]] = [(number, _plain(data)) for number, data in recorded]
    return first_difference("sent", cleaned, [_plain(data) for data in now], tolerance_ms=tolerance_ms)


def without_hidden(value: Any) -> Any:
    """Return JSON data without what stands for secrets, which older recordings left out."""
    if isinstance(value, dict):
        kept = {name: without_hidden(each) for name, each in value.items() if each != HIDDEN}
        return {name: each for name, each in kept.items() if each or not value[name]}
    return [without_hidden(each) for each in value] if isinstance(value, list) else value


def _without_handoffs(recorded: list[tuple[int, dict[str, Any]]], notes: list[str]) -> list[tuple[int, dict[str, Any]]]:
    updates = [number for number, data in recorded if data["type"] == "session.update"]
    if len(updates) > 1:
        notes.append("the settings change during the call: name the agent to compare them, too")
    return [each for each in recorded if each[1]["type"] != "session.update" or each[0] == updates[0]]


def _without_handoffs_now(now: list[dict[str, Any]]) -> list[dict[str, Any]]:
    updates = [index for index, data in enumerate(now) if data["type"] == "session.update"]
    return [data for index, data in enumerate(now) if data["type"] != "session.update" or index == updates[0]]


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name != "event_id"}


def _in_audio(call: RecordedCall, server: RecordedServer) -> Mismatch | None:
    digest = sha256()
    for act in acts_of(call):
        if act.line.type == APPEND and isinstance(act.line.data, Mapping):
            digest.update(_audio_of(act.line))
    was, now = digest.hexdigest()[:16], server.heard.hexdigest()[:16]
    return None if was == now else Mismatch("audio", 0, None, "sha256", was, now)


def _audio_of(line: RecordedLine) -> bytes:
    event = decode_client(line.message)
    return event.audio if isinstance(event, InputAudioBufferAppend) else b""


# ------------------------------------------------------------------------------------------------ the program
async def _perform(
    call: RecordedCall, server: RecordedServer, agent: RealtimeAgent[Any] | None
) -> tuple[list[dict[str, object]], EngineError | None]:
    session = await _session(call, server, agent)
    events: list[dict[str, object]] = []
    failure: EngineError | None = None
    patience = trio.move_on_after(_longest_seconds(call))
    try:
        with patience:
            async with session, trio.open_nursery() as nursery:
                nursery.start_soon(_listen, session, events)
                with suppress(SessionClosed):
                    await _act(session, server, acts_of(call))
                await session.close()
    except* EngineError as group:
        failure = next(error for error in group.exceptions if isinstance(error, EngineError))
    if patience.cancelled_caught:
        server.missing = server.missing or "the session did not come to the end of the recording"
    return events, failure


def _longest_seconds(call: RecordedCall) -> float:
    """How long a replay may take, in virtual time: as long as the recording, and the server's patience for all that was
    sent in it."""
    last_ns = max((line.t for line in call.lines if line.t is not None), default=0)
    steps = len(call.lines) * STEP_NS
    return (last_ns + steps) / NS_PER_S + PATIENCE_SECONDS * (len(control_of(call)) + 1) + SETTLE_SECONDS


async def _act(session: RealtimeSession[Any], server: RecordedServer, acts: Sequence[Act]) -> None:
    cutter = SampleCutter(session.input_format.bytes_per_sample)
    for act in acts:
        while server.delivered < act.after:
            await server.news.park()
        if act.line.t is not None:
            await trio.sleep_until((server.began_ns + act.line.t + server.lag_ns) / NS_PER_S)
        await act.do(session, cutter)
    # Half a sample at the end, of a recording that was shortened, cannot be sent: that is no difference.
    server.heard.update(cutter.kept)
    while not server.finished:
        await server.news.park()
    await trio.sleep(SETTLE_SECONDS)


async def _listen(session: RealtimeSession[Any], events: list[dict[str, object]]) -> None:
    try:
        async for event in session:
            if event.type not in NOT_COMPARED:
                events.append(event_data(event))
            if isinstance(event, ToolApprovalRequired):
                await session.approve_tool_call(event.call_id)
    except TransportClosed:
        return


async def _session(
    call: RecordedCall, server: RecordedServer, agent: RealtimeAgent[Any] | None
) -> RealtimeSession[Any]:
    settings = _recorded_settings(call)
    kept = {name: value for name, value in settings.items() if name not in _AGENTS_OWN}
    longest = max((len(_audio_of(line)) for line in call.of("sent") if line.type == APPEND), default=0)
    config = RealtimeRunConfig(model_settings=kept, audio_frame_ms=1 if longest else 20)
    return await RealtimeRunner(agent or stand_in(call, settings), model=server, config=config).run()


def _recorded_settings(call: RecordedCall) -> Mapping[str, Any]:
    for line in call.of("sent"):
        if line.type == "session.update" and isinstance(line.data, Mapping):
            settings = line.data.get("session")
            if not isinstance(settings, Mapping):
                raise LogError(str(call.path), line.number, "a session.update without settings")
            return settings
    return {}
