"""What to tell somebody whose connection was not made: one error type per cause, and in each message what to do.

Messages name host and port only: the rest of a URL, and every header, may hold a key. What a server says is shown
without the secrets that it repeats, which are taken out before it is cut.
"""

from __future__ import annotations

import http
import os
import socket
import ssl

from engine.errors import AuthenticationError, ConnectRefused
from engine.secret.redaction import Redaction

_EXCERPT = 300
"""Characters of a refusal's body that are worth showing."""

_LOOKED_AT = 16 * 1024
"""Bytes of the body that are looked at for it."""

_NOT_AUTHENTICATED = frozenset({401, 403})


def answered(where: str, status: int, body: bytes, redaction: Redaction) -> ConnectRefused:
    """The peer answered the handshake with an HTTP status of its own."""
    text = redaction.words(" ".join(body[:_LOOKED_AT].decode(errors="replace").split()))
    said = f" It said: {text[:_EXCERPT]}" if text else ""
    name = _name_of(status)
    if status in _NOT_AUTHENTICATED:
        return AuthenticationError(
            f"{where} refused the key with {name}: check the key and its rights.{said}", status=status
        )
    return ConnectRefused(
        f"{where} answered {name} instead of opening a WebSocket: {_advice(status)}.{said}", status=status
    )


def not_a_websocket(where: str, why: str, redaction: Redaction) -> ConnectRefused:
    """The peer answered with something that is not a WebSocket handshake."""
    said = redaction.words(why[:_LOOKED_AT])[:_EXCERPT]
    return ConnectRefused(f"{where} did not open a WebSocket ({said}): check the URL's scheme, port and path")


def no_answer(where: str, seconds: float) -> ConnectRefused:
    """The time to connect has passed."""
    return ConnectRefused(
        f"no WebSocket answer from {where} within {seconds:.3g} s: check the URL and the network, or allow more time"
    )


def unreachable(where: str, error: OSError | UnicodeError) -> ConnectRefused:
    """No TCP connection, or none that can be trusted."""
    if isinstance(error, socket.gaierror | UnicodeError):
        return ConnectRefused(f"the host of {where} cannot be found: check the URL and the network's name resolution")
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectRefused(
            f"the certificate of {where} is not trusted ({error.verify_message}): check the host name and the clock, "
            "or pass an ssl_context that trusts it"
        )
    if isinstance(error, ssl.SSLError):
        return ConnectRefused(f"{where} does not speak TLS ({error.reason}): check the URL's scheme and port")
    return ConnectRefused(
        f"{where} cannot be reached ({_reason(error)}): check that a server runs there and that no firewall is between"
    )


def _name_of(status: int) -> str:
    try:
        return f"{status} {http.HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _advice(status: int) -> str:
    if status == http.HTTPStatus.NOT_FOUND:
        return "check the URL's path and the model's name"
    if status == http.HTTPStatus.TOO_MANY_REQUESTS:
        return "too many requests or sessions, try later"
    if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        return "a fault on its side, try later"
    return "check the URL"


def _reason(error: OSError) -> str:
    """trio tries every address of a host: the cause is then a single error, or a group of one error per address."""
    cause = error.__cause__
    leaves = cause.exceptions if isinstance(cause, BaseExceptionGroup) else [cause or error]
    reasons = {_plain(leaf) for leaf in leaves if isinstance(leaf, OSError)}
    return ", ".join(sorted(reasons)) or str(error)


def _plain(error: OSError) -> str:
    """The system's words, without the addresses that trio puts before them."""
    return os.strerror(error.errno) if error.errno else error.strerror or str(error)
