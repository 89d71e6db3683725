"""Speech recognition and synthesis in child processes, and placeholders where the speech extra is missing."""
