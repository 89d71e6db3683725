"""Tls: one TLS session without a socket. Ciphertext in, plaintext out, and the other way round.

`trio.SSLStream` hands out one record, at most 16 KiB, per call and per checkpoint. Here everything that one read from
the socket brought is decrypted at once, and what TLS itself wants to say goes out through the same buffer as the data,
so that reading never waits for writing.
"""

from __future__ import annotations

import ssl

_RECORD = 2**14
"""The most plaintext one TLS record can hold (RFC 8446, 5.1)."""


class Tls:
    """The client's end of one TLS session."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._session = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self.ended = False
        """The peer said that no more data will come."""

    def feed(self, ciphertext: bytes) -> None:
        """Take what the socket brought; nothing at all means that the socket has ended."""
        if ciphertext:
            self._incoming.write(ciphertext)
        else:
            self._incoming.write_eof()

    def shake_hands(self) -> bool:
        """Go on with the handshake as far as what was fed allows. True once it is complete.

        Raises:
            ssl.SSLError: the peer cannot be trusted, or does not speak TLS.
        """
        try:
            self._session.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def decrypt(self) -> bytes:
        """All plaintext in what was fed; empty if there is no complete record yet.

        Raises:
            ssl.SSLError: the peer broke the TLS protocol.
        """
        records: list[bytes] = []
        while not self.ended:
            try:
                record = self._session.read(_RECORD)
            except ssl.SSLWantReadError:
                break
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                record = b""
            if record:
                records.append(record)
            else:
                self.ended = True
        return records[0] if len(records) == 1 else b"".join(records)

    def encrypt(self, plaintext: bytes) -> None:
        """Put `plaintext` into `outgoing`."""
        self._session.write(plaintext)

    def say_goodbye(self) -> None:
        """Put the closing alert into `outgoing`. The peer's own is not waited for: the WebSocket closed already."""
        try:
            self._session.unwrap()
        except ssl.SSLError:
            return

    def outgoing(self) -> bytes:
        """The ciphertext that is to be sent now, in order; it is handed out once."""
        return self._outgoing.read()
