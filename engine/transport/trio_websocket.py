"""The same interface over the trio-websocket package: a client to choose instead of `connect_sansio`, and the server side.

It runs a reader task and a queue of its own for each connection, so a batch is always one message.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import trio
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    ConnectionTimeout,
    DisconnectionTimeout,
    HandshakeError,
    WebSocketConnection,
    open_websocket,
)

from engine.transport import refusal
from engine.transport.address import checked_headers, parse_address
from engine.transport.dialing import trusted_authorities
from engine.transport.ending import Ending, broken, closed_by_peer, closed_here, sendable

READ_SIZE = 2**16
"""Bytes asked for in one read. The package's own 4 KiB makes five reads of one audio delta."""

LARGEST_MESSAGE = 2**31
"""The package wants a number, and its own of 1 MiB is less than one `session.updated` may be."""

_NO_STATUS = 1005
_ABNORMAL = 1006
