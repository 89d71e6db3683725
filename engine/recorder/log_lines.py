"""What a session writes to Python's `logging`: for operators, and for whoever looks for a fault.

    logger              level    what
    engine.session      INFO     one line when a session is open, one when it is over
    engine.session      WARNING  what it was refused or had to leave out; why it broke off; what outlives its end
    engine.server       WARNING  the server refused something, broke the protocol, or failed to respond
    engine.tools        WARNING  a tool failed or took too long
    engine.responses    DEBUG    responses: begun, ended, interrupted, stopped by a guardrail
    engine.tools        DEBUG    calls: begun, ended, waiting for approval; handoffs
    engine.turns        DEBUG    what the server hears of the user
    engine.server       DEBUG    client events other than audio, as they are written

Every record has the session's id, in its text and as its attribute `session`. What looks like a key is taken out; the
texts of errors, which may quote the conversation, are written at DEBUG only. Of `error` events of one kind the first,
second, fourth, eighth and so on are written: a callback that fails with every delta must not fill a disk. Whether
DEBUG lines are wanted is looked at when a session is opened. A connection that is refused gives "session over" only.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, TypeVar, cast

from engine._messages import without_keys
from engine.core.effects import Discard
from engine.errors import EngineError, ServerError, SettingsError, ToolFailed
from engine.events import (
    AgentEnd,
    AgentStart,
    AudioInterrupted,
    Error,
    GuardrailTripped,
    Handoff,
    RealtimeSessionEvent,
    ToolApprovalRequired,
    ToolEnd,
    ToolStart,
    UserSpeechStarted,
    UserSpeechStopped,
)
from engine.outside.printable import one_line
from engine.wire.client_events import ClientEvent, InputAudioBufferAppend

E = TypeVar("E", bound=RealtimeSessionEvent)
LogLine = tuple[logging.Logger, str, tuple[object, ...]]

ROOT: Final = logging.getLogger("engine")
SESSION: Final = logging.getLogger("engine.session")
SERVER: Final = logging.getLogger("engine.server")
TOOLS: Final = logging.getLogger("engine.tools")
RESPONSES: Final = logging.getLogger("engine.responses")
TURNS: Final = logging.getLogger("engine.turns")

_LONGEST_VALUE: Final = 1000
"""Characters of a name, an id or a text in a record."""
_PLAIN_CODE: Final = re.compile(r"[\w.-]{1,64}")

ROOT.addHandler(logging.NullHandler())


class LogLines:
    """Writes the log records of one session."""

    def __init__(self, session: str) -> None:
        self._session = session
        self.decisions = any(logger.isEnabledFor(logging.DEBUG) for logger in (RESPONSES, TOOLS, TURNS, SERVER))
        """Whether somebody wants DEBUG lines; looked at once."""
        self._errors: Counter[str] = Counter()
        """How many `error` events of each kind there were."""

    def write(self, logger: logging.Logger, level: int, text: str, *values: object) -> None:
        """Write one record, with the session's id: always one line, whatever ids, names and texts hold."""
        if not logger.isEnabledFor(level):
            return
        values = tuple(one_line(value, _LONGEST_VALUE) if isinstance(value, str) else value for value in values)
        try:
            logger.log(level, f"{text} (session %s)", *values, self._session, extra={"session": self._session})
        except Exception:  # the application's own filters, factories and handlers must not end the session
            if logging.raiseExceptions and sys.stderr is not None:
                traceback.print_exc(file=sys.stderr)

    def opened(self, model: str | None, agent: str) -> None:
        """Say that the session is open."""
        self.write(SESSION, logging.INFO, "session open: model=%s agent=%r", model, agent)

    def ended(self, error: EngineError | None, *, model: str | None, turns: int, seconds: float, tokens: int) -> None:
        """Say how the session ended, and what it came to."""
        outcome = "closed" if error is None else _name(error)
        self.write(
            SESSION,
            logging.INFO,
            "session over: outcome=%s model=%s turns=%d seconds=%.3f tokens=%d",
            outcome,
            model,
            turns,
            seconds,
            tokens,
        )
        if error is not None:
            self.write(SESSION, logging.WARNING, "session broke off: %s", outcome)
            self.write(SESSION, logging.DEBUG, "session broke off: %s", without_keys(str(error)))

    def error(self, event: Error) -> None:
        """Warn of an `error` event; its text follows at DEBUG, unless it speaks of settings only."""
        error = event.error
        match error:
            case ServerError():
                logger = SERVER
            case ToolFailed():
                logger = TOOLS
            case _:
                logger = SESSION
        kind = _kind(event)
        self._errors[kind] += 1
        count = self._errors[kind]
        if count & (count - 1):
            return
        text = without_keys(str(error))
        if isinstance(error, SettingsError):
            self.write(logger, logging.WARNING, "error %d of its kind: %s: %s", count, kind, text)
        else:
            self.write(logger, logging.WARNING, "error %d of its kind: %s", count, kind)
            self.write(logger, logging.DEBUG, "error %d of its kind: %s: %s", count, kind, text)

    def log_failed(self, error: OSError) -> None:
        """Warn that the session's latency log cannot be written any more."""
        self.write(
            SESSION, logging.WARNING, "latency log not written any more: %s", error.strerror or type(error).__name__
        )

    def outlives(self, what: str) -> None:
        """Warn of what still runs although the session is over or should be."""
        self.write(SESSION, logging.WARNING, "still running after the session's close: %s", what)

    def decided(self, event: RealtimeSessionEvent | Discard) -> None:
        """Write the DEBUG line of an event, if it has one."""
        if not isinstance(event, Discard) and (line := _LINES.get(type(event))) is not None:
            logger, text, values = line(event)
            self.write(logger, logging.DEBUG, text, *values)

    def written(self, event: ClientEvent) -> None:
        """Write the DEBUG line of a client event; microphone audio has none."""
        if not isinstance(event, InputAudioBufferAppend):
            self.write(SERVER, logging.DEBUG, "written: %s", getattr(event, "type", type(event).__name__))


