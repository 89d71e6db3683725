"""Secrets on the command line and in the environment: options, the local model's own keys, a call that is refused."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import pytest
import trio
from websockets.server import ServerProtocol

from engine.cli.exit_status import CommandFailed
from engine.cli.model_choice import choose_model
from engine.cli.serve_options import add_serve_arguments, serve_options
from engine.cli.talk_options import add_talk_arguments, talk_options
from engine.local.admission import UpgradeRequest, refusal_of
from engine.local.settings.options import LocalOptions
from tests.cli.test_main import run
from tests.secrets.printing import Paper
from tests.secrets.servers import SERVERS
from tests.secrets.test_secrets import assert_hidden
from tests.transport.links import listening
from tests.transport.peer import Peer

KEY, OTHER = "Zx9Qw8Er7Ty6Ui5Op4", "Mn2Bv4Cx6Lk8Jh0Gf"


def test_options() -> None:
    paper = Paper()
    parser = argparse.ArgumentParser()
    add_serve_arguments(parser)
    given = parser.parse_args(["--key", KEY, "--chat", f"https://u:{KEY}@a.test/v1?key={OTHER}"])
    paper.show("given", given)
    paper.show("options", serve_options(given))
    assert serve_options(given).api_keys == {KEY}
    parser = argparse.ArgumentParser()
    add_talk_arguments(parser)
    given = parser.parse_args(["--model", f"wss://a.test/v1?api-key={KEY}"])
    paper.show("given", given)
    options = talk_options(given)
    paper.show("options", options)
    paper.show("choice", choose_model(options.model, {"ENGINE_API_KEY": OTHER}))
    for wrong in (f"https://a.test/v1?api-key={KEY}", f"ftp://u:{KEY}@a.test/", f"ws://u:{KEY}@[/"):
        with pytest.raises(CommandFailed) as refused:
            choose_model(wrong, {})
        paper.fail("refusal", refused.value)
    assert_hidden(paper, [KEY, OTHER])


def test_keys_of_the_local_model() -> None:
    paper = Paper()
    options = LocalOptions(api_keys=frozenset({KEY}))
    paper.show("options", options)
    for key, taken in ((KEY, True), (OTHER, False)):
        for headers in ([(b"authorization", f"Bearer {key}".encode())], [(b"api-key", key.encode())]):
            request = UpgradeRequest.of("/v1/realtime", headers, ())
            paper.show("request", request)
            refusal = refusal_of(request, options)
            assert (refusal is None) is taken
            paper.show("refusal", refusal)
    assert_hidden(paper, [KEY, OTHER])


@pytest.mark.parametrize("name", ["401", "an error and a close"])
async def test_a_call(name: str, tmp_path: Path) -> None:
    sent: list[str] = []

    async def serve(stream: trio.SocketStream) -> None:
        try:
            await SERVERS[name](Peer(stream, ServerProtocol()), [KEY, OTHER], sent)
        except (trio.BrokenResourceError, EOFError):
            return

    paper = Paper()
    async with listening(serve) as port:
        url = f"ws://127.0.0.1:{port}/v1/realtime?api-key={OTHER}"
        arguments = ["talk", "--text", "--json", "--model", url, "--out", "call"]
        call = partial(run, *arguments, cwd=tmp_path, stdin="", ENGINE_API_KEY=KEY)
        done = await trio.to_thread.run_sync(call)
    paper.add("output", done.stdout + done.stderr)
    paper.files("call", tmp_path)
    assert KEY in "".join(sent)
    assert OTHER in "".join(sent)
    assert_hidden(paper, [KEY, OTHER])
