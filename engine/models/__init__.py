"""Models at the other end of a session: OpenAI and compatible servers, the local model, a scripted one."""
