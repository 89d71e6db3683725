"""Turns as Chrome traces, OpenTelemetry spans, HDR histograms, CSV and Parquet files."""