def _kind(event: Error) -> str:
    """Return the classes and the code of an error: no words that somebody else has written."""
    error = event.error
    cause = "" if error.__cause__ is None else f" ({type(error.__cause__).__name__})"
    code = "" if event.code is None else f" code={event.code if _PLAIN_CODE.fullmatch(event.code) else '?'}"
    return f"{type(error).__name__}{cause}{code}"


def _name(error: EngineError) -> str:
    code = getattr(error, "code", None)
    return type(error).__name__ if code is None else f"{type(error).__name__}({code})"


def _line(kind: type[E], line: Callable[[E], LogLine]) -> tuple[type, Callable[[RealtimeSessionEvent], LogLine]]:
    return kind, cast("Callable[[RealtimeSessionEvent], LogLine]", line)


_LINES: Final[Mapping[type, Callable[[RealtimeSessionEvent], LogLine]]] = dict(
    [
        _line(AgentStart, lambda event: (RESPONSES, "response %s: begun", (event.response_id,))),
        _line(
            AgentEnd,
            lambda event: (RESPONSES, "response %s: %s (%s)", (event.response_id, event.status, event.reason)),
        ),
        _line(
            AudioInterrupted,
            lambda event: (RESPONSES, "response %s: interrupted at %s ms", (event.response_id, event.audio_end_ms)),
        ),
        _line(
            GuardrailTripped,
            lambda event: (
                RESPONSES,
                "response %s: stopped by %s",
                (event.response_id, ", ".join(result.name for result in event.guardrail_results)),
            ),
        ),
        _line(ToolStart, lambda event: (TOOLS, "call %s: %s begun", (event.call_id, event.name))),
        _line(ToolEnd, lambda event: (TOOLS, "call %s: %s ended: %s", (event.call_id, event.name, event.outcome))),
        _line(
            ToolApprovalRequired, lambda event: (TOOLS, "call %s: %s waits for approval", (event.call_id, event.name))
        ),
        _line(Handoff, lambda event: (TOOLS, "handoff: %r to %r", (_agent(event.from_agent), _agent(event.to_agent)))),
        _line(UserSpeechStarted, lambda event: (TURNS, "user speech begun: item %s", (event.item_id,))),
        _line(UserSpeechStopped, lambda event: (TURNS, "user speech ended: item %s", (event.item_id,))),
    ]
)


def _agent(agent: object) -> str:
    return str(getattr(agent, "name", agent))
