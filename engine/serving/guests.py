"""Who may come: the Origin and the Host of a request.

A browser lets any page open a WebSocket to any address, and tells which page it was in `Origin`; programs send none.
A page whose name was made to point at this machine (DNS rebinding) gives itself away by that name in `Host`.

==============  =================================================================================================
header          is let in
==============  =================================================================================================
no `Origin`     always: no browser
`Origin`        pages of this machine (`http://localhost:3000`), and the origins that were named; "*" names all
`Host`          on loopback: the address that is listened on, names and addresses of loopback, the hosts that were
                named; elsewhere, as the machine may have any name: everything, until hosts are named, and then
                those, the address that is listened on, and addresses
==============  =================================================================================================
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

import attrs

from engine.errors import SettingsError

ANY = "*"
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")


def is_loopback(host: str) -> bool:
    """Return whether a host's name or address means this machine itself."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    mapped = getattr(address, "ipv4_mapped", None)
    return address is not None and (mapped or address).is_loopback


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def host_in(header: str) -> str | None:
    """Return the host in a `Host` header, without its port, in lower case; None if there is none to be read."""
    match = _HOST.fullmatch(header.strip(" \t"))
    return None if match is None else match[1].strip("[]").rstrip(".").lower()


def origin_in(text: str) -> str | None:
    """Return an origin as `scheme://host:port`, in lower case and with its port; None if it is not one.

    `null`, what browsers say of pages without a place, is none.
    """
    try:
        url = urlsplit(text.strip(" \t"))
        port = url.port or _PORTS.get(url.scheme)
    except ValueError:
        return None
    if not url.scheme or not url.hostname or url.path or url.query or url.fragment or "@" in url.netloc:
        return None
    return f"{url.scheme}://{_bracketed(url.hostname.rstrip('.'))}" + (f":{port}" if port else "")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _named_origins(given: Iterable[str]) -> frozenset[str]:
    named = set[str]()
    for each in given:
        origin = ANY if each == ANY else origin_in(each.rstrip("/"))
        if origin is None:
            raise SettingsError(f"an origin is written like https://example.org:8443, or * for all; not {each!r}")
        named.add(origin)
    return frozenset(named)


def _named_hosts(given: Iterable[str]) -> frozenset[str]:
    named = set[str]()
    for each in given:
        host = host_in(f"[{each}]" if each.count(":") > 1 and "[" not in each else each)
        if host is None:
            raise SettingsError(f"a host is written like example.org or 192.0.2.7; not {each!r}")
        named.add(host)
    return frozenset(named)


@attrs.frozen(kw_only=True)
class Guests:
    """Who is let in.

    Raises:
        SettingsError: an origin or a host that is not one.
    """

    listening: str = "127.0.0.1"
    """The host that is listened on."""
    origins: frozenset[str] = attrs.field(default=frozenset[str](), converter=_named_origins)
    """Origins besides those of this machine."""
    hosts: frozenset[str] = attrs.field(default=frozenset[str](), converter=_named_hosts)
    """Names in `Host` besides those that are known."""

    def refusal(self, host: str, origins: Iterable[str]) -> str | None:
        """Return why a request is refused, in words for its client; None: it is let in.

        Args:
            host: its `Host`.
            origins: its `Origin`, as often as it has one.
        """
        named = host_in(host)
        if named is None or not self._knows_host(named):
            return "This server is not known by the name in Host. It can be told with --allow-host."
        if not all(self._knows_origin(origin) for origin in origins):
            return "Pages of this Origin may not use this server. They can be let in with --origin."
        return None

    def _knows_host(self, host: str) -> bool:
        if host in self.hosts or host == host_in(_bracketed(self.listening)) or is_loopback(host):
            return True
        if is_loopback(self.listening):
            return False
        return not self.hosts or _address(host) is not None

    def _knows_origin(self, given: str) -> bool:
        if ANY in self.origins:
            return True
        origin = origin_in(given)
        if origin is None:
            return False
        url = urlsplit(origin)
        return origin in self.origins or (url.scheme in _PORTS and is_loopback(url.hostname or ""))
