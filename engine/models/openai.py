"""OpenAI's Realtime API over a WebSocket, and everything that speaks its protocol: Azure, gateways, local servers."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TypeVar

import attrs
import trio

from engine.errors import ConnectRefused, ModelNotFound, SettingsError
from engine.models.address import dialled_url, is_openai
from engine.models.credentials import check_way, headers_for
from engine.models.greeting import answer, greeting
from engine.models.interface import ModelCapabilities, RealtimeModel
from engine.models.refusals import says_no_such_model
from engine.models.wire_connection import WireConnection
from engine.secret.discretion import bare
from engine.secret.value import Secret, SecretUrl
from engine.settings import RealtimeModelConfig
from engine.transport.interface import Transport
from engine.transport.known_secrets import known_secrets
from engine.wire.client_events import ClientEvent
from engine.wire.server_events import ServerEvent

DEFAULT_MODEL = "gpt-realtime-2.1"

_NOT_FOUND = 404

_NEVER_GREETED = (
    "the server opened a WebSocket, but no session within {}. If it waits for the client's first word, give a "
    "greeting_timeout that is shorter than connect_timeout, or the model ModelCapabilities(announces_session=False)"
)
_NEVER_ANSWERED = (
    "the server opened a WebSocket, but no session within {}: it said nothing, also not to the session's settings. If "
    "it speaks only once it has heard somebody, give the model ModelCapabilities(announces_session=False)"
)

T = TypeVar("T")


class OpenAIRealtimeWebSocketModel(RealtimeModel):
    """A realtime model at the other end of a WebSocket.

    The session's config says where: without a `url`, OpenAI, with the model that the initial settings name. For Azure
    give `url="wss://<resource>.openai.azure.com/openai/v1/realtime"`, and `api_key` or `headers={"api-key": ...}`. The
    key in the environment, OPENAI_API_KEY, is sent to OpenAI only.

    Args:
        ssl_context: whom to trust on `wss://`; None: the system's authorities.
        capabilities: for a server that can do less than OpenAI's; None: all of it.
    """

    def __init__(
        self, *, ssl_context: ssl.SSLContext | None = None, capabilities: ModelCapabilities | None = None
    ) -> None:
        super().__init__()
        self._ssl_context = ssl_context
        if capabilities is not None:
            self.capabilities = capabilities

    def connect(self, config: RealtimeModelConfig) -> AbstractAsyncContextManager[WireConnection]:
        """Open a connection; leaving the context closes it.

        It stands once the server has said its first word. One that has said nothing for `greeting_timeout` may be
        waiting for the client's, which the session then sends (`WaitsForFirstWord`).

        Raises:
            AuthenticationError: there is no key, or the server does not take it.
            ModelNotFound: the server does not know the model, or it is not one for realtime sessions.
            ConnectRefused: anything else, by what it says.
            SettingsError: the URL or a header cannot be used.
        """
        return self._connected(config)

    @asynccontextmanager
    async def _connected(self, config: RealtimeModelConfig) -> AsyncIterator[WireConnection]:
        async with AsyncExitStack() as stack:
            yield await self._open(stack, config)

    async def _open(self, stack: AsyncExitStack, config: RealtimeModelConfig) -> WireConnection:
        """No key can be in what this raises: neither in the message nor in an error before it."""
        model = config.initial_model_settings.model
        url = dialled_url(config.url, model if isinstance(model, str) else DEFAULT_MODEL, config.call_id)
        check_way(url, config)
        opening = _Opening(config.connect_timeout)
        headers = await opening.bounded(
            partial(headers_for, config.headers, config.api_key, openai=is_openai(url)),
            "the function that returns the API key did not return within {}",
        )
        redaction = known_secrets(url, headers)
        dialled = self._transport(url, headers, config, opening.deadline)
        transport = await opening.translated(partial(stack.enter_async_context, dialled))
        if not self.capabilities.announces_session or config.call_id is not None:
            return WireConnection(transport, redaction=redaction)
        patient = partial(greeting, transport, redaction, patience=config.greeting_timeout)
        said = await opening.bounded(patient, _NEVER_GREETED)
        if said:
            return WireConnection(transport, said, redaction=redaction)

        async def first_words(events: Sequence[ClientEvent]) -> Sequence[ServerEvent]:
            return await opening.bounded(partial(answer, transport, events, redaction), _NEVER_ANSWERED)

        return WireConnection(transport, first_words=first_words, redaction=redaction)

    def _transport(
        self,
        url: SecretUrl,
        headers: Mapping[str, Secret],
        config: RealtimeModelConfig,
        deadline: float,
    ) -> AbstractAsyncContextManager[Transport]:
        patience = max(deadline - trio.current_time(), 0.0)
        if config.transport == "trio-websocket":
            # Imported only where it is chosen: it brings a second WebSocket protocol stack.
            from engine.transport.trio_websocket import connect_trio_websocket

            return connect_trio_websocket(
                url,
                headers,
                ssl_context=self._ssl_context,
                connect_timeout=patience,
                close_timeout=config.close_timeout,
                max_message_size=config.max_message_size,
            )
        from engine.transport.sansio import connect_sansio

        return connect_sansio(
            url,
            headers,
            ssl_context=self._ssl_context,
            connect_timeout=patience,
            close_timeout=config.close_timeout,
            ping_interval=config.ping_interval,
            ping_timeout=config.ping_timeout,
            max_message_size=config.max_message_size,
        )


class OpenAIRealtimeSIPModel(OpenAIRealtimeWebSocketModel):
    """A model that is talking on the phone already: attaches to the call that the config's `call_id` names.

    The caller is heard and spoken to by the server. Here come the events, and from here tools, text and settings go.
    """

    capabilities = ModelCapabilities(plays_audio_itself=True, announces_session=False)

    def connect(self, config: RealtimeModelConfig) -> AbstractAsyncContextManager[WireConnection]:
        """See `OpenAIRealtimeWebSocketModel.connect`.

        Raises:
            SettingsError: the config names no call.
        """
        if config.call_id is None:
            raise SettingsError("model_config.call_id: which call to attach to is missing")
        return super().connect(config)


@attrs.define
class _Opening:
    """The opening of one connection, and the time that it may take."""

    seconds: float
    deadline: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.deadline = trio.current_time() + self.seconds

    async def bounded(self, step: Callable[[], Awaitable[T]], slow: str) -> T:
        """Take a step in time.

        Args:
            step: what to do.
            slow: what to say if the time is over; it takes the time.

        Raises:
            ConnectRefused: the step raised it, or the time is over.
        """

        async def in_time() -> T:
            try:
                with trio.fail_at(self.deadline):
                    return await step()
            except trio.TooSlowError:
                refusal = ConnectRefused(slow.format(f"{self.seconds:g} s"))
            raise refusal

        return await self.translated(in_time)

    async def translated(self, step: Callable[[], Awaitable[T]]) -> T:
        """Take a step. Raises ConnectRefused, with no other error and none of the step's frames."""
        refusal: ConnectRefused | SettingsError
        try:
            return await step()
        except ConnectRefused as refused:
            refusal = refused
        except SettingsError as error:
            refusal = bare(error)
        raise _named(refusal)


def _named(refusal: ConnectRefused | SettingsError) -> ConnectRefused | SettingsError:
    """Return the error anew, so that it has no past; about a model that is not there, under its name."""
    if isinstance(refusal, SettingsError):
        return refusal
    about_model = refusal.status == _NOT_FOUND or says_no_such_model(str(refusal))
    made = ModelNotFound if about_model and type(refusal) is ConnectRefused else type(refusal)
    return made(str(refusal), status=refusal.status)
