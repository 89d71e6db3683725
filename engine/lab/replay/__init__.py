"""Recordings of sessions at the wire, their replay to a program, and the differences."""
