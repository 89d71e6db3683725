"""Dialling: name resolution, TCP and TLS, ending in a `Pipe` or in an error that says what to do.

A path that died quietly (a dropped NAT entry, a cable, a suspended host) is the kernel's to notice: it probes when
nothing travels and counts when nothing is acknowledged, at no cost to us, and then reading fails.
"""

from __future__ import annotations

import functools
import socket
import ssl

import trio

from engine.transport import refusal
from engine.transport.address import Address
from engine.transport.pipe import Pipe

_DEAD_PATH_OPTIONS = {
    "TCP_KEEPIDLE": 20,  # seconds of silence before the first probe
    "TCP_KEEPALIVE": 20,  # the same, on macOS
    "TCP_KEEPINTVL": 5,  # seconds between probes
    "TCP_KEEPCNT": 4,  # probes without an answer
    "TCP_USER_TIMEOUT": 40_000,  # milliseconds that data may stay unacknowledged
}
"""A dead path is noticed after 40 seconds, which is what a ping every 20 s with 20 s of patience would need."""


async def dial(address: Address, ssl_context: ssl.SSLContext | None = None) -> Pipe:
    """Connect to `address`; secured, where its scheme says so.

    Raises:
        ConnectRefused: there is no way there.
    """
    try:
        stream = await trio.open_tcp_stream(address.host, address.port)
    except (OSError, UnicodeError) as error:
        raise refusal.unreachable(address.where, error) from error
    # trio found the address and set TCP_NODELAY and a short send queue; from here on the socket is ours.
    connected = socket.socket(fileno=stream.socket.detach())
    _notice_dead_paths(connected)
    pipe = Pipe(connected)
    try:
        if address.secure:
            await pipe.secure(ssl_context or trusted_authorities(), address.host)
    except OSError as error:
        pipe.close()
        raise refusal.unreachable(address.where, error) from error
    except BaseException:
        pipe.close()
        raise
    return pipe


def _notice_dead_paths(connected: socket.socket) -> None:
    """Each system has some of these options under its own name; one that it lacks is left out."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _DEAD_PATH_OPTIONS.items():
        if hasattr(socket, name):
            connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


@functools.cache
def trusted_authorities() -> ssl.SSLContext:
    """Trust what the system trusts. Loading its certificates takes tens of milliseconds: once per process."""
    return ssl.create_default_context()
