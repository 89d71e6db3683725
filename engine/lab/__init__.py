"""The latency lab: simulated calls, recordings, figures and reports.

`scenario` says what a call is; `simulate` holds calls and writes down what happened; `replay` records sessions and
plays them again; `statistics` computes figures and their uncertainty; `report` makes pages of them.
"""
