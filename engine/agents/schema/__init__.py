"""Parameters of tools: from type hints to a JSON schema, and from what a model writes to values."""
