"""The caller's end of a call: audio sent and played in real time, turn taking and the recording.

`engine talk` puts a person, a script or a microphone at it; the latency lab puts simulated callers at it.
"""
