"""The Realtime protocol as plain data: JSON text to frozen classes and back, and audio formats.

Pure: no trio, no clock, no sockets. Import the submodule that you need; this package imports nothing itself.
"""
