"""All other definitions at once, for a table: figure, number, and where it is defined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from engine.latency.compat import full_duplex_bench, livekit, pipecat, tau_voice
from engine.latency.compat.endpointing import silence_of
from engine.latency.compat.figures import Mean, Ratio, mean_of
from engine.latency.compat.tracks import tracks_of
from engine.latency.log import SessionLog
from engine.latency.turns import TurnRecord


@attrs.frozen
class View:
    """One figure as somebody else defines it."""

    definition: str
    """Whose, and which version."""
    name: str
    """As it is called there."""
    figure: Mean | Ratio
    """A mean in seconds, or a rate."""
    note: str
    """What to know before it is compared."""


def views(logs: Sequence[SessionLog], turns: Sequence[TurnRecord]) -> tuple[View, ...]:
    """Every figure of every definition over a whole run."""
    return (
        *_full_duplex_bench(logs, turns),
        *_tau_voice(logs),
        *_frameworks({log.header.session: silence_of(log.header) for log in logs}, turns),
    )


def _full_duplex_bench(logs: Sequence[SessionLog], turns: Sequence[TurnRecord]) -> tuple[View, ...]:
    found: list[View] = []
    tasks = {
        "smooth turn taking": full_duplex_bench.smooth_turn_taking,
        "user interruption": full_duplex_bench.user_interruption,
    }
    for task, evaluate in tasks.items():
        figures = evaluate(turns)
        of = "Full-Duplex-Bench 1.0"
        found.append(View(of, f"TOR, {task}", figures.takeover_rate, "answers of a second or more"))
        note = f"answered turns only; {figures.clamped} below zero count as 0"
        found.append(View(of, f"latency, {task}", figures.latency, note))
    timed = [full_duplex_bench.overlaps_and_gaps(tracks_of(log)) for log in logs]
    stops = mean_of([value for each in timed for value in each.stop_latencies])
    gaps = mean_of([value for each in timed for value in each.response_latencies])
    return (
        *found,
        View("Full-Duplex-Bench 1.5", "stop latency", stops, "every overlap of the two tracks"),
        View("Full-Duplex-Bench 1.5", "response latency", gaps, "shortest gap to each beginning of the model's"),
    )


def _tau_voice(logs: Sequence[SessionLog]) -> tuple[View, ...]:
    panel = tau_voice.panel(tracks_of(log) for log in logs)
    rows: tuple[tuple[str, Mean | Ratio, str], ...] = (
        ("L_R response latency", panel.response_latency, "ticks of 0.2 s; answered turns only"),
        ("R_R response rate", panel.response_rate, "a last turn that nobody follows does not count"),
        ("L_Y yield latency", panel.yield_latency, "ticks of 0.2 s; yields within 2.0 s only"),
        ("R_Y yield rate", panel.yield_rate, "within 2.0 s"),
        ("I_A agent interruptions", panel.agent_interruptions, "per turn of the user's; may exceed 1"),
        ("S_BC backchannels talked through", panel.backchannels, "no yield within 1.0 s"),
        ("S_VT vocal tics ignored", panel.vocal_tics, "our noises"),
    )
    return tuple(View("tau-voice 1.1", *row) for row in rows)


def _frameworks(silences: Mapping[str, float], turns: Sequence[TurnRecord]) -> tuple[View, ...]:
    def mean(of: Callable[[TurnRecord, float], float | None]) -> Mean:
        values = (of(turn, silences.get(turn.session, 0.0)) for turn in turns)
        return mean_of([value for value in values if value is not None])

    back_dated = "from the server's decision, back-dated by its silence"
    return (
        View("pipecat 1.14", "user-bot latency", mean(pipecat.user_bot_latency), back_dated),
        View("LiveKit 1.8", "e2e_latency", mean(livekit.e2e_latency), back_dated),
        View("LiveKit 1.8", "end_of_turn_delay", mean(livekit.end_of_turn_delay), back_dated),
        View("LiveKit 1.8", "transcription_delay", mean(livekit.transcription_delay), "0 where no end was noticed"),
        View(
            "LiveKit 1.8", "RealtimeModel ttft", mean(lambda turn, _: livekit.realtime_ttft(turn)), "-1 without audio"
        ),
    )
