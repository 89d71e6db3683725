"""Every error that the engine raises, by cause.

::

    EngineError
    ├── Misuse                      you called something wrongly: fix the call
    │   ├── SettingsError           a wrong key, type or value in settings or a declaration (also a ValueError)
    │   ├── AudioError              bytes that are not audio of the declared format (also a ValueError)
    │   ├── MessageError            a message whose content is unknown or empty (also a ValueError)
    │   ├── ReportError             what you report (playback, an instant) cannot be (also a ValueError)
    │   ├── SessionNotOpen          used before it was entered
    │   ├── SessionClosed           used after it was closed, by you or by the end of the conversation
    │   └── ToolCallUnknown         approve or reject for a call that is not waiting
    ├── ServerError                 the model refused, or broke the protocol
    │   ├── ConnectRefused          the connection could not be made (`status` if there was an answer)
    │   │   ├── AuthenticationError the key was refused, or there is none; in the middle of a session, too
    │   │   └── ModelNotFound       the model is unknown to the server, or not a realtime model
    │   ├── ServerTimeout           the server did not do in time what it owes (`wait`, `seconds`); the session goes on
    │   ├── ProtocolError           the server sent what the protocol does not allow
    │   ├── SettingsDiffer          the server uses other settings than it was asked for (`differences`)
    │   └── ResponseFailed          a response that you awaited failed (`code`, `response_id`)
    ├── TransportLost               the connection broke (`code`, `reason` where the server gave them)
    │   └── TransportClosed         the server closed it in good order
    │       └── SessionExpired      the server's longest session was reached: open a new one
    ├── ToolFailed                  a tool could not give the model a result
    │   ├── BadArguments            the model's arguments do not fit the tool
    │   ├── ToolTimeout             the tool took longer than its declared timeout
    │   └── UnserialisableResult    the tool returned something that has no JSON form
    ├── ToolRoundsExceeded          the model calls tools, again and again, and nobody else takes part
    ├── LogError                    a log of a session that cannot be read (`path`, `line`, `reason`)
    ├── SpeechFailed                hearing or speaking on this machine does not start, or broke down
    ├── SlowConsumer                events were not taken and their stated limit was reached
    └── SessionFailed               a fault inside the engine or in what it was given; `__cause__` is the whole group

Nothing here is raised out of a tool or a guardrail into the application: those become events, and words to the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.outside.printable import printable


class EngineError(Exception):
    """Base of everything the engine raises. Its words may quote a server or a model: they are safe to print."""

    def __str__(self) -> str:
        return printable(super().__str__())


class Misuse(EngineError):
    """The engine was called in a way it does not allow."""


class SettingsError(Misuse, ValueError):
    """A setting or a declaration is wrong; the message names its path and what would be right."""


class AudioError(Misuse, ValueError):
    """Bytes that are not audio of the declared format."""


class MessageError(Misuse, ValueError):
    """A message whose content cannot be sent."""


class ReportError(Misuse, ValueError):
    """What was reported, of playback or of an instant, cannot be."""


class SessionNotOpen(Misuse):
    """The session was used before ``async with session`` or ``enter()``."""


class SessionClosed(Misuse):
    """The session was used after its end."""


class ToolCallUnknown(Misuse, KeyError):
    """No call of this id is waiting for approval."""

    def __str__(self) -> str:
        return printable(str(self.args[0]))


class ServerError(EngineError):
    """The server refused, or broke the protocol."""


class ConnectRefused(ServerError):
    """The connection could not be made. ``status`` is the HTTP status, where there was an answer."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class AuthenticationError(ConnectRefused):
    """The key was refused, or there is none.

    It may come in the middle of a session: a key that ran out, or the refusal of a service behind a gateway.
    ``__cause__`` is then how the connection ended.
    """


class ModelNotFound(ConnectRefused):
    """The server does not know the model, or cannot use it in a realtime session."""


class ProtocolError(ServerError):
    """The server sent what the protocol does not allow."""


class ServerTimeout(ServerError):
    """The server did not do in time what it owes. ``wait`` is the name of the wait and of its setting."""

    def __init__(self, missing: str, then: str, *, wait: str, seconds: float) -> None:
        super().__init__(f"{missing} for {seconds:g} s: {then} (setting: waits.{wait})")
        self.wait = wait
        self.seconds = seconds


class SettingDifference(NamedTuple):
    """One setting that the server has confirmed otherwise than it was asked for, in words."""

    path: str
    """Where it is in the session's settings: ``audio.output.format``."""
    asked: str
    confirmed: str

    def __str__(self) -> str:
        return f"{self.path}: asked for {self.asked}, the server uses {self.confirmed}"


class SettingsDiffer(ServerError):
    """The server has confirmed other settings than it was asked for. What it has confirmed counts."""

    def __init__(self, differences: Sequence[SettingDifference]) -> None:
        other_input = any(difference.path == "audio.input.format" for difference in differences)
        hint = "; send_audio takes audio in session.input_format" if other_input else ""
        super().__init__(f"{'; '.join(map(str, differences))}. What the server uses counts from now on{hint}")
        self.differences = tuple(differences)


class ResponseFailed(ServerError):
    """A response that was awaited did not succeed."""

    def __init__(self, message: str, *, code: str | None = None, response_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.response_id = response_id


class TransportLost(EngineError):
    """The connection broke. ``code`` and ``reason`` are the WebSocket's, where there were any."""

    def __init__(self, message: str, *, code: int | None = None, reason: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason


class TransportClosed(TransportLost):
    """The server closed the connection in good order."""

    def __init__(self, message: str = "", *, code: int = 1000, reason: str = "") -> None:
        said = f" ({reason})" if reason else ""
        super().__init__(
            message or f"the server closed the connection with code {code}{said}", code=code, reason=reason
        )


class SessionExpired(TransportClosed):
    """The server's longest session was reached. Open a new session to go on."""


class ToolFailed(EngineError):
    """A tool could not give the model a result. The text is written for the model to read."""


class BadArguments(ToolFailed):
    """The model's arguments do not fit the tool's parameters."""


class ToolTimeout(ToolFailed):
    """The tool took longer than its declared timeout."""


class UnserialisableResult(ToolFailed):
    """The tool returned something that has no JSON form."""


class ToolRoundsExceeded(EngineError):
    """The model called tools in more replies in a row than `max_tool_rounds` allows, and the user took no part."""


class LogError(EngineError):
    """A log of a session cannot be read. ``line`` is counted from 1; ``reason`` says what is wrong with it."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(f"{path}, line {line}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


class SpeechFailed(EngineError):
    """Hearing or speaking on this machine does not start, or broke down."""


class SlowConsumer(EngineError):
    """The application did not take events and their stated limit was reached."""


class SessionFailed(EngineError):
    """A fault inside the session; ``__cause__`` is the exception group with everything that went wrong."""
