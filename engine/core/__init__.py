"""Decisions of a session as pure functions of input and time: responses, turns, playback, tool calls, history."""
