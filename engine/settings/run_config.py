"""How an application wants its sessions to run."""

from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from typing import Annotated

import attrs

from engine.errors import SettingsError
from engine.secret.discretion import discreet, discreet_class
from engine.settings.checking import check_fields, describe_setting, read_config
from engine.settings.latency_log import LatencyLog
from engine.settings.model_settings import ModelSettings, session_settings
from engine.settings.waits import WaitSettings
from engine.wire.constraints import Range
from engine.wire.session import Session


@attrs.frozen(kw_only=True)
class GuardrailsSettings:
    """Output guardrails run each time that so many new characters of a response have come, and once at its end."""

    debounce_text_length: Annotated[int, Range(1)] = 100

    def __attrs_post_init__(self) -> None:
        check_fields(self, "guardrails_settings", "debounce_text_length")


def _model_settings(value: ModelSettings | None) -> Session:
    return session_settings(value, "model_settings")


def _guardrails(value: Iterable[object]) -> tuple[object, ...]:
    if not isinstance(value, list | tuple):
        raise SettingsError(f"run_config.output_guardrails: expected an array, got {describe_setting(value)}")
    return tuple(value)


def _guardrails_settings(value: GuardrailsSettings | Mapping[str, object]) -> GuardrailsSettings:
    return read_config(value, GuardrailsSettings, "guardrails_settings")


def _waits(value: WaitSettings | Mapping[str, object]) -> WaitSettings:
    return read_config(value, WaitSettings, "waits")


def _latency_log(value: object) -> LatencyLog | None:
    match value:
        case None | LatencyLog():
            return value
        case str() | PathLike():
            return LatencyLog(path=value)
        case Mapping():
            return read_config(value, LatencyLog, "latency_log")
    raise SettingsError(f"run_config.latency_log: expected a path, got {describe_setting(value)}")


@discreet_class
@attrs.frozen(kw_only=True)
class RealtimeRunConfig:
    """Settings of a run. `model_settings` and `guardrails_settings` may be given as mappings.

    `output_guardrails` watch all agents, beside each agent's own. `tracing_disabled` keeps the session out of the
    service's traces. `tool_error_formatter` turns the error of a tool into the words that the model reads.
    `raw_model_events` adds every event of the model, as it came, to the events of the session. `audio_frame_ms`:
    shorter pieces of microphone audio are joined to frames of this length before they are sent. Five pieces of 20 ms
    cost little more than one then, and wait 40 ms on average, the first of them 80 ms. With 20 they are sent as they
    come; a commit waits for nothing. `latency_log`: a file, or a folder in which each session makes one, for the log of
    what happened when; a `LatencyLog` says more of what it is about. `max_tool_rounds`: how many replies in a row the
    model is asked for because its calls have their results, with no word of the user's and no request of the
    application's between them; then it is asked for no more, and an `error` event (`tool_rounds_exceeded`) says so.
    None: for ever. `waits`: how long the session waits for what the server owes. Raises SettingsError.
    """

    model_settings: Session = attrs.field(default=None, converter=_model_settings)
    output_guardrails: tuple[object, ...] = attrs.field(default=(), converter=_guardrails)
    guardrails_settings: GuardrailsSettings = attrs.field(factory=GuardrailsSettings, converter=_guardrails_settings)
    tracing_disabled: bool = False
    tool_error_formatter: Callable[..., object] | None = None
    raw_model_events: bool = False
    audio_frame_ms: Annotated[int, Range(1, 1000)] = 100
    max_tool_rounds: Annotated[int, Range(1)] | None = 12
    latency_log: LatencyLog | None = attrs.field(default=None, converter=_latency_log)
    waits: WaitSettings = attrs.field(factory=WaitSettings, converter=_waits)

    def __attrs_post_init__(self) -> None:
        check_fields(self, "run_config", "tracing_disabled", "raw_model_events", "audio_frame_ms", "max_tool_rounds")
        formatter = self.tool_error_formatter
        if formatter is not None and not callable(formatter):
            raise SettingsError(
                f"run_config.tool_error_formatter: expected a function, got {describe_setting(formatter)}"
            )


@discreet
def run_config(value: RealtimeRunConfig | Mapping[str, object] | None) -> RealtimeRunConfig:
    """`value` as a `RealtimeRunConfig`. Raises SettingsError."""
    return read_config(value, RealtimeRunConfig, "run_config")
