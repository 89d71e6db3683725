"""Histograms that HdrHistogram's own reader reads, with nothing clamped."""

from __future__ import annotations

from pathlib import Path

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

from engine.latency.export.hdr import DIGITS, LEAST_US, MOST_US, histograms, write_hdr
from tests.latency.export.some_turns import TURNS


def test_a_histogram_by_hand() -> None:
    gap = histograms(TURNS)["turn_gap"]
    assert gap.histogram.get_total_count() == 1
    assert gap.histogram.get_value_at_percentile(50) == pytest.approx(1_460_000, rel=0.001)
    assert (gap.negative, gap.above) == (1, 0)
    assert "approval_wait" in histograms(TURNS)
    assert "jitter" not in histograms(TURNS)


def test_a_log_that_its_own_reader_reads(tmp_path: Path) -> None:
    path = tmp_path / "latency.hlog"
    write_hdr(TURNS, path)
    text = path.read_text()
    assert "#[turn_gap: 1 values below zero are left out" in text
    tags = [line.partition(",")[0] for line in text.splitlines() if line.startswith("Tag=")]
    assert len(tags) == len(histograms(TURNS))
    reader = HistogramLogReader(str(path), HdrHistogram(LEAST_US, MOST_US, DIGITS))
    counts = []
    while (interval := reader.get_next_interval_histogram()) is not None:
        counts.append(interval.get_total_count())
    reader.close()
    assert counts == [latency.histogram.get_total_count() for latency in histograms(TURNS).values()]


def test_no_turns_make_no_histograms(tmp_path: Path) -> None:
    assert histograms([]) == {}
    write_hdr([], tmp_path / "none.hlog")
    assert not [line for line in (tmp_path / "none.hlog").read_text().splitlines() if line.startswith("Tag")]
