"""What comes from outside (a server, a model, a file) is parsed, printed, opened and written through these doors."""
