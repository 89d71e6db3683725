"""The life of the session itself: its connection stands, time passes, its connection is gone."""

from __future__ import annotations

from engine.core.inputs import Connected, Disconnected, TimePassed
from engine.core.overdue import give_up_overdue
from engine.core.responses import abandon_response
from engine.core.settings_update import open_with
from engine.core.state import State
from engine.core.tool_call_steps import cancel_open_calls


def connected(s: State, report: Connected) -> None:
    """The connection stands."""
    open_with(s, report.spec)


def time_passed(s: State, report: TimePassed) -> None:
    """Give up what the server owes for too long; what is due to be sent is sent by the machine itself."""
    give_up_overdue(s, report.audio_sent_ns)


def disconnected(s: State, report: Disconnected) -> None:
    """There is no connection any more: everything that began gets its end."""
    if s.ended:
        return
    reason = "session_closed" if report.error is None else "connection_lost"
    cancel_open_calls(s)
    for live in s.running():
        abandon_response(s, live, reason, report.error)
    for request in s.arbiter.close():
        s.resolve_handle(request, "superseded" if report.error is None else "failed", reason=reason, error=report.error)
    s.effects.wire.clear()
    s.ended = True
