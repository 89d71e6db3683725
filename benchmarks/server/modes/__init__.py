"""What the server plays to one session: one mode, one file. Each is `async def play(connection, run)`."""
