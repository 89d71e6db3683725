"""State: everything one session knows. One task owns it.

The `on_*` modules take the inputs, each those of one speaker, and call operations (`responses`, `tool_call_steps`,
`interruption`, `agent_change`, `guardrail_trip`), which change the state whoever the speaker was.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import attrs

from engine.core.agent_spec import AgentSpec
from engine.core.arbitration import Arbiter
from engine.core.conversation import Conversation, History
from engine.core.created_items import CreatedItems
from engine.core.debounce import Debounce
from engine.core.effects import Effects, FormatsInUse, HandleDone, HandleStatus
from engine.core.identity import Identity
from engine.core.in_a_row import InARow
from engine.core.playback import PlaybackLedger
from engine.core.requests import Request
from engine.core.settings_in_force import PendingUpdate, SettingsInForce
from engine.core.told_calls import ToldCalls
from engine.core.tool_calls import ToolCalls
from engine.core.turn import TurnRules, UserTurn
from engine.core.unseen import Unseen
from engine.core.waits import DEFAULTS, Waits
from engine.errors import EngineError
from engine.events import Error, HistoryUpdated, RealtimeSessionEvent
from engine.wire.response import Usage
from engine.wire.server_session import ErrorDetail, errors_told
from engine.wire.session import Voice, format_of
from engine.wire.struct import UnsetType

REMEMBERED_RESPONSES = 64
"""How many ended responses are kept, for playback that goes on after them and late verdicts."""

REMEMBERED_ERRORS = 8


@attrs.frozen(kw_only=True)
class Rules:
    """What is settled when a session opens and never changes."""

    context: object
    debounce_length: int = 100
    raw_events: bool = False
    server_interrupts: bool = True
    server_truncates: bool = True
    server_plays: bool = False
    waits: Mapping[str, float] = DEFAULTS
    """Seconds of each wait, by its name."""
    max_tool_rounds: int | None = 12
    """How many replies in a row are asked for because calls have their outputs; None for any number."""


@attrs.define
class LiveResponse:
    """One response, from its first event until it is forgotten."""

    response_id: str
    agent: AgentSpec
    request: Request | None
    out_of_band: bool
    text: Debounce
    told: bool = True
    """The server has told its beginning; otherwise it began with whatever came first."""
    ended: bool = False
    interrupted: bool = False
    """Its audio has been cut off; what still arrives is dropped."""
    tripped: bool = False
    tells_items: bool = False
    """The server tells which items are this response's."""
    finished: dict[tuple[str, int], None] = attrs.field(factory=dict)
    """Parts whose whole text has been told."""
    items: dict[str, None] = attrs.field(factory=dict)
    """The items of the conversation that it has told of."""
    calls: ToldCalls = attrs.field(factory=ToldCalls)
    audio_open: dict[tuple[str, int], int] = attrs.field(factory=dict)
    """Audio that has begun and whose end has not been announced, with the time of the last piece in nanoseconds."""
    progress_seen: tuple[int, int] = (0, 0)
    """Its `progress` when the wait for it began."""
    delete_when_done: dict[str, None] = attrs.field(factory=dict)
    """Items nobody heard, which the server is still writing."""
    same_names: set[str] = attrs.field(factory=set)
    """Its items whose names are their ids: deltas of them need no translation."""
    untold_words: int = 0
    """How many characters of it there were when the wait for more began, where its beginning was not told."""

    @property
    def progress(self) -> tuple[int, int]:
        """Changes when audio or text has come: the time of the last piece of audio, and characters so far."""
        return max(self.audio_open.values(), default=0), len(self.text.text())


@attrs.frozen
class RequestSnapshot:
    """How things stood when a request was sent."""

    agent: AgentSpec
    after: int
    """How much had been sent for the model to answer (`Unseen.count`): the response to this request reads it."""
    created: int = 0
    """How many items had been created."""


E_ = TypeVar("E_", bound=RealtimeSessionEvent)


