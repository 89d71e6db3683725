"""RealtimeModel: what a session needs of the server, and all that a third party has to implement.

The vocabulary between session and model is the GA vocabulary of `engine.wire`: a model for another vendor
translates its own protocol into those classes, and nothing above it changes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import attrs

from engine.wire.formats import PCM16

if TYPE_CHECKING:
    from engine.settings import RealtimeModelConfig
    from engine.wire.client_events import ClientEvent
    from engine.wire.server_events import ServerEvent

Listener = Callable[["ServerEvent"], None]


@attrs.frozen
class ModelCapabilities:
    """What the server can do; the session arranges itself accordingly."""

    interrupts_on_speech: bool = True
    """The server cancels its own response when its voice detection hears the user."""
    truncates: bool = True
    """`conversation.item.truncate` and `.delete` are understood."""
    plays_audio_itself: bool = False
    """Audio reaches the user by another way (a phone call attached by id): none is sent here, no truncation is due."""
    announces_session: bool = True
    """A fresh connection begins with `session.created`. If not, the settings are sent at once, and nothing is waited
    for. (A server that is silent against expectation is sent them after the config's `greeting_timeout`.)"""
    echoes_metadata: bool = True
    """`response.created` repeats the metadata of the `response.create` that asked for it."""
    pcm_rates: frozenset[int] = attrs.field(default=frozenset({PCM16.rate}), converter=frozenset)
    """The rates, in samples per second, at which the server takes and gives `audio/pcm`."""


class ModelConnection(Protocol):
    """One open conversation with the server. One task receives, one task sends."""

    async def receive(self) -> Sequence[ServerEvent]:
        """The next events, at least one.

        Raises:
            TransportClosed, TransportLost: there are no more.
            ConnectRefused: there never were any.
        """
        ...

    async def send(self, events: Sequence[ClientEvent]) -> None:
        """Send events in order, as one write. Raises `TransportLost` if the connection is gone."""
        ...

    async def aclose(self) -> None:
        """Say goodbye if the server still listens. The caller's cancel scope bounds it."""
        ...


@runtime_checkable
class SupportsSendNowait(Protocol):
    """What a `ModelConnection` may be able to do besides: no task is then woken for a write that need not wait.

    It is called from any task of the session, and from the application's, but never while `send` runs.
    """

    @property
    def can_send_nowait(self) -> bool:
        """Whether it is able to, which may depend on what is below it."""
        ...

    def send_nowait(self, events: Sequence[ClientEvent]) -> bool:
        """Send events in order, as one write, if that needs no waiting. Must not raise.

        Returns whether the system below has taken all of them. If not, the next call is `send` with the same events,
        which goes on where this stopped, or says what is wrong.
        """
        ...


@runtime_checkable
class WaitsForFirstWord(Protocol):
    """What a `ModelConnection` may be able to do besides: open a session whose server waits for the client to begin.

    The session then sends its settings before it counts as open, and opens when the server has answered.
    """

    @property
    def greeted(self) -> bool:
        """Whether the server has said something, or is not expected to."""
        ...

    async def speak_first(self, events: Sequence[ClientEvent]) -> None:
        """Send events and wait until the server says something, which is what `receive` then returns.

        Raises:
            ConnectRefused, AuthenticationError, ModelNotFound: it turned us away, or said nothing in time.
        """
        ...


class RealtimeModel(ABC):
    """A model that sessions talk to: it opens connections to its server.

    A subclass implements `connect`. It may be used by several sessions at once, each with a connection of its own.
    """

    capabilities: ModelCapabilities = ModelCapabilities()

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()

    @abstractmethod
    def connect(self, config: RealtimeModelConfig) -> AbstractAsyncContextManager[ModelConnection]:
        """Open a connection.

        Raises:
            ConnectRefused, AuthenticationError, ModelNotFound: it could not be made.
        """

    def add_listener(self, listener: Listener) -> None:
        """Call `listener` with every event the server sends, before the session sees it.

        A listener runs in the session's router: it must be quick and must not raise.
        """
        self._listeners = (*self._listeners, listener)

    def remove_listener(self, listener: Listener) -> None:
        """Stop calling `listener`. Unknown listeners are ignored."""
        self._listeners = tuple(known for known in self._listeners if known is not listener)

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """The listeners now, in the order they were added."""
        return self._listeners
