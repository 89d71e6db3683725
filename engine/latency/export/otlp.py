"""Spans and metrics to a collector, as OTLP over HTTP in its JSON form: no protobuf, no gRPC, one POST for each.

The form is that of the OTLP specification 1.x ("JSON Protobuf Encoding"): ids in hexadecimal, 64-bit numbers as texts.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import orjson

from engine.latency.export.otel import record_metrics, record_spans
from engine.latency.export.otel_names import DEFAULT, VERSIONS
from engine.latency.log import LogHeader
from engine.latency.turns import TurnRecord

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric as OtelMetric
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.trace import Event, ReadableSpan

Json = dict[str, object]

SCOPE = "engine.latency"
TIMEOUT_S = 30.0
_SPANS_A_POST = 2000


def send_otlp(
    endpoint: str,
    sessions: Sequence[tuple[LogHeader, Sequence[TurnRecord]]],
    *,
    names: str = DEFAULT,
    service: str = "engine",
) -> int:
    """Send the spans and the metrics of these sessions to `endpoint` + ``/v1/traces`` and ``/v1/metrics``.

    Returns:
        How many spans were sent.

    Raises:
        ImportError: opentelemetry-sdk is not installed (the `export` extra).
        OSError: the collector cannot be reached, or refuses.
        KeyError: there is no such version of the names.
        ValueError: the endpoint is no http or https URL.
    """
    if not endpoint.startswith(("http://", "https://")):
        raise ValueError(f"{endpoint!r} is not an http or https URL")
    spans = _spans(sessions, names)
    head = {"resource": {"attributes": _attributes({"service.name": service})}}
    schema = VERSIONS[names].schema_url
    for at in range(0, len(spans), _SPANS_A_POST):
        part = {"scope": {"name": SCOPE}, "spans": [_span(span) for span in spans[at : at + _SPANS_A_POST]]}
        scoped = {**head, "scopeSpans": [{**part, "schemaUrl": schema}]}
        _post(f"{endpoint.rstrip('/')}/v1/traces", {"resourceSpans": [scoped]})
    metrics = {"scope": {"name": SCOPE}, "metrics": _metrics(sessions, names), "schemaUrl": schema}
    _post(f"{endpoint.rstrip('/')}/v1/metrics", {"resourceMetrics": [{**head, "scopeMetrics": [metrics]}]})
    return len(spans)


def _spans(sessions: Iterable[tuple[LogHeader, Sequence[TurnRecord]]], names: str) -> tuple[ReadableSpan, ...]:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer(SCOPE)
    for header, turns in sessions:
        record_spans(tracer, header, turns, names)
    return memory.get_finished_spans()


def _metrics(sessions: Iterable[tuple[LogHeader, Sequence[TurnRecord]]], names: str) -> list[Json]:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    provider = MeterProvider((reader,), shutdown_on_exit=False)
    record_metrics(provider.get_meter(SCOPE), [turn for _, turns in sessions for turn in turns], names)
    data: MetricsData | None = reader.get_metrics_data()
    provider.shutdown()
    if data is None:
        return []
    return [
        _metric(metric)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    ]


def _span(span: ReadableSpan) -> Json:
    context = span.get_span_context()
    assert context is not None
    parent = {"parentSpanId": f"{span.parent.span_id:016x}"} if span.parent else {}
    return {
        "traceId": f"{context.trace_id:032x}",
        "spanId": f"{context.span_id:016x}",
        **parent,
        "name": span.name,
        "kind": span.kind.value + 1,
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "attributes": _attributes(dict(span.attributes or {})),
        "events": [_event(event) for event in span.events],
    }


def _event(event: Event) -> Json:
    return {"name": event.name, "timeUnixNano": str(event.timestamp)}


def _metric(metric: OtelMetric) -> Json:
    from opentelemetry.sdk.metrics.export import Histogram, HistogramDataPoint, NumberDataPoint

    points: list[Json] = []
    for point in metric.data.data_points:
        at = {
            "attributes": _attributes(dict(point.attributes or {})),
            "startTimeUnixNano": str(point.start_time_unix_nano),
            "timeUnixNano": str(point.time_unix_nano),
        }
        if isinstance(point, HistogramDataPoint):
            counts = [str(count) for count in point.bucket_counts]
            sums = {"sum": point.sum, "min": point.min, "max": point.max}
            points.append(
                {
                    **at,
                    **sums,
                    "count": str(point.count),
                    "bucketCounts": counts,
                    "explicitBounds": list(point.explicit_bounds),
                }
            )
        elif isinstance(point, NumberDataPoint):
            points.append({**at, "asInt": str(point.value)})
    histogram = isinstance(metric.data, Histogram)
    data = {"dataPoints": points, "aggregationTemporality": 2}
    said = {"name": metric.name, "unit": metric.unit or "", "description": metric.description or ""}
    return {**said, "histogram": data} if histogram else {**said, "sum": {**data, "isMonotonic": True}}


def _attributes(attributes: dict[str, object]) -> list[Json]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: object) -> Json:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case tuple() | list():
            return {"arrayValue": {"values": [_value(each) for each in value]}}
        case _:
            return {"stringValue": str(value)}


def _post(url: str, body: Json) -> None:
    request = urllib.request.Request(url, orjson.dumps(body), {"Content-Type": "application/json"}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        with error:
            raise OSError(f"{url} answers {error.code} {error.reason}") from None
