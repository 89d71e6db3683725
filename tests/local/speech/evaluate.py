"""How well the local model hears: run by hand, ``python -m tests.local.speech.evaluate [--sentences N] [--foreign N]``.

For each voice: how many sentences of the demonstration's grammar are understood to the word, how many are refused, how
many are understood as another sentence; how many sentences that are not the grammar's are taken for one of it; and the
time it takes as a share of the audio's length. Voices are those of the speech extra, and Debian's flite where it is
installed; nothing was set on flite's and on ``espeak-m3``. ``--phone`` sends everything through G.711 at 8 kHz first;
``--held-out`` asks for sentences on which nothing was set, and foreign ones that differ from known ones by a similar
word. What went wrong is listed below each voice.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.audio.g711 import pcm_to_ulaw, ulaw_to_pcm
from engine.audio.resample import resample
from engine.audio.wav import read_wav
from engine.local.dialogue.description import customer_service
from engine.local.speech import espeak
from engine.local.speech.grammar import Grammar
from engine.local.speech.recognizer import GrammarRecognizer, Recognition
from engine.local.speech.searches import RATE
from tests.local.speech.sentences import ELSEWHERE, HELD_OUT, NEAR_MISSES, SEED, drawn, drawn_beside

_SET_ON, _HELD_OUT_SEED = 50, 77
SILENCE = bytes(RATE * 2 * 300 // 1000)
UNUSED = {"espeak-m3": espeak.Timbre("en-us+m3")}
"""Not among the protocol's voices, and nothing was set on it."""
Say = Callable[[str], bytes]


def voices() -> dict[str, Say]:
    """Every voice there is, by name: text to PCM at the recognizer's rate."""
    espeak.TIMBRES.update(UNUSED)
    library = espeak.EspeakSynthesizer()

    def spoken(name: str) -> Say:
        return lambda text: espeak.at_rate(library.speak(text, name, 1.0), RATE)

    found = {name: spoken(name) for name in espeak.TIMBRES}
    if shutil.which("flite"):
        found |= {f"flite-{name}": flite(name) for name in ("slt", "rms", "awb", "kal16")}
    return found


def flite(name: str) -> Say:
    def say(text: str) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "said.wav"
            subprocess.run(["flite", "-voice", name, "-t", text, "-o", str(path)], check=True)
            return read_wav(path, RATE)

    return say


def over_the_phone(pcm: bytes) -> bytes:
    narrow = resample(pcm, RATE, 8_000)
    return resample(ulaw_to_pcm(pcm_to_ulaw(narrow)), 8_000, RATE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=40, help="known ones for each voice")
    parser.add_argument("--foreign", type=int, default=len(ELSEWHERE + NEAR_MISSES), help="others for each voice")
    parser.add_argument("--voices", default="", help="some, apart by commas; all if left out")
    parser.add_argument("--phone", action="store_true")
    parser.add_argument("--held-out", action="store_true", help="only sentences on which nothing was set")
    options = parser.parse_args()
    dialogue = customer_service()
    grammar = Grammar(dialogue.templates, dialogue.slots)
    known = drawn(grammar, options.sentences, SEED)
    everything = ELSEWHERE + NEAR_MISSES
    if options.held_out:
        known = drawn_beside(grammar, options.sentences, _SET_ON, _HELD_OUT_SEED)
        everything = HELD_OUT
    foreign = everything[:: max(1, len(everything) // max(1, options.foreign))][: options.foreign]
    recognizer = GrammarRecognizer(grammar)
    wanted = [name for name in options.voices.split(",") if name]
    print(f"{'voice':12} understood   refused  as another   foreign taken for known   real time")
    for name, say in voices().items():
        if wanted and name not in wanted:
            continue
        sounds = [say(text) for text in (*known, *foreign)]
        if options.phone:
            sounds = [over_the_phone(sound) for sound in sounds]
        sounds = [SILENCE + sound + SILENCE for sound in sounds]
        begun = time.perf_counter()
        heard = [recognizer.hear(sound) for sound in sounds]
        share = (time.perf_counter() - begun) / (sum(map(len, sounds)) / RATE / 2)
        report(name, known, foreign, heard, share)


def report(name: str, known: Sequence[str], foreign: Sequence[str], heard: Sequence[Recognition], share: float) -> None:
    answers = list(zip(known, heard, strict=False))
    others = [(text, one.text) for text, one in answers if one.text not in (text, None)]
    taken = [(text, one.text) for text, one in zip(foreign, heard[len(known) :], strict=True) if one.text is not None]
    right = sum(one.text == text for text, one in answers)
    refused = sum(one.text is None for _, one in answers)
    print(
        f"{name:12} {right:3} of {len(known):3}  {refused:8}  {len(others):10}   {len(taken):8} of {len(foreign):3}"
        f"          {share:10.2f}",
        flush=True,
    )
    for text, guess in others + taken:
        print(f"    {text!r} was understood as {guess!r}", flush=True)


if __name__ == "__main__":
    main()
