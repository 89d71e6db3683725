"""Spans and metrics as a collector gets them: over a real socket, in OTLP's JSON form."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from engine.latency.export.otel_names import VERSIONS
from engine.latency.export.otlp import send_otlp
from tests.latency.export.some_turns import HEADER, TURNS

WALL_NS = 1795435200_500_000_000
Requests = list[tuple[str, dict[str, Any]]]


@contextmanager
def collector(status: int = 200) -> Iterator[tuple[str, Requests]]:
    taken: Requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append((self.path, json.loads(body)))
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", taken
        finally:
            server.shutdown()
            thread.join()


def sent(names: str = "semconv-1.44") -> Requests:
    with collector() as (endpoint, taken):
        assert send_otlp(endpoint, [(HEADER, TURNS)], names=names) == 10
    return taken


def spans_in(requests: Requests) -> list[dict[str, Any]]:
    path, body = requests[0]
    assert path == "/v1/traces"
    (resource,) = body["resourceSpans"]
    (scope,) = resource["scopeSpans"]
    return list(scope["spans"])


def attributes(span: dict[str, Any]) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in span["attributes"]}


def test_conversation_turn_and_what_is_in_it() -> None:
    spans = spans_in(sent())
    by_id = {span["spanId"]: span for span in spans}
    parents = {span["name"]: by_id[span["parentSpanId"]]["name"] for span in spans if "parentSpanId" in span}
    assert parents == {
        "turn 0": "conversation", "turn 1": "conversation", "turn 2": "conversation", "turn 3": "conversation",
        "chat local": "turn 3", "execute_tool find_order": "turn 1", "execute_tool log_it": "turn 1",
    }  # fmt: skip
    assert len({span["traceId"] for span in spans}) == 1


def test_times_count_from_the_wall_clock_of_the_header() -> None:
    spans = {span["name"]: span for span in spans_in(sent())}
    turn = spans["turn 1"]
    assert int(turn["startTimeUnixNano"]) == WALL_NS + 2_000_000_000
    assert int(turn["endTimeUnixNano"]) == WALL_NS + 9_000_000_000
    audible = next(event for event in turn["events"] if event["name"] == "engine.playout.audible")
    assert int(audible["timeUnixNano"]) == WALL_NS + 4_960_000_000


def test_attributes() -> None:
    spans = spans_in(sent())
    turn = attributes(next(span for span in spans if span["name"] == "turn 1"))
    assert turn["engine.turn.turn_gap"] == pytest.approx(1.46)
    assert turn["engine.turn.interrupted_by"] == "user"
    assert turn["gen_ai.conversation.id"] == "s0001"
    unanswered = attributes(next(span for span in spans if span["name"] == "turn 2"))
    assert unanswered["engine.turn.answered"] is False
    assert "engine.turn.turn_gap" not in unanswered
    model = [attributes(span) for span in spans if span["name"] == "chat local"][1]
    assert model["gen_ai.usage.input_tokens"] == "80"
    assert model["engine.usage.audio.input_tokens"] == "60"
    assert model["gen_ai.response.finish_reasons"]["values"] == [{"stringValue": "cancelled"}]
    tool = attributes(next(span for span in spans if span["name"] == "execute_tool log_it"))
    assert tool["engine.tool.approval_wait"] == pytest.approx(0.089)


def test_metrics_are_histograms_in_seconds() -> None:
    path, body = sent()[1]
    assert path == "/v1/metrics"
    metrics = {m["name"]: m for m in body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]}
    gap = metrics["engine.turn.turn_gap"]
    (point,) = gap["histogram"]["dataPoints"]
    assert (gap["unit"], point["count"]) == ("s", "1")
    assert point["sum"] == pytest.approx(1.46)
    assert sum(int(count) for count in point["bucketCounts"]) == 1
    assert len(point["bucketCounts"]) == len(point["explicitBounds"]) + 1
    duration = metrics["gen_ai.client.operation.duration"]["histogram"]["dataPoints"][0]
    assert duration["count"] == "3"
    below = metrics["engine.turn.below_zero"]["sum"]["dataPoints"]
    assert {attributes(point)["engine.metric"] for point in below} == {"turn_gap", "first_audio", "first_token"}
    answered = metrics["engine.turns"]["sum"]["dataPoints"]
    assert {point["asInt"] for point in answered} == {"1", "3"}


def test_names_are_chosen_at_export() -> None:
    body = sent("genai-dev")[1][1]
    names = {m["name"] for m in body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]}
    assert "gen_ai.client.inference.duration" in names
    assert "gen_ai.client.operation.duration" not in names
    with pytest.raises(KeyError):
        send_otlp("http://127.0.0.1:9", [(HEADER, TURNS)], names="gen-2")


def test_our_own_names_have_our_own_prefix() -> None:
    ours = {
        key for names in ("semconv-1.44", "genai-dev") for span in spans_in(sent(names)) for key in attributes(span)
    }
    assert all(key.startswith(("engine.", "gen_ai.", "error.type")) for key in ours)
    assert {"semconv-1.44", "genai-dev"} == VERSIONS.keys()


def test_a_collector_that_refuses_or_is_not_there() -> None:
    with collector(503) as (endpoint, _), pytest.raises(OSError, match="answers 503"):
        send_otlp(endpoint, [(HEADER, TURNS)])
    with pytest.raises(OSError, match="refused"):
        send_otlp("http://127.0.0.1:9", [(HEADER, TURNS)])
    with pytest.raises(ValueError, match="not an http or https URL"):
        send_otlp("file:///etc", [(HEADER, TURNS)])
