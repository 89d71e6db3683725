"""Credentials: which headers authenticate a connection, and keeping keys out of everything that is shown."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping

from engine.errors import AuthenticationError, SettingsError
from engine.settings.model_config import ApiKey

ENVIRONMENT = "OPENAI_API_KEY"

_AUTHENTICATING = frozenset({"authorization", "api-key", "x-api-key"})


async def headers_for(given: Mapping[str, str] | None, api_key: ApiKey | None, *, openai: bool) -> dict[str, str]:
    """The headers of the handshake.

    A header of `given` that authenticates is used as it is, and the key is not asked for. Otherwise the key goes into
    `Authorization`: `api_key`, or, towards OpenAI only, what the environment holds. Elsewhere a server may need none.

    Raises:
        AuthenticationError: OpenAI needs a key and there is none.
        SettingsError: the function that should return a key returned something else.
    """
    headers = dict(given or {})
    names = {name.lower() for name in headers}
    if "user-agent" not in names:
        headers["User-Agent"] = "engine"
    if names & _AUTHENTICATING:
        return headers
    key = await _resolved(api_key)
    if key is None and openai:
        key = os.environ.get(ENVIRONMENT, "").strip()
        if not key:
            raise AuthenticationError(f"there is no API key: pass api_key in the model's config, or set {ENVIRONMENT}")
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    return headers


async def _resolved(api_key: ApiKey | None) -> str | None:
    key = api_key() if callable(api_key) else api_key
    if inspect.isawaitable(key):
        key = await key
    if key is None and api_key is None:
        return None
    if not isinstance(key, str):
        raise SettingsError(f"model_config.api_key: the function returned {type(key).__name__}, not a string")
    if not key.strip():
        raise AuthenticationError("the API key is empty: pass one in the model's config")
    return key.strip()


def secrets_in(headers: Mapping[str, str]) -> frozenset[str]:
    """What must not be shown of these headers."""
    values = (value for name, value in headers.items() if name.lower() in _AUTHENTICATING)
    return frozenset(word for value in values for word in value.split() if word.lower() not in {"bearer", "basic"})
