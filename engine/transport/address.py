"""Where to connect, and what to say at the door: a checked URL and checked headers."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from websockets.exceptions import InvalidURI
from websockets.uri import WebSocketURI, parse_uri

from engine.errors import SettingsError


@attrs.frozen
class Address:
    """A WebSocket URL that can be dialled."""

    uri: WebSocketURI

    @property
    def where(self) -> str:
        """Host and port, for messages. Path and query may hold a key."""
        return f"{self.uri.host}:{self.uri.port}"


def parse_address(url: str) -> Address:
    """The address in a `ws://` or `wss://` URL.

    Raises:
        SettingsError: it is not such a URL. The message does not repeat it.
    """
    try:
        uri = parse_uri(url)
    except InvalidURI as error:
        raise SettingsError(f"url: {error.msg}; it must look like wss://host/path") from None
    except ValueError:
        raise SettingsError("url: not a valid URL; it must look like wss://host/path") from None
    if uri.user_info is not None:
        raise SettingsError("url: a user name and password belong into an Authorization header")
    return Address(uri)


def checked_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """`headers` as they are, once it is sure that each fits on one line of ASCII.

    Raises:
        SettingsError: one does not. The message names the header and keeps its value to itself.
    """
    for name, value in headers.items():
        if not name or not (name.isascii() and name.isprintable()) or set(name) & set(": "):
            raise SettingsError(f"headers: {name!r} is not the name of a header")
        if not (value.isascii() and value.replace("\t", "").isprintable()):
            raise SettingsError(f"headers.{name}: the value has a line break or a character outside ASCII")
    return headers
