"""The load server: a Realtime far end whose frames were encoded before the run, in a process of its own."""
