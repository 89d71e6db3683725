"""The recorder of a session: it watches the edges, notes what happened when, and decides nothing."""

from engine.recorder.recorder import Recorder
from engine.recorder.session_latency import SessionLatency

__all__ = ["Recorder", "SessionLatency"]
