"""A row a turn: in CSV, in Parquet, and with the units that the names say."""

from __future__ import annotations

import csv
from pathlib import Path

import attrs
import pandas as pd
import pyarrow.parquet
import pytest

from engine.latency.export.csv import write_csv
from engine.latency.export.parquet import write_parquet
from engine.latency.export.table import COLUMNS, TIMES, row
from engine.latency.metrics import METRICS
from engine.latency.turns import TurnRecord
from tests.latency.export.some_turns import QUESTION, TURNS, UNANSWERED


def test_a_row_by_hand() -> None:
    cells = row(QUESTION)
    assert cells["session"] == "s0001"
    assert cells["turn"] == 1
    assert cells["turn_gap_s"] == pytest.approx(1.46)
    assert cells["user_speech_end_truth_at_s"] == 3.5
    assert cells["speech_stopped_position_s"] == 4.0
    assert cells["jitter_s"] == 0.0025
    assert cells["spoken_s"] == 2.0
    assert cells["interruption_cause"] == "user"
    assert cells["interruption_onset_truth_at_s"] == 6.5
    assert cells["interruption_heard_s"] == 1.93
    assert cells["tool_calls_count"] == 2
    assert cells["responses"] == "r1 r2"
    assert cells["errors"] == "rate_limit late"
    assert cells["usage_total_tokens"] == 120
    assert '"called_s":4.1' in str(cells["tools"])
    assert cells["handoffs"] == '[{"at_s":4.45,"from_agent":"desk","to_agent":"orders"}]'


def test_what_is_not_known_is_nothing_and_never_zero() -> None:
    cells = row(UNANSWERED)
    assert cells["answered"] is False
    assert all(cells[f"{name}_s"] is None for name in ("turn_gap", "model_ttfa", "jitter", "spoken"))
    assert cells["underruns"] is None
    assert cells["interruption_cause"] is None


def test_every_field_and_every_metric_has_a_column() -> None:
    for metric in METRICS.values():
        assert (metric.name if metric.unit == "count" else f"{metric.name}_s") in COLUMNS
    elsewhere = {
        "index": "turn", "interruption": "interruption_cause", "usage": "usage_total_tokens", "played_ms": "spoken_s",
        "audio_jitter_ms": "jitter_s", "takeovers": "takeovers_count", "guardrail_checks": "guardrail_checks_count",
    }  # fmt: skip
    for field in attrs.fields(TurnRecord):
        name = field.name
        shown = (
            name, f"{name}_at_s" if name in TIMES else "", f"{name.removesuffix('_ms')}_position_s",
            elsewhere.get(name, ""),
        )  # fmt: skip
        assert COLUMNS.keys() & set(shown), name


def test_rows_hold_the_types_that_their_columns_say() -> None:
    for turn in TURNS:
        for name, cell in row(turn).items():
            kind = COLUMNS[name].kind
            assert cell is None or type(cell) is kind, name


def test_csv(tmp_path: Path) -> None:
    write_csv(TURNS, tmp_path / "turns.csv")
    with (tmp_path / "turns.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(COLUMNS)
    assert [each["turn"] for each in rows] == ["0", "1", "2", "3"]
    assert rows[1]["user_text"] == 'Where is "my" order, please?'
    assert rows[2]["turn_gap_s"] == ""
    assert rows[2]["answered"] == "false"
    table = pd.read_csv(tmp_path / "turns.csv")
    assert table["turn_gap_s"].isna().tolist() == [True, False, True, False]
    assert table["turn_gap_s"].min() == pytest.approx(-0.15)


def test_parquet(tmp_path: Path) -> None:
    write_parquet(TURNS, tmp_path / "turns.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "turns.parquet")
    assert table.column_names == list(COLUMNS)
    assert table.num_rows == 4
    assert str(table.schema.field("turn_gap_s").type) == "double"
    assert str(table.schema.field("commit_sent_at_s").type) == "double"
    assert table["turn_gap_s"].to_pylist()[2] is None
    assert table["answered"].to_pylist() == [True, True, False, True]


def test_no_turns_at_all(tmp_path: Path) -> None:
    write_csv([], tmp_path / "none.csv")
    write_parquet([], tmp_path / "none.parquet")
    assert len((tmp_path / "none.csv").read_text().splitlines()) == 1
    assert pyarrow.parquet.read_table(tmp_path / "none.parquet").num_rows == 0
