"""Figures of runs with their uncertainty, differences between runs, and budgets."""
