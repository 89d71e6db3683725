"""The server's side of a session as a pure machine: no trio, no clock, no randomness of its own."""
