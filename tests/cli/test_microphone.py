"""The microphone and the player, with a sound system that is a thread, as PortAudio's is."""

from __future__ import annotations

import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from engine.cli.exit_status import CommandFailed, ExitStatus
from engine.cli.microphone import SpeakerBuffer, open_microphone
from engine.events import AgentEnd
from engine.local.speech.placeholder_synthesizer import tones
from engine.models.local import LocalModel
from tests.cli.support import hold, telepathic_speech

BLOCK = 480 * 2


class PortAudioError(Exception):
    pass


class SoundSystem(types.ModuleType):
    """Stands in for `sounddevice`: what its microphone hears is given, what its player plays is kept."""

    PortAudioError = PortAudioError

    def __init__(self, hears: bytes = b"", *, broken: bool = False) -> None:
        super().__init__("sounddevice")
        self.hears = hears
        self.played = bytearray()
        self.broken = broken
        self.heard_all = threading.Event()

    def RawInputStream(self, *, callback: Callable[..., None], **options: Any) -> Stream:  # noqa: N802
        assert options == {"samplerate": 24_000, "channels": 1, "dtype": "int16", "blocksize": 480}
        return Stream(self, lambda: self._hear(callback))

    def RawOutputStream(self, *, callback: Callable[..., None], **options: Any) -> Stream:  # noqa: N802
        return Stream(self, lambda: self._play(callback))

    def _hear(self, callback: Callable[..., None]) -> None:
        for at in range(0, len(self.hears), BLOCK):
            callback(memoryview(self.hears[at : at + BLOCK].ljust(BLOCK, b"\0")), 480, None, None)
        self.heard_all.set()

    def _play(self, callback: Callable[..., None]) -> None:
        block = bytearray(BLOCK)
        callback(memoryview(block), 480, None, None)
        self.played += block


class Stream:
    """Runs its work once, in a thread, while it is open."""

    def __init__(self, system: SoundSystem, work: Callable[[], None]) -> None:
        if system.broken:
            raise PortAudioError("Error querying device -1")
        self._thread = threading.Thread(target=work)

    def __enter__(self) -> Stream:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.join()


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[types.ModuleType], None]:
    return lambda module: monkeypatch.setitem(sys.modules, "sounddevice", module)


def test_what_waits_is_played_and_then_silence() -> None:
    speaker = SpeakerBuffer()
    speaker.play(b"abcd")
    speaker.play(b"ef")
    assert [speaker.take(4), speaker.take(4), speaker.take(2)] == [b"abcd", b"ef\0\0", b"\0\0"]


def test_silence_at_once() -> None:
    speaker = SpeakerBuffer()
    speaker.play(b"abcd")
    speaker.stop()
    assert speaker.take(2) == b"\0\0"


async def test_a_voice_crosses_from_the_sound_system_s_thread(
    tmp_path: Path, install: Callable[[types.ModuleType], None]
) -> None:
    """The caller asks into the microphone, and the call is over when nothing more is heard."""
    spoken = tones("where is my order") + bytes(BLOCK * 30)
    system = SoundSystem(spoken)
    install(system)
    with open_microphone() as microphone:
        await trio.to_thread.run_sync(system.heard_all.wait)
        heard: list[bytes] = []
        with trio.move_on_after(1):
            while len(heard) * BLOCK < len(spoken):
                heard.append(await microphone.frames.receive())
    assert b"".join(heard)[: len(spoken)] == spoken


async def test_a_call_by_microphone(
    tmp_path: Path, install: Callable[[types.ModuleType], None], autojump_clock: object
) -> None:
    system = SoundSystem()
    install(system)
    model = LocalModel(speech=telepathic_speech(["where is my order"]))
    with open_microphone() as microphone:
        assert not microphone.speaks
        held = await hold(tmp_path, caller=microphone, model=model, device=microphone.speaker, hang_up_after=0.6)
    assert held.outcome.reason == "Ctrl-C"
    assert [event.reason for event in held.of(AgentEnd)] == ["session_closed"], "it was greeting the caller"
    assert microphone.speaker.take(2) == b"\0\0", "a call that is over is silent"


async def test_without_a_device(install: Callable[[types.ModuleType], None]) -> None:
    install(SoundSystem(broken=True))
    with pytest.raises(CommandFailed, match="no usable microphone and loudspeaker") as failed, open_microphone():
        raise AssertionError("unreachable")
    assert failed.value.status is ExitStatus.EXTRA_MISSING


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModuleNotFoundError("sounddevice"), r"pip install 'engine\[mic\]'"),
        (OSError("PortAudio library not found"), "libportaudio2"),
    ],
)
async def test_without_the_extra(error: Exception, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> object:
        raise error

    monkeypatch.setattr("engine.cli.microphone.importlib.import_module", refuse)
    with pytest.raises(CommandFailed, match=words) as failed, open_microphone():
        raise AssertionError("unreachable")
    assert failed.value.status is ExitStatus.EXTRA_MISSING
