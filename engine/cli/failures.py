"""Which exit status an error of the engine means."""

from __future__ import annotations

from engine.cli.exit_status import ExitStatus
from engine.errors import AuthenticationError, ConnectRefused, EngineError, ModelNotFound, SettingsError


def status_of(error: EngineError) -> ExitStatus:
    """Return the exit status for a call that failed with `error`."""
    match error:
        case AuthenticationError():
            return ExitStatus.KEY_REFUSED
        case ModelNotFound():
            return ExitStatus.UNKNOWN_MODEL
        case ConnectRefused():
            return ExitStatus.UNREACHABLE
        case SettingsError():
            return ExitStatus.USAGE
        case _:
            return ExitStatus.FAILED
