"""Hold simulated calls, in real or virtual time, and write down what happened."""
