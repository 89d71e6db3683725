"""Settings of model, run and connection, checked when they are given.

A wrong key, type or value raises `engine.errors.SettingsError` with the path, what was given, what is expected and the
nearest valid word. The nested settings objects (`Audio`, `ServerVad`, ...) are those of `engine.wire.session`.
"""

from engine.settings.latency_log import LatencyLog
from engine.settings.model_config import ApiKey, RealtimeModelConfig, model_config
from engine.settings.model_settings import ModelSettings, RealtimeModelSettings, session_settings
from engine.settings.run_config import GuardrailsSettings, RealtimeRunConfig, run_config
from engine.settings.waits import WaitSettings
from engine.wire.merge import merge

__all__ = [
    "ApiKey",
    "GuardrailsSettings",
    "LatencyLog",
    "ModelSettings",
    "RealtimeModelConfig",
    "RealtimeModelSettings",
    "RealtimeRunConfig",
    "WaitSettings",
    "merge",
    "model_config",
    "run_config",
    "session_settings",
]
