"""Simulated calls in real or virtual time: callers, networks, servers, and the results on disk."""
