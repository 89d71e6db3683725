"""The command line: what it says, where it says it, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from engine.cli.exit_status import CommandFailed, ExitStatus
from engine.cli.main import main
from engine.cli.talk import talk
from engine.cli.talk_options import TalkOptions
from engine.errors import EngineError
from engine.local.speech.parts import SpeechParts, without_speech
from tests.cli.support import demo_speech, virtual

ENGINE = [sys.executable, "-c", "import sys; from engine.cli.main import main; sys.exit(main())"]


def run(*arguments: str, cwd: Path, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with an environment without keys."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    return subprocess.run(
        [*ENGINE, *arguments], cwd=cwd, input=stdin, env=kept | environment, capture_output=True, text=True, timeout=60
    )


# --- what is said before a call


def test_help_has_examples_and_every_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["talk", "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert "engine talk --audio one.wav --audio two.wav" in text
    for status in ExitStatus:
        assert f"{status.value}  {status.meaning}" in text


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("engine ")


def test_help_and_version_load_nothing_heavy(tmp_path: Path) -> None:
    code = "import sys\nfrom engine.cli.main import main\ntry: main(['--version'])\nexcept SystemExit: pass\n"
    code += "print([name for name in ('trio', 'rich', 'websockets') if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout
    assert out.splitlines()[-1] == "[]"


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "engine serve" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("word", "hint"), [("tlak", "did you mean 'talk'?"), ("server", "did you mean 'serve'?"), ("xyz", "talk, serve")]
)
def test_an_unknown_command(word: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word]) == ExitStatus.USAGE
    said = capsys.readouterr()
    assert hint in said.err
    assert said.out == ""


@pytest.mark.parametrize("wrong", [["talk", "--mic", "--text"], ["talk", "--colour"], ["serve", "--port", "many"]])
def test_a_wrong_option(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == ExitStatus.USAGE


# --- calls that cannot begin: each has a status of its own, one line, and leaves nothing


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--audio", "nothing.wav"], ExitStatus.NO_SUCH_FILE, "nothing.wav: No such file"),
        (["--audio", "."], ExitStatus.NO_SUCH_FILE, "Is a directory"),
        (["--audio", "text.wav"], ExitStatus.NOT_AUDIO, "not WAV audio"),
        (["--agent", "nothing.py:agent"], ExitStatus.NO_SUCH_FILE, "no file nothing.py"),
        (["--agent", "no_such_module:agent"], ExitStatus.BAD_AGENT, "no_such_module cannot be imported"),
        (["--model", "openai:gpt-realtime"], ExitStatus.NO_KEY, "OPENAI_API_KEY"),
        (["--model", "nonsense"], ExitStatus.UNKNOWN_MODEL, "there is no model 'nonsense'"),
        (
            ["--text", "--model", "ws://127.0.0.1:1/v1/realtime"],
            ExitStatus.UNREACHABLE,
            "127.0.0.1:1 cannot be reached",
        ),
        (["--text", "--voice", "nobody", "--out", "text.wav"], ExitStatus.FAILED, "cannot be recorded in text.wav"),
    ],
    ids=lambda value: value.name if isinstance(value, ExitStatus) else None,
)
def test_calls_that_cannot_begin(
    arguments: list[str],
    status: ExitStatus,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "text.wav").write_text("this is not audio")
    ended = run("talk", *arguments, cwd=tmp_path)
    assert ended.returncode == status
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("engine: ")
    assert words in last
    assert "Traceback" not in ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text.wav"]


# --- a call from the command line, in virtual time


def test_a_whole_call_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = talk(TalkOptions(out=tmp_path / "call"), clock=virtual(), opens_speech=demo_speech)
    assert status is ExitStatus.DONE
    said = capsys.readouterr()
    assert said.err == ""
    for words in (
        "Calling Customer Service (the local model)",
        "where is my order",
        'get_order_status(order_number="4712")',
        "interrupted      after 4.",
        "Customer Service → Billing",
        "5 of 5 turns were answered aloud",
    ):
        assert words in said.out
    text = (tmp_path / "call" / "transcript.txt").read_text()
    assert "I have refunded order 4 7 1 2." in text
    assert "5 of 5 turns were answered aloud" in text
    with wave.open(str(tmp_path / "call" / "call.wav")) as file:
        assert 25 < file.getnframes() / 24_000 < 45


def test_without_speech_it_says_so_once_and_types(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    @asynccontextmanager
    async def nothing() -> AsyncIterator[SpeechParts]:
        yield without_speech()

    assert talk(TalkOptions(out=tmp_path / "call"), clock=virtual(), opens_speech=nothing) is ExitStatus.DONE
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("The speech extra is not installed") == 1
    assert "pip install 'engine[speech]'" in said
    assert "Where is my order?" in said
    assert "5 of 5 turns were answered aloud" in said


def test_json_has_standard_output_for_itself(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    options = TalkOptions(out=tmp_path / "call", json=True)
    assert talk(options, clock=virtual(), opens_speech=demo_speech) is ExitStatus.DONE
    said = capfdbinary.readouterr()
    assert said.out == (tmp_path / "call" / "events.jsonl").read_bytes()
    types = [json.loads(line)["type"] for line in said.out.splitlines()]
    assert (types[0], types[-1]) == ("call_began", "call_ended")
    assert b"where is my order" in said.err


def test_quiet_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = TalkOptions(out=tmp_path / "call", quiet=True)
    assert talk(options, clock=virtual(), opens_speech=demo_speech) is ExitStatus.DONE
    assert capsys.readouterr() == ("", "")
    assert (tmp_path / "call" / "transcript.txt").exists()


def test_a_recording_is_said_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from engine.local.speech.placeholder_synthesizer import tones

    for name, rate, channels in (("one.wav", 24_000, 1), ("two.wav", 44_100, 2)):
        with wave.open(str(tmp_path / name), "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(tones("where is my order"))
    options = TalkOptions(out=tmp_path / "call", audio=(tmp_path / "one.wav", tmp_path / "two.wav"))
    assert talk(options, clock=virtual(), opens_speech=demo_speech) is ExitStatus.DONE
    said = capsys.readouterr().out
    assert "where is my order" in said
    assert "my order number is four seven one two" in said
    assert "2 of 2 turns were answered aloud" in said


def test_a_refused_setting_is_told_in_the_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = TalkOptions(out=tmp_path / "call", voice="nobody")
    assert talk(options, clock=virtual(), opens_speech=demo_speech) is ExitStatus.DONE
    assert "nobody" in capsys.readouterr().out


def test_an_agent_of_one_s_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.py").write_text(
        "from engine import RealtimeAgent\nme = RealtimeAgent('Me', instructions='Say exactly: \"My own words.\"')"
    )
    options = TalkOptions(out=tmp_path / "call", agent=f"{tmp_path}/own.py:me")
    assert talk(options, clock=virtual(), opens_speech=demo_speech) is ExitStatus.DONE
    assert "Me               My own words." in capsys.readouterr().out


# --- a call from the command line, for real


def begin(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*ENGINE, *arguments],
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, ExitStatus.INTERRUPTED), (signal.SIGTERM, ExitStatus.TERMINATED)]
)
def test_a_signal_ends_a_call_and_what_was_recorded_is_written(
    number: signal.Signals, status: ExitStatus, tmp_path: Path
) -> None:
    call = begin("talk", "--text", "--json", "--out", "call", cwd=tmp_path)
    assert call.stdout is not None
    for line in call.stdout:
        if json.loads(line)["type"] == "transcript_done":
            break
    call.send_signal(number)
    out, err = call.communicate(timeout=30)
    assert call.returncode == status, err
    assert "Traceback" not in err
    assert json.loads(out.splitlines()[-1])["type"] == "call_ended"
    assert "Hello, this is customer service." in (tmp_path / "call" / "transcript.txt").read_text()
    with wave.open(str(tmp_path / "call" / "call.wav")) as file:
        assert file.getnframes() > 0
    assert (tmp_path / "call" / "events.jsonl").read_text().splitlines()[-1] == out.splitlines()[-1]


def test_a_reader_that_goes_away_ends_the_call(tmp_path: Path) -> None:
    call = begin("talk", "--text", "--json", "--out", "call", cwd=tmp_path)
    assert call.stdout is not None
    assert json.loads(call.stdout.readline())["type"] == "call_began"
    call.stdout.close()
    call.stdout = None
    _, err = call.communicate(timeout=30)
    assert "Traceback" not in err
    assert "Exception ignored" not in err
    last = (tmp_path / "call" / "events.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["reason"] == "nobody reads the output any more"


# --- the server


def test_a_server_says_where_it_is_and_stops_when_told(tmp_path: Path) -> None:
    server = begin("serve", "--json", "--latency", "none", cwd=tmp_path)
    assert server.stdout is not None
    told = json.loads(server.stdout.readline())
    assert told["type"] == "serving"
    assert told["url"] == f"ws://127.0.0.1:{told['port']}/v1/realtime"
    ended = run(
        "talk",
        "--text",
        "--no-greeting",
        "--model",
        told["url"],
        "--out",
        "call",
        cwd=tmp_path,
        stdin="Where is order 4712?\n",
    )
    assert ended.returncode == 0, ended.stderr
    assert "get_order_status" in ended.stdout
    server.send_signal(signal.SIGINT)
    _, err = server.communicate(timeout=30)
    assert server.returncode == 0, err
    assert "Traceback" not in err


def test_a_server_for_people(tmp_path: Path) -> None:
    server = begin("serve", cwd=tmp_path)
    assert server.stdout is not None
    assert server.stdout.readline().startswith("ws://127.0.0.1:")
    server.send_signal(signal.SIGTERM)
    server.communicate(timeout=30)
    assert server.returncode == ExitStatus.TERMINATED


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--key", "right"], ExitStatus.KEY_REFUSED),
        (["--only-model", "another"], ExitStatus.UNKNOWN_MODEL),
    ],
)
def test_a_server_that_turns_callers_away(arguments: list[str], status: ExitStatus, tmp_path: Path) -> None:
    server = begin("serve", "--json", *arguments, cwd=tmp_path)
    assert server.stdout is not None
    url = json.loads(server.stdout.readline())["url"]
    ended = run("talk", "--text", "--model", url, "--out", "call", cwd=tmp_path, ENGINE_API_KEY="wrong")
    server.kill()
    server.communicate(timeout=30)
    assert ended.returncode == status, ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "call").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--dialogue", "nothing.toml"], ExitStatus.NO_SUCH_FILE, "there is no file"),
        (["--dialogue", "broken.toml"], ExitStatus.USAGE, "is not TOML"),
        (["--speed", "0"], ExitStatus.USAGE, "speed"),
        (["--host", "192.0.2.1"], ExitStatus.FAILED, "cannot be served"),
        (["--chat", "nonsense"], ExitStatus.USAGE, "http"),
    ],
)
def test_servers_that_cannot_begin(arguments: list[str], status: ExitStatus, words: str, tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("= no")
    ended = run("serve", *arguments, cwd=tmp_path)
    assert ended.returncode == status, ended.stderr
    assert words in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


def test_command_failures_carry_their_status() -> None:
    assert CommandFailed(ExitStatus.NO_KEY, "x").status is ExitStatus.NO_KEY


# --- speech that fails


def test_a_signal_before_the_call_begins_ends_it_too(tmp_path: Path) -> None:
    code = (
        "import sys, trio, signal, os\n"
        "from contextlib import asynccontextmanager\n"
        "from pathlib import Path\n"
        "from engine.cli.talk import talk\n"
        "from engine.cli.talk_options import TalkOptions\n"
        "@asynccontextmanager\n"
        "async def slow():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    await trio.sleep_forever()\n"
        "    yield\n"
        "sys.exit(talk(TalkOptions(out=Path('call')), opens_speech=slow))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (ExitStatus.INTERRUPTED, "")
    assert list(tmp_path.iterdir()) == []


def test_speech_that_does_not_start(tmp_path: Path) -> None:
    @asynccontextmanager
    async def broken() -> AsyncIterator[SpeechParts]:
        raise EngineError("speech does not start: no voice")
        yield

    with pytest.raises(CommandFailed, match="no voice") as failed:
        talk(TalkOptions(out=tmp_path / "call"), clock=virtual(), opens_speech=broken)
    assert failed.value.status is ExitStatus.FAILED


def test_speech_that_ends_in_mid_call_leaves_what_was_recorded(tmp_path: Path) -> None:
    @asynccontextmanager
    async def mortal() -> AsyncIterator[SpeechParts]:
        async with demo_speech() as parts:
            with trio.move_on_after(6):
                yield parts
        raise EngineError("the speech process has ended")

    with pytest.raises(CommandFailed, match="the speech process has ended"):
        talk(TalkOptions(out=tmp_path / "call", quiet=True), clock=virtual(), opens_speech=mortal)
    assert "Hello, this is customer service." in (tmp_path / "call" / "transcript.txt").read_text()
    with wave.open(str(tmp_path / "call" / "call.wav")) as file:
        assert file.getnframes() > 3 * 24_000
