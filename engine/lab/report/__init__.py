"""Runs, looked at: figures with their uncertainty, a page to send to a colleague, and two runs side by side."""
