"""Models that sessions talk to: OpenAI and compatible servers, the local model, a scripted one."""
