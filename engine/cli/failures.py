"""Which exit status an error of the engine means."""

from __future__ import annotations

from engine.cli.exit_status import ExitStatus
from engine.errors import (
    AuthenticationError,
    ConnectRefused,
    EngineError,
    ModelNotFound,
    SettingsError,
    TransportClosed,
)

_KEY_CODES = frozenset({"invalid_api_key", "authentication_error", "ephemeral_token_expired"})
_MODEL_CODES = frozenset({"invalid_model", "model_not_found", "missing_model"})
_CLOSED_FOR_THE_KEY = 3000
"""OpenAI's close code for a key it does not take."""


def status_of(error: EngineError, code: str | None = None) -> ExitStatus:
    """The exit status for a call that failed with `error`; `code` is the last error code that the server gave."""
    match error:
        case AuthenticationError():
            return ExitStatus.KEY_REFUSED
        case ModelNotFound():
            return ExitStatus.UNKNOWN_MODEL
        case ConnectRefused():
            return ExitStatus.UNREACHABLE
        case SettingsError():
            return ExitStatus.USAGE
        case TransportClosed(code=closed):
            if code in _KEY_CODES or closed == _CLOSED_FOR_THE_KEY:
                return ExitStatus.KEY_REFUSED
            return ExitStatus.UNKNOWN_MODEL if code in _MODEL_CODES else ExitStatus.FAILED
        case _:
            return ExitStatus.FAILED
