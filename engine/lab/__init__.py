"""The latency lab: calls that are simulated, recorded, replayed, reported and compared.

`scenario` says what a call is, `play` holds one, `virtual` and `run` hold many; `results` reads what they wrote.
"""
