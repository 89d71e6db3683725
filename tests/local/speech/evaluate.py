"""How well the local model hears: run by hand, ``python -m tests.local.speech.evaluate [--sentences N]``.

For each voice: how many sentences of the demonstration's grammar are understood to the word, how many are wrongly
refused, how many sentences from elsewhere are wrongly understood, and the time it takes as a share of the audio's
length. Voices are those of the speech extra, and Debian's flite where it is installed. ``--phone`` sends everything
through G.711 at 8 kHz first.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from engine.audio.g711 import pcm_to_ulaw, ulaw_to_pcm
from engine.audio.resample import resample
from engine.audio.wav import read_wav
from engine.local.dialogue.description import customer_service
from engine.local.speech import espeak, recogniser
from engine.local.speech.grammar import Grammar

ELSEWHERE = """
the quick brown fox jumps over the lazy dog; she sells sea shells by the sea shore; how tall is mount everest;
the stock market fell sharply this morning; my brother plays the violin in a band; book me a flight to barcelona;
they painted the kitchen yellow last summer; the train to glasgow leaves from platform nine; elephants never forget;
who won the world cup in nineteen ninety eight; play some jazz music in the living room; my dog is very sick;
turn off the lights in the bedroom; set an alarm for half past six; how many calories are in a banana;
translate this sentence into portuguese; i am allergic to peanuts and shellfish; remind me to water the plants;
where is the nearest hospital; i would like to order a large pizza; what is the price of gold; open the window;
can you check my homework; who is the president of france; do you believe in ghosts; you are completely useless;
it was the best of times it was the worst of times; my credit card was stolen in lisbon; how is your mother;
thank heavens for little girls; i need help with my divorce; what is the meaning of life; please call my wife
"""

SILENCE = bytes(recogniser.RATE * 2 * 300 // 1000)
Say = Callable[[str], bytes]


def voices() -> dict[str, Say]:
    """Every voice there is, by name: text to PCM at the recogniser's rate."""
    library = espeak.Synthesiser()

    def spoken(name: str) -> Say:
        return lambda text: resample(library.speak(text, name, 1.0), espeak.RATE, recogniser.RATE)

    found = {f"espeak {name}": spoken(name) for name in ("alloy", "ash", "coral", "echo", "cedar")}
    if shutil.which("flite"):
        found |= {f"flite {name}": flite(name) for name in ("slt", "rms", "awb", "kal16")}
    return found


def flite(name: str) -> Say:
    def say(text: str) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "said.wav"
            subprocess.run(["flite", "-voice", name, "-t", text, "-o", str(path)], check=True)
            return read_wav(path, recogniser.RATE)

    return say


def over_the_phone(pcm: bytes) -> bytes:
    narrow = resample(pcm, recogniser.RATE, 8_000)
    return resample(ulaw_to_pcm(pcm_to_ulaw(narrow)), 8_000, recogniser.RATE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=60)
    parser.add_argument("--phone", action="store_true")
    options = parser.parse_args()
    dialogue = customer_service()
    grammar = Grammar(dialogue.templates, dialogue.slots)
    draw = random.Random(5)
    templates = draw.sample(list(grammar.templates), min(options.sentences, len(grammar.templates)))
    known = [
        " ".join(draw.choice(grammar.slots[t[1:-1]]) if t.startswith("{") else t for t in template.split())
        for template in templates
    ]
    unknown = [sentence.strip() for sentence in ELSEWHERE.replace("\n", " ").split(";")]
    ears = recogniser.Recogniser(grammar)
    print(f"{'voice':16} understood  refused  wrong   taken for known   real time")
    for name, say in voices().items():
        audio, spent = 0.0, 0.0

        def hear(text: str, say: Say = say) -> recogniser.Recognition:
            nonlocal audio, spent
            pcm = SILENCE + (over_the_phone(say(text)) if options.phone else say(text)) + SILENCE
            begun = time.process_time()
            heard = ears.hear(pcm)
            spent += time.process_time() - begun
            audio += len(pcm) / recogniser.RATE / 2
            return heard

        answers = [(text, hear(text)) for text in known]
        right = sum(heard.text == text for text, heard in answers)
        refused = sum(heard.text is None for _, heard in answers)
        taken = sum(hear(text).text is not None for text in unknown)
        wrong = len(known) - right - refused
        print(
            f"{name:16} {right:3} of {len(known):3}  {refused:7}  {wrong:5}   {taken:6} of {len(unknown):3}"
            f"     {spent / audio:9.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
