"""The five tasks of a session: microphone pump, connection, router, tool executor and guardrail debouncer."""
