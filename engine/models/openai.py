"""OpenAI's Realtime API over a WebSocket, and everything that speaks its protocol: Azure, gateways, local servers."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import trio

from engine._messages import without_keys
from engine.errors import ConnectRefused, ModelNotFound, SettingsError
from engine.models.address import dialled_url, is_openai
from engine.models.credentials import headers_for, secrets_in
from engine.models.greeting import greeting
from engine.models.interface import ModelCapabilities, RealtimeModel
from engine.models.refusals import says_no_such_model
from engine.models.wire_connection import WireConnection
from engine.settings import RealtimeModelConfig
from engine.transport.interface import Transport

DEFAULT_MODEL = "gpt-realtime-2.1"

_NOT_FOUND = 404


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
        """Open a connection; it stands once the server has said its first word. Leaving the context closes it.

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
        deadline = trio.current_time() + config.connect_timeout
        secrets: frozenset[str] = frozenset()
        slow = "the function that returns the API key did not return"
        try:
            with trio.fail_at(deadline):
                headers = await headers_for(config.headers, config.api_key, openai=is_openai(url))
            secrets = secrets_in(headers)
            transport = await stack.enter_async_context(self._transport(url, headers, config, deadline))
            if not self.capabilities.announces_session or config.call_id is not None:
                return WireConnection(transport, ())
            slow = "the server opened a WebSocket, but no session"
            with trio.fail_at(deadline):
                return WireConnection(transport, await greeting(transport))
        except ConnectRefused as refused:
            refusal = refused
        except trio.TooSlowError:
            refusal = ConnectRefused(f"{slow} within {config.connect_timeout:g} s")
        raise _translated(refusal, secrets)

    def _transport(
        self, url: str, headers: Mapping[str, str], config: RealtimeModelConfig, deadline: float
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


def _translated(refused: ConnectRefused, secrets: frozenset[str]) -> ConnectRefused:
    message = without_keys(str(refused), secrets)
    about_model = refused.status == _NOT_FOUND or says_no_such_model(message)
    made = ModelNotFound if about_model and type(refused) is ConnectRefused else type(refused)
    return made(message, status=refused.status)
