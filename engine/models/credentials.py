"""Credentials: which headers authenticate a connection, and that no key goes where everybody can read it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from engine.errors import AuthenticationError, SettingsError
from engine.secret.discretion import discreet
from engine.secret.value import Secret, SecretFunction, SecretUrl, sealed_headers
from engine.settings.model_config import ApiKey, RealtimeModelConfig
from engine.transport.address import is_loopback
from engine.wire.session import McpTool

ENVIRONMENT = "OPENAI_API_KEY"

_AUTHENTICATING = frozenset({"authorization", "api-key", "x-api-key"})

_NAMES_A_KEY = re.compile(r"auth|key|token|secret|passw|cookie|credential|signature|\bsig\b", re.IGNORECASE)
"""Headers and query parameters with such names are keys, too."""


@discreet
async def headers_for(
    given: Mapping[str, str | Secret] | None, api_key: ApiKey | SecretFunction | None, *, openai: bool
) -> dict[str, Secret]:
    """The headers of the handshake.

    A header of `given` that authenticates is used as it is, and the key is not asked for. Otherwise the key goes into
    `Authorization`: `api_key`, or, towards OpenAI only, what the environment holds. Elsewhere a server may need none.

    Raises:
        AuthenticationError: OpenAI needs a key and there is none.
        SettingsError: the function that should return a key returned something else.
    """
    headers = sealed_headers(given or {})
    names = {name.lower() for name in headers}
    if "user-agent" not in names:
        headers["User-Agent"] = Secret("engine")
    if names & _AUTHENTICATING:
        return headers
    key = await _resolved(api_key)
    if key is None and openai:
        key = Secret(os.environ.get(ENVIRONMENT, "").strip())
        if not key:
            raise AuthenticationError(f"there is no API key: pass api_key in the model's config, or set {ENVIRONMENT}")
    if key is not None:
        headers["Authorization"] = Secret(f"Bearer {key.reveal()}")
    return headers


async def _resolved(api_key: ApiKey | SecretFunction | None) -> Secret | None:
    if api_key is None:
        return None
    if callable(api_key):
        api_key = SecretFunction(api_key)
    key = await api_key.get() if isinstance(api_key, SecretFunction) else Secret(api_key)
    if not isinstance(key, Secret):
        name = key.__name__ if isinstance(key, type) else "something else"
        raise SettingsError(f"model_config.api_key: the function returned {name}, not a string")
    if not key.reveal().strip():
        raise AuthenticationError("the API key is empty: pass one in the model's config")
    return Secret(key.reveal().strip())


def _authenticates(tool: McpTool) -> bool:
    return bool(tool.authorization or tool.headers)


def check_way(url: SecretUrl, config: RealtimeModelConfig) -> None:
    """Make sure that no key goes over a connection that everybody on the way can read.

    Raises:
        SettingsError: `url` is not encrypted and leads to another machine, and something in `config` is a key.
    """
    parts = urlsplit(url.reveal())
    host, secure = parts.hostname or "", parts.scheme in ("wss", "https")
    named = [f"the header {name}" for name in config.headers or () if _NAMES_A_KEY.search(name)]
    named += [f"{name} in the query" for name, _ in parse_qsl(parts.query) if _NAMES_A_KEY.search(name)]
    if config.api_key is not None:
        named.append("api_key")
    tools = config.initial_model_settings.tools or ()
    named += [f"MCP server {tool.server_label}" for tool in tools if isinstance(tool, McpTool) and _authenticates(tool)]
    if named and not secure and not config.allow_unencrypted_key and not is_loopback(host):
        del parts
        raise SettingsError(
            f"model_config.url: {host} is another machine and ws:// is not encrypted, so that everybody on the way "
            f"could read the key ({', '.join(named)}): use wss://, or allow_unencrypted_key=True where the way is safe"
        )
