"""RealtimeRunner: agents, a model and settings, from which sessions are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from engine.agents.agent import RealtimeAgent
from engine.errors import SettingsError
from engine.models.interface import RealtimeModel
from engine.secret.discretion import discreet
from engine.session.session import RealtimeSession
from engine.settings import RealtimeModelConfig, RealtimeRunConfig, merge, model_config, run_config
from engine.wire.formats import PCM16
from engine.wire.session import Audio, AudioInput, AudioOutput, Session, Transcription
from engine.wire.struct import UNSET, evolve

T = TypeVar("T")

DEFAULT_SETTINGS = Session(
    output_modalities=("audio",),
    audio=Audio(
        input=AudioInput(format=PCM16, transcription=Transcription(model="gpt-4o-mini-transcribe")),
        output=AudioOutput(format=PCM16),
    ),
)
"""Laid under every application's settings: speech both ways, and the user's words in the history.
``{"audio": {"input": {"transcription": None}}}`` turns the transcription off."""

LINE_SETTINGS = evolve(
    DEFAULT_SETTINGS,
    audio=Audio(input=evolve(DEFAULT_SETTINGS.audio_input, format=UNSET)),
)
"""The same where the audio takes another way (a call attached by id): its formats are the line's."""


class RealtimeRunner(Generic[T]):
    """Makes sessions that begin with one agent. May be kept and used for any number of them, also at the same time."""

    @discreet
    def __init__(
        self,
        starting_agent: RealtimeAgent[T],
        *,
        model: RealtimeModel | None = None,
        config: RealtimeRunConfig | Mapping[str, object] | None = None,
    ) -> None:
        """
        Args:
            starting_agent: who speaks first.
            model: the model to talk to; OpenAI's by default.
            config: settings of the run, as a class or a mapping.

        Raises:
            SettingsError: something in `config` is wrong.
        """
        if not isinstance(starting_agent, RealtimeAgent):
            raise SettingsError(f"starting_agent: expected a RealtimeAgent, not {type(starting_agent).__name__}")
        if model is None:
            from engine.models.openai import OpenAIRealtimeWebSocketModel

            model = OpenAIRealtimeWebSocketModel()
        self._agent = starting_agent
        self._model = model
        self._config = run_config(config)

    @discreet
    async def run(
        self,
        *,
        context: T | Any = None,
        model_config: RealtimeModelConfig | Mapping[str, object] | None = None,
    ) -> RealtimeSession[T]:
        """Make a session. Nothing is opened before ``async with session`` (or ``session.enter()``).

        Args:
            context: the application's own object, which reaches tools, guardrails, callbacks, hooks and instructions.
            model_config: where the server is and how to talk to it; its `initial_model_settings` are laid over the
                run's settings.

        Raises:
            SettingsError: something in `model_config` is wrong.
        """
        connection = _model_config(model_config)
        line_decides = connection.call_id is not None or self._model.capabilities.plays_audio_itself
        defaults = LINE_SETTINGS if line_decides else DEFAULT_SETTINGS
        base = merge(merge(defaults, self._config.model_settings), connection.initial_model_settings)
        if self._config.tracing_disabled:
            base = evolve(base, tracing=None)
        return RealtimeSession(
            model=self._model,
            agent=self._agent,
            context=context,
            base=base,
            run_config=self._config,
            model_config=connection.with_settings(base),
        )


_model_config = model_config
