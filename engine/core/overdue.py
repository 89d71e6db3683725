"""What happens when the server has not done in time what it owes: an `error` event, and the conversation goes on.

The table of `waits` says what is waited for; here is the last column of it.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.core.requests import GivenUp
from engine.core.responses import end_overdue_response
from engine.core.settings_update import confirm_settings
from engine.core.state import State
from engine.core.user_turn import end_turn
from engine.core.waits import (
    LINE_TURN_END,
    OVERTAKEN_REQUEST,
    RESPONSE_BEGIN,
    RESPONSE_END,
    RESPONSE_PROGRESS,
    SETTINGS,
    TURN_END,
    TURN_RESPONSE,
    UNCLEAR_REFUSAL,
    UNTOLD_RESPONSE,
    Wait,
)
from engine.errors import ResponseFailed, ServerTimeout
from engine.wire.client_events import ResponseCancel
from engine.wire.session import Session
from engine.wire.units import NS_PER_S


def give_up_overdue(s: State, audio_sent_ns: int | None) -> None:
    """Give up every wait whose bound is reached now.

    Args:
        s: the session.
        audio_sent_ns: when the user's audio was last sent, in nanoseconds; None if it never was.
    """
    for wait, key in s.waits.take_overdue(s.now):
        if wait is TURN_END and audio_sent_ns is not None and _since(s, wait) < audio_sent_ns:
            s.waits.begin(wait, key, audio_sent_ns)  # the user's voice still goes out: the turn may well go on
        else:
            _GIVE_UP[wait](s, wait, key)


def _since(s: State, wait: Wait) -> int:
    """Return when a wait began whose bound is reached now."""
    return s.now - round(s.waits.seconds[wait.name] * NS_PER_S)


def _report(s: State, wait: Wait, missing: str, then: str) -> None:
    """Tell the application what the server has not done in time, and how the conversation goes on."""
    seconds = s.waits.seconds[wait.name]
    s.error(ServerTimeout(missing, then, wait=wait.name, seconds=seconds), wait.code)


def _request(s: State, wait: Wait, token: str) -> None:
    given_up = s.arbiter.give_up(token)
    if given_up is None:
        return
    said = f" (it may have refused it: {given_up.error.message})" if given_up.error is not None else ""
    missing = f"the server said nothing about a `response.create`{said}"
    if given_up.again:
        _report(s, wait, missing, "it is asked once more")
        return
    _report(s, wait, missing, "the request is given up")
    s.asked.pop(token, None)
    if not given_up.superseded:
        _fail(s, wait, given_up)


def _fail(s: State, wait: Wait, given_up: GivenUp) -> None:
    error = given_up.error
    code = error.code if error is not None and error.code else wait.code
    why = error.message if error is not None else "the server said nothing about the request"
    failure = ResponseFailed(f"the server did not respond: {why}", code=code)
    s.resolve_handle(given_up.request, "failed", reason=code, error=failure)


def _progress(s: State, wait: Wait, response_id: str) -> None:
    live = s.responses.get(response_id)
    if live is None or live.ended:
        return
    if live.progress != live.progress_seen:
        live.progress_seen = live.progress
        last_audio_ns, _ = live.progress
        s.waits.begin(wait, response_id, last_audio_ns if last_audio_ns > _since(s, wait) else s.now)
        return
    _report(s, wait, f"nothing came of the response {response_id!r}", "it is cancelled")
    s.effects.wire.append(ResponseCancel(response_id=response_id))
    s.waits.begin(RESPONSE_END, response_id, s.now)


def _untold(s: State, wait: Wait, response_id: str) -> None:
    live = s.live(response_id)
    if live is None or s.arbiter.running != response_id:
        return
    last_audio_ns, words = live.progress
    since = last_audio_ns if words == live.untold_words else s.now
    live.untold_words = words
    if since > _since(s, wait):
        s.waits.begin(wait, response_id, since)
        return
    missing = f"nothing came of the response {response_id!r}, of which it has not told that it began"
    _report(s, wait, missing, "nothing waits for the end of it")
    s.arbiter.done(response_id, s.now)


def _end(s: State, wait: Wait, response_id: str) -> None:
    live = s.responses.get(response_id)
    if live is None or live.ended:
        return
    _report(s, wait, f"the response {response_id!r} was cancelled and has not ended", "it counts as ended")
    end_overdue_response(s, live)


def _turn(s: State, wait: Wait, _: str) -> None:
    end_turn(s, "cleared")
    s.turn.expect_commit()
    s.arbiter.user_is_done()
    _report(
        s, wait, "the user began to speak and the server has not told the end of it, nor was audio sent",
        "the turn counts as ended",
    )  # fmt: skip


def _own_response(s: State, wait: Wait, _: str) -> None:
    committed = s.arbiter.own_response_missing()
    then = "a response is asked for" if committed else "nothing comes of what was heard"
    _report(s, wait, "the server has not responded to the user, as its settings say", then)


def _settings(s: State, wait: Wait, _: str) -> None:
    _report(s, wait, "the server has not confirmed a `session.update`", "the settings count as confirmed")
    confirm_settings(s, Session())


_GIVE_UP: dict[Wait, Callable[[State, Wait, str], None]] = {
    RESPONSE_BEGIN: _request,
    UNCLEAR_REFUSAL: _request,
    OVERTAKEN_REQUEST: _request,
    RESPONSE_PROGRESS: _progress,
    UNTOLD_RESPONSE: _untold,
    RESPONSE_END: _end,
    TURN_END: _turn,
    LINE_TURN_END: _turn,
    TURN_RESPONSE: _own_response,
    SETTINGS: _settings,
}
