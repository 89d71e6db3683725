"""One file for each competitor, run in a process of its own; what they share knows nothing of any of them."""
