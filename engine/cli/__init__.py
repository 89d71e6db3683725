"""The `engine` command: calls to watch and to listen to, the local model on a port, and the latency lab."""
