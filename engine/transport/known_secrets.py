"""What must not be shown of a server's words: the secrets of the URL and of the headers that it is sent."""

from __future__ import annotations

from collections.abc import Mapping

from engine.secret.redaction import Redaction
from engine.secret.value import Secret, SecretUrl

_KNOWN_TO_ALL = frozenset({"user-agent", "openai-beta", "accept", "content-type", "sec-websocket-protocol"})
"""Headers whose values may be words of any message."""


def known_secrets(url: SecretUrl, headers: Mapping[str, Secret]) -> Redaction:
    """Return what must not be shown of what the server at a URL says."""
    sent = (value for name, value in headers.items() if name.lower() not in _KNOWN_TO_ALL)
    return Redaction((*url.secrets(), *sent))
