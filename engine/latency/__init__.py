"""Instants, turns and metrics of a session, and the log from which they are read."""
