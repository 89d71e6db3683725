"""The far end of a session as a pure machine: no trio, no clock, no randomness of its own. `machine.py`
composes it."""
