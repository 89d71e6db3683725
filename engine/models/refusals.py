"""Refusals: which error a server means when it closes a connection, by close code, error codes and words.

Servers say why in different ways. OpenAI sends an `error` and closes with 3000 or 4000 and the codes as reason; others
close with 1008 or 1011 and only words; gateways relay the error of the service behind them, in the middle of a session.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine._messages import without_keys
from engine.errors import (
    AuthenticationError,
    ConnectRefused,
    ModelNotFound,
    SessionExpired,
    TransportClosed,
    TransportLost,
)
from engine.wire.server_session import ErrorDetail

_CLOSED_FOR_THE_KEY, _CLOSED_FOR_THE_MODEL = 3000, 4004

_NOT_AUTHENTICATED = frozenset(
    {
        "invalid_api_key",
        "authentication_error",
        "authentication_failed",
        "auth_error",
        "ephemeral_token_expired",
        "unauthorized",
        "401",
    }
)
_NO_SUCH_MODEL = frozenset({"missing_model", "invalid_model", "model_not_found", "DeploymentNotFound"})

_ABOUT_KEYS = re.compile(
    r"\b(incorrect|invalid|missing|expired|unknown|revoked|wrong|no|provide)\b"
    r".{0,30}\b(api[ _-]?keys?|bearer|credentials)\b"
    r"|\b(api[ _-]?key|credentials)\b.{0,30}\b(incorrect|invalid|missing|expired|revoked|required|not valid)\b"
    r"|token (has )?expired|unauthori[sz]ed|not authori[sz]ed|authentication ?(error|failed|failure)",
    re.IGNORECASE,
)
"""Some refusals have no code, only words."""


def says_no_such_model(text: str) -> bool:
    """Tell whether an answer names one of the codes for a model that is not there."""
    return any(code in text for code in _NO_SUCH_MODEL)


def turned_away(errors: Sequence[ErrorDetail], lost: TransportLost) -> ConnectRefused:
    """Return the error for a connection that ended before there was a session.

    Args:
        errors: what the server said went wrong before, in that order.
        lost: how the connection ended.
    """
    how = f"{_how(lost)} as soon as it was open"
    return _refusal(errors, lost, how) or ConnectRefused(_told(how, errors[-1] if errors else None, lost))


def cut_off(errors: Sequence[ErrorDetail], lost: TransportLost) -> ConnectRefused | None:
    """Return the error for a session that the server ended because of the key or the model; None: it was not that.

    Args:
        errors: what the server said went wrong shortly before, in that order.
        lost: how the connection ended.
    """
    if isinstance(lost, SessionExpired):
        return None
    refusal = _refusal(errors, lost, f"{_how(lost)} in the middle of the session")
    if refusal is not None:
        refusal.__cause__ = lost
    return refusal


def _refusal(errors: Sequence[ErrorDetail], lost: TransportLost, how: str) -> ConnectRefused | None:
    """Look at the last error first. Any of them may be the reason: a gateway says more than one thing."""
    candidates = (*reversed(errors), None)
    about_keys = [error for error in candidates if _is_about_keys(error, lost)]
    if about_keys or lost.code == _CLOSED_FOR_THE_KEY:
        told = _told(how, (about_keys or candidates)[0], lost)
        return AuthenticationError(f"{told}. Check the key and its rights.")
    about_models = [error for error in candidates if _codes(error, lost) & _NO_SUCH_MODEL]
    if about_models or lost.code == _CLOSED_FOR_THE_MODEL:
        told = _told(how, (about_models or candidates)[0], lost)
        return ModelNotFound(f"{told}. Check the model's name, and that it is a realtime model.")
    return None


def _is_about_keys(error: ErrorDetail | None, lost: TransportLost) -> bool:
    return bool(_codes(error, lost) & _NOT_AUTHENTICATED) or _ABOUT_KEYS.search(_words(error, lost)) is not None


def _codes(error: ErrorDetail | None, lost: TransportLost) -> set[str | None]:
    """Return all codes told: those of the error, and those in the reason of the close, which are divided by dots."""
    return {*lost.reason.split("."), *((error.code, error.type) if error else ())}


def _told(how: str, error: ErrorDetail | None, lost: TransportLost) -> str:
    return without_keys(f"{how}: {_words(error, lost) or 'no reason was given'}")


def _words(error: ErrorDetail | None, lost: TransportLost) -> str:
    return ": ".join(filter(None, (lost.reason, error.message if error else "")))


def _how(lost: TransportLost) -> str:
    return f"the connection was closed (code {lost.code})" if isinstance(lost, TransportClosed) else str(lost)
