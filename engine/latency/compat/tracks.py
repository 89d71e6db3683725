"""Who is heard when, in one session: what benchmarks find with a voice detector, by what the line knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from engine.latency.instants import Instant
from engine.latency.log import SessionLog
from engine.latency.open_turn import BEST_SOURCE, purpose_of, source_of
from engine.latency.turns import Purpose, Source

_S = 1e-9


@attrs.frozen
class Heard:
    """A stretch in which somebody is heard, in seconds since the session began."""

    start: float
    stop: float
    purpose: Purpose | None = None
    """Of the user's: what was meant by it."""


@attrs.frozen
class Tracks:
    """Both sides of one session, each in order of time."""

    user: tuple[Heard, ...]
    agent: tuple[Heard, ...]
    end: float
    """When the log ends."""


def tracks_of(log: SessionLog) -> Tracks:
    """Who is heard when, by the line's truth of the user and the best source of the agent's playback.

    A stretch that has no end (the log was cut short) ends with the log.
    """
    end = log.instants[-1].t * _S if log.instants else 0.0
    return Tracks(_user(log.instants, end), _agent(log.instants, end), end)


def merged(track: Sequence[Heard], gap: float) -> tuple[Heard, ...]:
    """Stretches that are no more than `gap` seconds apart become one, with the purpose of the first."""
    found: list[Heard] = []
    for heard in sorted(track, key=lambda heard: heard.start):
        if found and heard.start - found[-1].stop <= gap:
            found[-1] = attrs.evolve(found[-1], stop=max(found[-1].stop, heard.stop))
        else:
            found.append(heard)
    return tuple(found)


def _user(instants: Iterable[Instant], end: float) -> tuple[Heard, ...]:
    open_since: dict[object, Heard] = {}
    found: list[Heard] = []
    for instant in instants:
        number = instant.fields.get("turn")
        if instant.kind == "user.speech.start.truth":
            open_since[number] = Heard(instant.t * _S, end, purpose_of(instant.text("purpose")))
        elif instant.kind == "user.speech.end.truth" and number in open_since:
            found.append(attrs.evolve(open_since.pop(number), stop=instant.t * _S))
    return tuple(sorted([*found, *open_since.values()], key=lambda heard: heard.start))


def _agent(instants: Iterable[Instant], end: float) -> tuple[Heard, ...]:
    by_source: dict[Source, dict[str, Heard]] = {}
    for instant in instants:
        if instant.kind not in ("playout.start", "playout.audible", "playout.stop"):
            continue
        items = by_source.setdefault(source_of(instant.text("source")), {})
        item, t = instant.text("item") or instant.text("response") or "", instant.t * _S
        match instant.kind:
            case "playout.start":
                items.setdefault(item, Heard(t, end))
            case "playout.audible" if item in items:
                items[item] = attrs.evolve(items[item], start=t)
            case "playout.stop" if item in items:
                items[item] = attrs.evolve(items[item], stop=max(t, items[item].start))
    if not by_source:
        return ()
    best = max(by_source, key=BEST_SOURCE.__getitem__)
    return tuple(sorted(by_source[best].values(), key=lambda heard: heard.start))
