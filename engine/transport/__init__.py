"""Transports of messages: one interface, implemented over WebSockets (twice) and in memory."""
