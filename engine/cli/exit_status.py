"""How a command ends: one number for each cause, and the error that carries one."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """Exit statuses of `engine`. `describe` is what ``--help`` says of each."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NO_SUCH_FILE = 3
    NOT_AUDIO = 4
    NO_KEY = 5
    UNREACHABLE = 6
    KEY_REFUSED = 7
    UNKNOWN_MODEL = 8
    BAD_AGENT = 9
    EXTRA_MISSING = 10
    NOT_HELD = 11
    DIFFERENT = 12
    INTERRUPTED = 130
    TERMINATED = 143

    @property
    def meaning(self) -> str:
        """What it means, in a few words."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitStatus.DONE: "all went well",
    ExitStatus.FAILED: "the call broke off, or the files could not be written",
    ExitStatus.USAGE: "the command line is wrong",
    ExitStatus.NO_SUCH_FILE: "a file does not exist, or cannot be read",
    ExitStatus.NOT_AUDIO: "a file is not WAV audio",
    ExitStatus.NO_KEY: "the model needs a key and there is none",
    ExitStatus.UNREACHABLE: "the model's host cannot be reached, or speaks no WebSocket",
    ExitStatus.KEY_REFUSED: "the model's host refused the key",
    ExitStatus.UNKNOWN_MODEL: "there is no such model",
    ExitStatus.BAD_AGENT: "the agent cannot be imported, or is not a RealtimeAgent",
    ExitStatus.EXTRA_MISSING: "an optional part is not installed, or has no device",
    ExitStatus.NOT_HELD: "a budget was not held, or a session of the run failed",
    ExitStatus.DIFFERENT: "what was replayed or compared is not the same",
    ExitStatus.INTERRUPTED: "Ctrl-C; what was recorded is written",
    ExitStatus.TERMINATED: "told to terminate; what was recorded is written",
}


class CommandFailed(Exception):
    """A command cannot go on. The message is one line, for the user."""

    def __init__(self, status: ExitStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
