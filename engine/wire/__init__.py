"""The Realtime wire protocol as plain data: JSON text on one side, frozen classes on the other.

Pure: no trio, no clock, no sockets. Import the submodule that you need; this package imports nothing itself.
"""
