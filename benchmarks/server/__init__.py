"""The load server: a Realtime server whose frames were encoded before the run, in a process of its own."""
