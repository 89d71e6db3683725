"""Where to connect, and what to say at the door: a checked URL and checked headers."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

import attrs
from websockets.exceptions import InvalidURI
from websockets.uri import WebSocketURI, parse_uri

from engine.errors import SettingsError
from engine.secret.discretion import discreet
from engine.secret.value import Secret, SecretUrl, sealed_headers


@attrs.frozen
class Address:
    """A WebSocket URL that can be dialled. It prints without its path and query."""

    host: str
    port: int
    secure: bool
    _url: SecretUrl = attrs.field(repr=False)

    @property
    def where(self) -> str:
        """Host and port, for messages. Path and query may hold a key."""
        return f"{self.host}:{self.port}"

    def uri(self) -> WebSocketURI:
        """Return all of it, in the open: keep it in no variable."""
        return parse_uri(self._url.reveal())


@discreet
def parse_address(url: str | Secret) -> Address:
    """The address in a `ws://` or `wss://` URL.

    Raises:
        SettingsError: it is not such a URL. The message does not repeat it.
    """
    url = SecretUrl.of(url)
    wrong = ""
    try:
        uri = parse_uri(url.reveal())
    except InvalidURI as error:
        wrong = error.msg
    except ValueError:
        wrong = "not a valid URL"
    if wrong:
        raise SettingsError(f"url: {wrong}; it must look like wss://host/path")
    if uri.user_info is not None:
        raise SettingsError("url: a user name and password belong into an Authorization header")
    return Address(uri.host, uri.port, uri.secure, url)


@discreet
def checked_headers(headers: Mapping[str, str | Secret]) -> Mapping[str, Secret]:
    """`headers` as secrets, once it is sure that each fits on one line of ASCII.

    Raises:
        SettingsError: one does not. The message names the header and keeps its value to itself.
    """
    for name, value in (checked := sealed_headers(headers)).items():
        if not name or not (name.isascii() and name.isprintable()) or set(name) & set(": "):
            raise SettingsError(f"headers: {name!r} is not the name of a header")
        if not (value.reveal().isascii() and value.reveal().replace("\t", "").isprintable()):
            raise SettingsError(f"headers.{name}: the value has a line break or a character outside ASCII")
    return checked


def is_loopback(host: str) -> bool:
    """Tell whether a host of a URL is this machine: `localhost`, 127.0.0.0/8 or ::1. No name is looked up."""
    if host.lower() == "localhost":
        return True
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or (mapped is not None and mapped.is_loopback)
