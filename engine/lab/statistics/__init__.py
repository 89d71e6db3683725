"""Figures of one run and of two, with their uncertainty, and what a run is expected to keep."""
