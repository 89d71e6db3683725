"""How a session reaches its model."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Annotated

import attrs

from engine._messages import json_type
from engine.errors import SettingsError
from engine.secret.discretion import discreet, discreet_class
from engine.secret.value import KeyFunction, Secret, SecretFunction, SecretUrl, sealed_headers
from engine.settings.checking import check_fields, describe_setting, read_config
from engine.settings.model_settings import ModelSettings, session_settings
from engine.wire.constraints import OneOf, Range
from engine.wire.session import Session

ApiKey = str | Secret | KeyFunction
"""A key, or a function that gets one: called for each connection, so that short-lived keys work."""

Seconds = Annotated[float, Range(0.001)]

_DEFAULT_MAX_MESSAGE_SIZE = 64 * 1024 * 1024


def _api_key(value: ApiKey | None) -> Secret | SecretFunction | None:
    if isinstance(value, str | Secret):
        return Secret(value)
    return SecretFunction(value) if callable(value) else value


def _url(value: str | Secret | None) -> SecretUrl | None:
    return SecretUrl.of(value) if isinstance(value, str | Secret) else value


def _headers(value: Mapping[str, str | Secret] | None) -> Mapping[str, Secret] | None:
    return sealed_headers(value) if isinstance(value, Mapping) else value


def _initial_model_settings(value: ModelSettings | None) -> Session:
    return session_settings(value, "initial_model_settings")


@discreet_class
@attrs.frozen(kw_only=True)
class RealtimeModelConfig:
    """Where the model is, and how to talk to it.

    `api_key`: a key, a function or an async function that returns one; None leaves it to the model, which looks into
    the environment. `url` (ws or wss) and `headers` replace the model's own. All three are kept as a `Secret`, which
    prints as `***`. `allow_unencrypted_key`: send a key also over `ws://` to another machine, where everybody on the
    way can read it. `call_id` attaches to a running call.
    `playback_tracker` reports what the user has heard. `transport` is "sansio" or "trio-websocket".

    Times are in seconds: `connect_timeout` for everything until the connection stands, `greeting_timeout` until the
    settings are sent to a server that says nothing when it is connected to, `close_timeout` for the goodbye,
    `ping_interval` of silence before a ping (None: never), `ping_timeout` for its answer (None: wait for ever).
    `max_message_size` is in bytes (None: any size). Raises SettingsError.
    """

    api_key: Secret | SecretFunction | None = attrs.field(default=None, converter=_api_key)
    url: SecretUrl | None = attrs.field(default=None, converter=_url)
    headers: Mapping[str, Secret] | None = attrs.field(default=None, converter=_headers)
    allow_unencrypted_key: bool = False
    initial_model_settings: Session = attrs.field(default=None, converter=_initial_model_settings)
    playback_tracker: object = None
    call_id: str | None = None
    transport: Annotated[str, OneOf("sansio", "trio-websocket")] = "sansio"
    connect_timeout: Seconds = 10.0
    greeting_timeout: Seconds = 1.0
    close_timeout: Seconds = 5.0
    ping_interval: Seconds | None = 20.0
    ping_timeout: Seconds | None = 20.0
    max_message_size: Annotated[int, Range(1)] | None = _DEFAULT_MAX_MESSAGE_SIZE

    def with_settings(self, settings: Session) -> RealtimeModelConfig:
        """The same with other `initial_model_settings`, which have been checked and are not checked again."""
        made = copy(self)
        object.__setattr__(made, "initial_model_settings", settings)
        return made

    def __attrs_post_init__(self) -> None:
        check_fields(self, "model_config", "url", "headers", "allow_unencrypted_key", "call_id", "transport")
        check_fields(self, "model_config", "connect_timeout", "greeting_timeout", "close_timeout")
        check_fields(self, "model_config", "ping_interval", "ping_timeout", "max_message_size")
        if not isinstance(self.api_key, Secret | SecretFunction | None):
            raise SettingsError(
                f"model_config.api_key: expected a string or a function that returns one, got {json_type(self.api_key)}"
            )
        if self.url is not None and not self.url.reveal().startswith(("ws://", "wss://")):
            raise SettingsError(f"model_config.url: expected a ws:// or wss:// URL, got {describe_setting(self.url)}")


@discreet
def model_config(value: RealtimeModelConfig | Mapping[str, object] | None) -> RealtimeModelConfig:
    """`value` as a `RealtimeModelConfig`. Raises SettingsError."""
    return read_config(value, RealtimeModelConfig, "model_config")
