"""The caller's end of the line: what speaks and listens there in real time, whoever calls.

`engine talk` puts a person, a script or a microphone at it; the latency lab puts simulated callers at it.
"""
