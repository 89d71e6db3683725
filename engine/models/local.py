"""The local model in the same process: a session talks to the embedded server over a pair of memory
transports.

The same server that `engine serve` puts on a port, without the port: every event is encoded and decoded as on
a real connection, and there is no network, no key and, under a mock clock, no waiting.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial

import trio

from engine.local.conversation.replies import Responder
from engine.local.conversation.session_settings import DEFAULT_MODEL
from engine.local.dialogue.description import customer_service
from engine.local.host import LocalHost
from engine.local.settings.options import LocalOptions
from engine.local.speech.child import available
from engine.local.speech.installed import speech_for
from engine.local.speech.parts import SpeechParts
from engine.models.interface import RealtimeModel
from engine.models.wire_connection import WireConnection
from engine.settings import RealtimeModelConfig
from engine.transport.memory import memory_pair


class LocalModel(RealtimeModel):
    """A model that needs nobody. Each connection is a conversation of its own.

    Args:
        options: seed, latencies, faults and limits; None: the usual ones.
        responder: decides what to say; None: the customer-service dialogue that ships.
        speech: hears and speaks, already open; None: text turns work fully, spoken ones are not understood.
        spoken: open the speech extra for each conversation, if it is installed. It hears what the callers of
        the
            shipped dialogue say, in a process of its own: not for virtual time.
    """

    def __init__(
        self,
        options: LocalOptions | None = None,
        *,
        responder: Responder | None = None,
        speech: SpeechParts | None = None,
        spoken: bool = False,
    ) -> None:
        super().__init__()
        self._host = LocalHost(options or LocalOptions(), responder=responder, speech=speech)
        self._spoken = spoken and speech is None

    @property
    def notice(self) -> str | None:
        """What the user should be told: that this model neither hears nor speaks, or nothing."""
        if self._spoken and available():
            return None
        return self._host.notice

    @asynccontextmanager
    async def connect(self, config: RealtimeModelConfig) -> AsyncIterator[WireConnection]:
        """Start a conversation; leaving the context ends it. Only the model's name is read from `config`."""
        near, far = memory_pair()
        named = config.initial_model_settings.model
        failure: Exception | None = None
        async with self._speech() as speech, trio.open_nursery() as nursery:
            name = named if isinstance(named, str) else DEFAULT_MODEL
            nursery.start_soon(partial(self._host.converse, far, model=name, speech=speech))
            try:
                yield WireConnection(near)
            except Exception as error:
                failure = error
            nursery.cancel_scope.cancel(reason="the session left its local model")
        if failure is not None:
            raise failure

    def _speech(self) -> AbstractAsyncContextManager[SpeechParts | None]:
        return speech_for(customer_service()) if self._spoken else nullcontext()
