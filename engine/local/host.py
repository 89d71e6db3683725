"""The local model as a whole: options, a responder and speech, shared by any number of conversations."""

from __future__ import annotations

import time

from engine.local.connection import LocalConnection, now_ns
from engine.local.conversation.replies import Responder
from engine.local.conversation.session_machine import SessionMachine
from engine.local.conversation.session_settings import DEFAULT_MODEL
from engine.local.dialogue.description import customer_service
from engine.local.dialogue.responder import DialogueResponder
from engine.local.settings.options import LocalOptions
from engine.local.speech.parts import SpeechParts, without_speech
from engine.local.wire_faults import FaultyWire
from engine.serving.overtime import Overtime, WorkMeter
from engine.serving.turns import Turns
from engine.transport.interface import Transport

_SEEDS_APART = 1_000_003


class LocalHost:
    """Holds conversations over transports.

    Args:
        options: how the model behaves.
        responder: decides what to say; None: the dialogue that ships.
        speech: hears and speaks; None: no words heard, tones for a voice.
    """

    def __init__(
        self, options: LocalOptions, *, responder: Responder | None = None, speech: SpeechParts | None = None
    ) -> None:
        self.options = options
        self._responder = responder or DialogueResponder(customer_service())
        self._speech = speech or without_speech()
        self._conversations = 0
        self._turns = Turns()

    @property
    def notice(self) -> str | None:
        """What to tell whoever started this: that it neither hears nor speaks, or nothing."""
        return self._speech.notice

    async def converse(
        self,
        transport: Transport,
        *,
        model: str = DEFAULT_MODEL,
        transcription: bool = False,
        speech: SpeechParts | None = None,
        overtime: Overtime | None = None,
    ) -> None:
        """Hold one conversation, until either side ends it. Closes the transport.

        `speech` is this conversation's own; None: the host's. The n-th conversation of a host draws from the
        n-th seed. `overtime` is the server's, shared by its conversations; without one work is not measured.
        """
        options = self.options
        parts = (speech or self._speech).for_client()
        wall_s = int(time.time()) if options.unix_seconds is None else options.unix_seconds
        machine = SessionMachine(
            options,
            now=now_ns(),
            wall_s=wall_s,
            seed=options.seed + self._conversations * _SEEDS_APART,
            model=model,
            transcription=transcription,
            classifiers=parts.classifiers,
        )
        self._conversations += 1
        connection = LocalConnection(
            transport,
            machine,
            responder=self._responder,
            speech=parts,
            wire=FaultyWire(options.faults),
            turns=self._turns,
            quotas=options.quotas,
            meter=WorkMeter(overtime),
        )
        await connection.run()
