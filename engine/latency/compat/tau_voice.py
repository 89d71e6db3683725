"""The interaction panel of tau-voice (arXiv 2603.13686; docs/interaction-metrics.md, version 1.1), from our logs.

It lives in ticks of 200 ms, in each of which either side is heard or not; so every one of its numbers is a multiple of
0.2 s. A tick counts as spoken if any part of it is. What follows from its rules, and holds here too:

- an unanswered turn has no latency, and the last turn of a call, if nobody speaks after it, does not count at all;
- the user who speaks again before the agent does has had no answer, however soon it would have come;
- an agent that yields in the tick in which it is interrupted has a yield latency of 0.0;
- the agent can interrupt one turn several times: that rate may exceed 1.

Departures: our calls have no text marker for their end, so only a single last tick of the user's is taken out, as
there; noises stand for vocal tics; there is no non-directed speech in our scenarios, so S_ND is left out. Vocal tics
in a silence are judged within user speech only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import attrs

from engine.latency.compat.figures import Mean, Ratio, mean_of
from engine.latency.compat.tracks import Heard, Tracks
from engine.latency.turns import Purpose

TICK_S = 0.2
_YIELD_TICKS = 10
"""2.0 s: how soon the agent must fall silent after an interruption."""
_SELECTIVE_TICKS = 5
"""1.0 s: falling silent so soon after a backchannel or a tic is an error."""
_RESPONSE_TICKS = 10
"""2.0 s: speaking so soon after a tic in silence is an error."""
FEWEST_EVENTS = 10
"""The leaderboard shows no rate of fewer."""


@attrs.frozen
class Panel:
    """The panel of one or more sessions; times in seconds."""

    response_latency: Mean
    """L_R: end of the user's turn to the start of the agent's response, of those that were answered."""
    yield_latency: Mean
    """L_Y: start of an interruption to the agent's silence, of those within 2.0 s."""
    response_rate: Ratio
    """R_R."""
    yield_rate: Ratio
    """R_Y."""
    agent_interruptions: Ratio
    """I_A: the agent began while the user spoke, per turn of the user's that wants an answer."""
    backchannels: Ratio
    """S_BC: the agent talked through."""
    vocal_tics: Ratio
    """S_VT: the agent took no notice."""


@attrs.frozen
class _Segment:
    start: int
    stop: int
    """The first tick in which it is over."""
    purpose: Purpose | None
    other_at_start: bool
    other_at_stop: bool


@attrs.define
class _Events:
    """What is counted, over all sessions."""

    responses: list[int] = attrs.field(factory=list)
    unanswered: int = 0
    yields: list[int] = attrs.field(factory=list)
    stubborn: int = 0
    agent_interruptions: int = 0
    selective: dict[Purpose, list[bool]] = attrs.field(factory=lambda: {"backchannel": [], "noise": []})


def panel(sessions: Iterable[Tracks]) -> Panel:
    """The panel over all sessions together, as theirs is over all simulations of a domain."""
    events = _Events()
    for tracks in sessions:
        _count(tracks, events)
    answered, wanted = len(events.responses), len(events.responses) + events.unanswered
    yielded = len(events.yields)
    correct = {purpose: Ratio(sum(right), len(right)) for purpose, right in events.selective.items()}
    return Panel(
        response_latency=mean_of([ticks * TICK_S for ticks in events.responses]),
        yield_latency=mean_of([ticks * TICK_S for ticks in events.yields]),
        response_rate=Ratio(answered, wanted),
        yield_rate=Ratio(yielded, yielded + events.stubborn),
        agent_interruptions=Ratio(events.agent_interruptions, wanted),
        backchannels=correct["backchannel"],
        vocal_tics=correct["noise"],
    )


def _count(tracks: Tracks, events: _Events) -> None:
    ticks = math.ceil(round(tracks.end / TICK_S, 6))
    user, agent = _spoken(tracks.user, ticks), _spoken(tracks.agent, ticks)
    if ticks > 1 and user[-1] and not user[-2]:
        ticks -= 1
        del user[-1], agent[-1]
    users = _segments(user, agent, tracks.user)
    agents = _segments(agent, user, ())
    _responses(users, agents, events)
    events.agent_interruptions += sum(segment.other_at_start for segment in agents)
    for segment in users:
        if segment.other_at_start:
            _interruption(segment, agent, events)
        elif segment.purpose == "noise":
            answered = any(segment.start <= each.start <= segment.stop + _RESPONSE_TICKS for each in agents)
            events.selective["noise"].append(not answered)


def _responses(users: Sequence[_Segment], agents: Sequence[_Segment], events: _Events) -> None:
    turns = [segment for segment in users if segment.purpose != "backchannel" and not segment.other_at_stop]
    for at, turn in enumerate(turns):
        answer = next((agent.start for agent in agents if agent.start >= turn.stop), None)
        again = turns[at + 1].start if at + 1 < len(turns) else None
        if answer is not None and (again is None or answer <= again):
            events.responses.append(answer - turn.stop)
        elif again is not None:
            events.unanswered += 1


def _interruption(segment: _Segment, agent: Sequence[bool], events: _Events) -> None:
    selective = segment.purpose in ("backchannel", "noise")
    within = _SELECTIVE_TICKS if selective else _YIELD_TICKS
    silent = next((at for at in range(segment.start, min(segment.start + within, len(agent))) if not agent[at]), None)
    if segment.purpose in ("backchannel", "noise"):
        events.selective[segment.purpose].append(silent is None)
    elif silent is None:
        events.stubborn += 1
    else:
        events.yields.append(silent - segment.start)


def _spoken(track: Sequence[Heard], ticks: int) -> list[bool]:
    spoken = [False] * ticks
    for heard in track:
        first, last = math.floor(round(heard.start / TICK_S, 6)), math.ceil(round(heard.stop / TICK_S, 6))
        for tick in range(first, min(max(last, first + 1), ticks)):
            spoken[tick] = True
    return spoken


def _segments(spoken: Sequence[bool], other: Sequence[bool], track: Sequence[Heard]) -> list[_Segment]:
    """Runs of spoken ticks. The purpose is that of what was begun in the first tick."""
    found: list[_Segment] = []
    start: int | None = None
    for tick in range(len(spoken) + 1):
        here = tick < len(spoken) and spoken[tick]
        if here and start is None:
            start = tick
        elif not here and start is not None:
            at_stop = tick < len(other) and other[tick]
            found.append(_Segment(start, tick, _purpose(track, start), other[start], at_stop))
            start = None
    return found


def _purpose(track: Sequence[Heard], tick: int) -> Purpose | None:
    begin, end = tick * TICK_S, (tick + 1) * TICK_S
    return next((heard.purpose for heard in track if heard.start < end and heard.stop > begin), None)
