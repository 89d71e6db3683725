"""The caller's end of a call: the harness, audio sent and played in real time, turn taking, the recording, the truth.

`engine talk` puts a person, a script or a microphone at it; the latency lab puts simulated callers at it.
"""
