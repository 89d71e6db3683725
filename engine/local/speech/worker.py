"""A speech process: hears or speaks what its parent asks for, one request after another, until its input ends.

The recognizer holds the interpreter lock for seconds (measured: 3.7 of 4.4 s), and the synthesizer is a GPL library of
which a process has one: neither belongs into the process that has to be on time. Started with
``python -m engine.local.speech.worker hear`` (or ``speak``).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache

from engine.errors import SettingsError
from engine.local.speech.frames import Head, Unpacker, pack
from engine.wire.formats import PCM16

RATE = PCM16.rate
_READ = 1 << 16
_NICENESS = 10
"""The process that has to be on time goes first, where cores are few."""
_KEPT_SENTENCES = 64
"""A dialogue repeats itself; a sentence is about 150 kB."""

_Answer = Callable[[Head, bytes], tuple[Head, bytes]]


def main() -> None:
    """Serve until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    makers: dict[str, Callable[[Head], _Answer]] = {"hear": _hearing, "speak": _speaking}
    requests = _requests()
    hello = next(requests, None)
    if hello is None:
        return
    try:
        answer = makers[sys.argv[1]](hello[0])
    except Exception as error:  # whatever is wrong, the parent has to say it
        _write({"error": f"{error}" or type(error).__name__, "settings": isinstance(error, SettingsError)})
        return
    _write({})
    for head, body in requests:
        try:
            _write(*answer(head, body))
        except (RuntimeError, OSError) as error:
            _write({"error": str(error)})


def _hearing(hello: Head) -> _Answer:
    from engine.local.speech.grammar import Grammar
    from engine.local.speech.recognizer import GrammarRecognizer

    slots = {name: tuple(values) for name, values in hello["slots"].items()}
    recognizer = GrammarRecognizer(Grammar(tuple(hello["templates"]), slots))
    return lambda head, body: ({"text": recognizer.hear(body).text}, b"")


def _speaking(_: Head) -> _Answer:
    from engine.local.speech import espeak

    voice = espeak.EspeakSynthesizer()

    @lru_cache(maxsize=_KEPT_SENTENCES)
    def said(text: str, name: str, speed: float) -> bytes:
        return espeak.at_rate(voice.speak(text, name, speed), RATE)

    return lambda head, body: ({}, said(head["text"], head["voice"], head["speed"]))


def _requests() -> Iterator[tuple[Head, bytes]]:
    unpacker = Unpacker()
    while data := os.read(sys.stdin.fileno(), _READ):
        yield from unpacker.feed(data)


def _write(head: Head, body: bytes = b"") -> None:
    view = memoryview(pack(head, body))
    while view:
        view = view[os.write(sys.stdout.fileno(), view) :]


if __name__ == "__main__":
    main()
