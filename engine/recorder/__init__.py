"""The recorder: watches a session at its edges and tells what happened when. It decides nothing."""

from engine.recorder.recorder import Recorder
from engine.recorder.session_latency import SessionLatency

__all__ = ["Recorder", "SessionLatency"]
