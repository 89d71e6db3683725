"""`engine talk` with servers that wait for the client's first word, or refuse in the middle of the call."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import trio
from websockets.exceptions import ConnectionClosed
from websockets.server import ServerProtocol

from engine.cli.exit_status import ExitStatus
from engine.wire.server_events import ErrorDetail, ErrorEvent, SessionUpdated
from engine.wire.session import Session
from tests.cli.test_main import run
from tests.session.sockets import CREATED, text_of
from tests.transport.links import listening
from tests.transport.peer import Peer

UPDATED = text_of(SessionUpdated(Session(model="gpt-realtime")))
BAD_KEY = text_of(ErrorEvent(ErrorDetail("server_error", "litellm.AuthenticationError: Incorrect API key provided")))
NO_MODEL = text_of(ErrorEvent(ErrorDetail("invalid_request_error", "no such model", "model_not_found")))


@pytest.mark.parametrize("announces", [True, False])
@pytest.mark.parametrize(
    ("said", "code", "status"),
    [
        ([BAD_KEY], 1011, ExitStatus.KEY_REFUSED),
        ([], 3000, ExitStatus.KEY_REFUSED),
        ([NO_MODEL], 1008, ExitStatus.UNKNOWN_MODEL),
        ([], 1011, ExitStatus.FAILED),
    ],
)
async def test_how_a_call_that_the_server_ends_is_told(
    announces: bool, said: list[str], code: int, status: ExitStatus, tmp_path: Path
) -> None:
    async def serve(stream: trio.SocketStream) -> None:
        peer = Peer(stream, ServerProtocol())
        try:
            await peer.accept()
            if announces:
                await peer.say(CREATED)
            while "session.update" not in await peer.hear():
                pass
            await peer.say(UPDATED)
            while "response.create" not in await peer.hear():
                pass
            await peer.say(*said)
            await peer.say_goodbye(code)
            await peer.hear_goodbye()
        except (trio.BrokenResourceError, EOFError, ConnectionClosed):
            return

    async with listening(serve) as port:
        arguments = ["talk", "--text", "--model", f"ws://127.0.0.1:{port}/v1/realtime", "--out", "call"]
        if not announces:
            arguments.append("--server-waits")
        done = await trio.to_thread.run_sync(partial(run, *arguments, cwd=tmp_path, stdin="hello\n"))
    assert done.returncode == status, done.stderr
    assert "the call broke off" in done.stderr
