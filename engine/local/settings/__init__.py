"""Settings of the local model: options, latencies and faults on request."""
