"""The speech child: hears and speaks what its parent asks for, one request after another, until its input ends.

The recogniser holds the interpreter lock for seconds (measured: 3.7 of 4.4 s), so it must not share a process with
anything that has to be on time. Start it with ``python -m engine.local.speech.worker``; the first frame it reads is
the grammar.
"""

from __future__ import annotations

import os
import signal
import sys

from engine.audio.resample import resample
from engine.local.speech import espeak, recogniser
from engine.local.speech.frames import Head, Unpacker, pack
from engine.local.speech.grammar import Grammar

RATE = 24_000
_READ = 1 << 16


def main() -> None:
    """Serve until the parent is gone."""
    # Ctrl-C goes to the whole terminal; the parent decides what ends, and closes our input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    unpacker = Unpacker()
    waiting = _frames(unpacker)
    if waiting is None:
        return
    (first, _), *rest = waiting
    try:
        ears = recogniser.Recogniser(Grammar(tuple(first["templates"]), first["slots"]))
        voice = espeak.Synthesiser()
    except Exception as error:  # whatever is wrong, the parent has to say it
        _write(pack({"error": f"{type(error).__name__}: {error}"}))
        return
    _write(pack({"ready": True}))
    while True:
        for head, body in rest:
            _write(_answer(ears, voice, head, body))
        if (more := _frames(unpacker)) is None:
            return
        rest = more


def _answer(ears: recogniser.Recogniser, voice: espeak.Synthesiser, head: Head, body: bytes) -> bytes:
    if head["do"] == "hear":
        heard = ears.hear(resample(body, RATE, recogniser.RATE))
        return pack({"id": head["id"], "text": heard.text})
    spoken = voice.speak(head["text"], head["voice"], head["speed"])
    return pack({"id": head["id"]}, resample(spoken, espeak.RATE, RATE))


def _frames(unpacker: Unpacker) -> list[tuple[Head, bytes]] | None:
    """The next frames, at least one; None at the end of the input."""
    while data := os.read(sys.stdin.fileno(), _READ):
        if frames := unpacker.feed(data):
            return frames
    return None


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(sys.stdout.fileno(), view) :]


if __name__ == "__main__":
    main()