class State:
    """The whole state of one session, with the few operations that every module needs."""

    def __init__(self, rules: Rules, agent: AgentSpec, ledger: PlaybackLedger) -> None:
        self.rules = rules
        self.now = 0
        self.effects = Effects()
        self.agent = agent
        """The current agent: the one that the application sees and that the next settings belong to."""
        self.confirmed_agent = agent
        """The agent whose settings the server has confirmed: responses that it begins by itself are this one's."""
        self.settings = SettingsInForce()
        self.updates: list[PendingUpdate] = []
        """Every `session.update` that is neither confirmed nor refused, in the order in which they were sent."""
        self.formats = FormatsInUse(format_of(agent.session.audio_input), ledger.audio_format)
        self.asked: dict[str, RequestSnapshot] = {}
        """How things stood when a request was sent, by its token."""
        self.waits = Waits(rules.waits)
        self.arbiter = Arbiter(self.waits)
        self.turn = UserTurn()
        self.turn_rules = TurnRules()
        self.ledger = ledger
        self.conversation = Conversation()
        self.history = History(self.conversation)
        self.created = CreatedItems()
        self.tells_items = False
        """Whether this server tells of items outside of responses."""
        self.tool_calls = ToolCalls()
        self.responses: dict[str, LiveResponse] = {}
        """The responses that run, and the last that ended, by name."""
        self.identity = Identity()
        self.tells_beginnings = False
        """The server has told the beginning of a response: nothing else begins one any more."""
        self.unseen = Unseen()
        self.usage = Usage()
        self.has_spoken = False
        self.trips = InARow()
        """Responses that guardrails stopped."""
        self.tool_rounds = InARow()
        """Replies that were asked for because calls had their outputs."""
        self.ended = False
        self.errors: deque[tuple[int, ErrorDetail]] = deque(maxlen=REMEMBERED_ERRORS)
        """The last `error` events of the server, with when they came: a close that follows at once has a reason."""
        self._ids = 0

    def emit(self, kind: Callable[..., E_], **fields: object) -> None:
        """Give the application an event. (The two that deltas become are made in place: this costs as much again.)"""
        self.effects.events.append(kind(context=self.rules.context, at_ns=self.now, **fields))

    def error(self, error: EngineError, code: str | None = None) -> None:
        """Tell the application that something went wrong and the session goes on."""
        self.emit(Error, error=error, code=code)

    def note_errors(self, events: Sequence[object]) -> None:
        """Remember what the server says went wrong."""
        self.errors.extend((self.now, error) for error in errors_told(events))

    def history_updated(self, item_id: str) -> None:
        """Tell the application that an item changed."""
        if (item := self.conversation.get(item_id)) is not None:
            self.emit(HistoryUpdated, item=item, history=self.history)

    def user_takes_part(self) -> None:
        """Begin a new row of what the engine asks for by itself: the user has a say."""
        self.trips.end()
        self.tool_rounds.end()

    def fresh_id(self, prefix: str) -> str:
        """An id that is unique in this session, at most 32 characters long (the protocol's limit)."""
        self._ids += 1
        return f"{prefix}_{self._ids}"

    def resolve_handle(
        self,
        request: Request | None,
        status: HandleStatus,
        *,
        text: str = "",
        reason: str | None = None,
        error: EngineError | None = None,
    ) -> None:
        """Tell whoever holds the handle of a request how it ended."""
        if request is not None and request.handle_id is not None:
            self.effects.handles.append(HandleDone(request.handle_id, status, text, reason, error))

    @property
    def voice(self) -> Voice | UnsetType | None:
        """The voice that the server uses, or will once it has taken what is under way."""
        return self.settings.voice(self.updates)

    def live(self, response_id: str) -> LiveResponse | None:
        """A response that has begun and not ended."""
        response = self.responses.get(response_id)
        return response if response is not None and not response.ended else None

    def running(self) -> list[LiveResponse]:
        """Every response that has begun and not ended, in the order they began."""
        return [response for response in self.responses.values() if not response.ended]

    def remember(self, response: LiveResponse) -> None:
        """Keep a new response, and forget the oldest ended ones."""
        self.responses[response.response_id] = response
        spare = len(self.responses) - REMEMBERED_RESPONSES
        if spare > 0:
            old = [known.response_id for known in self.responses.values() if known.ended][:spare]
            for response_id in old:
                del self.responses[response_id]
