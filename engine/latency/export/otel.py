"""Turns as OpenTelemetry spans and metrics: conversation > turn > model and tools, with times from the log.

Spans are made after the fact, through any tracer of the SDK that takes start and end times; metrics through any meter.
A log of virtual time has no wall clock: its conversations begin at the epoch, 1970, and that is no mistake.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from engine.latency.export.otel_names import DEFAULT, PREFIX, VERSIONS, Names
from engine.latency.log import LogHeader
from engine.latency.metrics import METRICS, metrics_of
from engine.latency.turns import ToolSpan, TurnRecord
from engine.wire.units import NS_PER_MS, NS_PER_S

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Span, Tracer
    from opentelemetry.util.types import AttributeValue

DURATION_BOUNDS = tuple(0.01 * 2**doubling for doubling in range(14))
"""Seconds, 0.01 to 81.92: the buckets that the conventions give durations."""


def record_spans(tracer: Tracer, header: LogHeader, turns: Sequence[TurnRecord], names: str = DEFAULT) -> None:
    """Make the spans of one conversation.

    Args:
        tracer: of the SDK.
        header: of the session's log.
        turns: of that session, in order.
        names: a key of `VERSIONS`.

    Raises:
        ImportError: opentelemetry is not installed (the `export` extra).
        KeyError: there is no such version of the names.
    """
    from opentelemetry.trace import SpanKind, set_span_in_context

    said = VERSIONS[names]
    epoch = _epoch_ns(header)
    started = min((turn.began for turn in turns), default=0)
    attributes = _present({said.conversation: header.session, PREFIX + "clock": header.clock, said.model: header.model})
    conversation = tracer.start_span(
        "conversation", kind=SpanKind.INTERNAL, attributes=attributes, start_time=epoch + started
    )
    inside = set_span_in_context(conversation)
    for turn in turns:
        _turn(tracer, inside, turn, header, said, epoch)
    conversation.end(epoch + max((turn.over for turn in turns), default=started))


def record_metrics(meter: Meter, turns: Iterable[TurnRecord], names: str = DEFAULT) -> None:
    """Record every metric of every turn into histograms: those that the conventions name by their names, ours by ours.

    OpenTelemetry's histograms take nothing below zero. Such values (the agent was early) are counted instead, in
    ``engine.turn.below_zero`` by metric, and are in the spans as they are.

    Raises:
        KeyError: there is no such version of the names.
    """
    said = VERSIONS[names]
    bounds = list(DURATION_BOUNDS)
    ours = {
        metric.name: meter.create_histogram(
            f"{PREFIX}turn.{metric.name}",
            unit="1" if metric.unit == "count" else metric.unit,
            description=metric.meaning.partition("\n\n")[0],
            explicit_bucket_boundaries_advisory=bounds if metric.unit == "s" else None,
        )
        for metric in METRICS.values()
    }
    duration, first = (
        meter.create_histogram(name, unit="s", explicit_bucket_boundaries_advisory=bounds)
        for name in (said.operation_duration, said.time_to_first_chunk)
    )
    answered = meter.create_counter(f"{PREFIX}turns", unit="{turn}", description="turns, by whether they were answered")
    below = meter.create_counter(f"{PREFIX}turn.below_zero", unit="{turn}", description="values below zero, by metric")
    for turn in turns:
        answered.add(1, {PREFIX + "answered": turn.answered})
        for name, value in metrics_of(turn).items():
            if value < 0:
                below.add(1, {PREFIX + "metric": name})
            else:
                ours[name].record(value)
        for histogram, end in ((duration, turn.response_done), (first, turn.first_token)):
            if (took := _seconds(turn.response_created, end)) is not None and took >= 0:
                histogram.record(took, {said.operation_name: "chat"})


def _turn(tracer: Tracer, inside: Context, turn: TurnRecord, header: LogHeader, said: Names, epoch: int) -> None:
    from opentelemetry.trace import SpanKind, set_span_in_context

    metrics = {f"{PREFIX}turn.{name}": metric.of(turn) for name, metric in METRICS.items()}
    attributes = _present(
        {
            said.conversation: turn.session,
            PREFIX + "turn.index": turn.index,
            PREFIX + "turn.opened_by": turn.opened_by,
            PREFIX + "turn.purpose": turn.purpose,
            PREFIX + "turn.answered": turn.answered,
            PREFIX + "turn.interrupted_by": turn.interruption.cause if turn.interruption else None,
            **metrics,
        }
    )
    span = tracer.start_span(f"turn {turn.index}", inside, SpanKind.INTERNAL, attributes, start_time=epoch + turn.began)
    _events(span, turn, epoch)
    within = set_span_in_context(span)
    if turn.response_created is not None:
        _model(tracer, within, turn, header, said, epoch)
    for call in turn.tools:
        _tool(tracer, within, call, turn.over, said, epoch)
    span.end(epoch + max(turn.over, turn.began))


def _events(span: Span, turn: TurnRecord, epoch: int) -> None:
    moments = {
        "user.speech.end": turn.user_end,
        "speech_stopped": turn.speech_stopped,
        "playout.start": turn.playout_start,
        "playout.audible": turn.playout_audible,
        "playout.stop": turn.playout_stop,
        "interrupt": turn.interruption.emitted if turn.interruption else None,
        "guardrail.tripped": turn.guardrail_tripped,
    }
    for name, at in moments.items():
        if at is not None:
            span.add_event(PREFIX + name, timestamp=epoch + at)


def _model(tracer: Tracer, inside: Context, turn: TurnRecord, header: LogHeader, said: Names, epoch: int) -> None:
    from opentelemetry.trace import SpanKind

    assert turn.response_created is not None
    usage = turn.usage or {}
    attributes = _present(
        {
            said.operation_name: "chat",
            said.model: header.model,
            said.conversation: turn.session,
            said.output_type: "speech" if turn.audio_first_received is not None else "text",
            said.response_id: turn.responses[-1] if turn.responses else None,
            said.finish_reasons: (turn.status,) if turn.status else None,
            said.input_tokens: _count(usage, "input_tokens"),
            said.output_tokens: _count(usage, "output_tokens"),
            said.input_audio_tokens: _count(usage, "input_token_details", "audio_tokens"),
            said.output_audio_tokens: _count(usage, "output_token_details", "audio_tokens"),
            said.error_type: turn.status if turn.status == "failed" else None,
        }
    )
    name = f"chat {header.model}" if header.model else "chat"
    span = tracer.start_span(name, inside, SpanKind.CLIENT, attributes, start_time=epoch + turn.response_created)
    if turn.first_token is not None:
        span.add_event(PREFIX + "first_token", timestamp=epoch + turn.first_token)
    if turn.audio_first_received is not None:
        span.add_event(PREFIX + "first_audio", timestamp=epoch + turn.audio_first_received)
    done = turn.response_done if turn.response_done is not None else turn.over
    span.end(epoch + max(done, turn.response_created))


def _tool(tracer: Tracer, inside: Context, call: ToolSpan, over: int, said: Names, epoch: int) -> None:
    from opentelemetry.trace import SpanKind

    attributes = _present(
        {
            said.operation_name: "execute_tool",
            said.tool_name: call.name,
            said.tool_call_id: call.call_id,
            PREFIX + "tool.outcome": call.outcome,
            PREFIX + "tool.approval_wait": _seconds(call.approval_asked, call.approval_answered),
        }
    )
    name = f"execute_tool {call.name}"
    span = tracer.start_span(name, inside, SpanKind.INTERNAL, attributes, start_time=epoch + call.called)
    span.end(epoch + max(call.ended if call.ended is not None else over, call.called))


def _epoch_ns(header: LogHeader) -> int:
    """What to add to a time of the session to get one since 1970."""
    if header.wall is None:
        return 0
    return round(datetime.fromisoformat(header.wall).timestamp() * 1000) * NS_PER_MS


def _seconds(start: int | None, stop: int | None) -> float | None:
    return None if start is None or stop is None else (stop - start) / NS_PER_S


def _count(usage: Mapping[str, object], *path: str) -> int | None:
    at: object = usage
    for name in path:
        at = at.get(name) if isinstance(at, Mapping) else None
    return at if isinstance(at, int) else None


def _present(attributes: Mapping[str, AttributeValue | None]) -> dict[str, AttributeValue]:
    return {name: value for name, value in attributes.items() if value is not None}
