"""How messages travel: one small interface, and its three implementations."""
