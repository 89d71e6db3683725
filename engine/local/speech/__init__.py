"""Hearing and speaking with no network: recognition and synthesis in a child process, both from the `speech` extra."""
