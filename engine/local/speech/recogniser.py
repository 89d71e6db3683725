"""Recognition: the sentences of a grammar, and nothing else presented as one. Runs in the child process.

Two searches hear every utterance. One can only say sentences of the grammar, so it always finds some; the other may
say any phones in any order, so it always fits better. Whether the sentence was really said is judged by what the two
have in common:

    fit         how much better the phones fit, on the whole and over the worst half second: words that the caller
                did not say fit badly somewhere, even where most of a sentence fits well
    coverage    the share of what sounds like phones that the sentence accounts for, instead of leaving it to silence
    distance    how unlike the babbled phones are to those of the sentence

The weights and the threshold are those that wrongly refused 5 of 279 sentences of the demonstration in six voices
(flite slt and rms; eSpeak en-us, en-us+f3, en-us+m3, en-gb) where 2 % of other people's sentences were wrongly taken
for known; `tests/local/speech/evaluate.py` measures again.
"""

from __future__ import annotations

import array
import math
import random
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import attrs

from engine.local.speech.grammar import END, START, Grammar, sentence_pattern
from engine.local.speech.phones import distance, pronounced
from engine.local.speech.pronunciation import pronunciations

RATE = 16_000
"""What the acoustic model was trained at."""

_CHUNK = 4096
_DITHER = 15.0
"""Standard deviation, of 32768: about -67 dBFS."""
_WINDOW = 45
"""Frames (of 10 ms) of the stretch that fits worst."""
_WHOLE_WEIGHT, _COVERAGE_WEIGHT, _DISTANCE_WEIGHT = 0.6, 2.0, 4.0
_LEAST_TRUST = -2.34
_FLAT = [40.0] + [0.0] * 12
_CMN_WEIGHT = 500
"""How many frames the recogniser takes its prior mean for (its default window)."""
_SILENCES = "<s> SIL\n</s> SIL\n<sil> SIL\n"
"""The only filler is silence: the model's noises would swallow words that are not in the grammar."""
_FILLERS = frozenset({"<s>", "</s>", "<sil>", "SIL", "[NOISE]", "+NSN+", "+SPN+"})
_PHONE_SHIFT = 1024
"""The phone search reports acoustic scores in units this much coarser than the grammar search does."""


@attrs.frozen
class Recognition:
    """What was heard."""

    text: str | None
    """The sentence; None if it was none of the grammar's."""
    guess: str | None
    """What it would have been, had it been one."""
    trust: float
    """How sure that it was really said; the more the better, see the top of this file."""


class Recogniser:
    """Hears sentences of one grammar."""

    def __init__(self, grammar: Grammar) -> None:
        import pocketsphinx

        pocketsphinx.set_loglevel("FATAL")
        self._pattern = sentence_pattern(grammar)
        models = Path(pocketsphinx.get_model_path()) / "en-us"
        with tempfile.TemporaryDirectory() as folder:
            known_words = pronunciations(grammar.words(), models / "cmudict-en-us.dict")
            self._pronounced = pronounced(known_words)
            dictionary = Path(folder) / "words.dict"
            dictionary.write_text(known_words, encoding="utf-8")
            fillers = Path(folder) / "fillers.dict"
            fillers.write_text(_SILENCES, encoding="utf-8")
            settings = {
                "fdict": str(fillers),
                "hmm": str(models / "en-us"),
                "dict": str(dictionary),
                "lm": None,
                "loglevel": "FATAL",
                "compallsen": True,
            }
            self._sentences = pocketsphinx.Decoder(pocketsphinx.Config(**settings))
            self._phones = pocketsphinx.Decoder(pocketsphinx.Config(**settings))
        arcs, _ = grammar.network()
        known = [arc if arc[3] else arc[:3] for arc in arcs]
        network = self._sentences.create_fsg("sentences", START, END, known)
        self._sentences.add_fsg("sentences", network)
        self._sentences.activate_search("sentences")
        self._phones.add_allphone_file("phones", None)
        self._phones.activate_search("phones")

    def hear(self, pcm: bytes) -> Recognition:
        """Recognise one utterance of mono 16-bit PCM at RATE. Neither search remembers the one before."""
        pcm = dithered(pcm)
        mean = self._mean(pcm)
        sentence = _run(self._sentences, pcm, mean, 1)
        babble = _run(self._phones, pcm, mean, _PHONE_SHIFT)
        guess = sentence.text
        if guess is None or not self._pattern.fullmatch(guess):
            return Recognition(None, guess, -math.inf)
        expected = [phone for word in guess.split() for phone in self._pronounced[word]]
        trust = _fit(sentence, babble) + _COVERAGE_WEIGHT * _coverage(sentence, babble)
        trust -= _DISTANCE_WEIGHT * distance(babble.spoken, expected)
        return Recognition(guess if trust >= _LEAST_TRUST else None, guess, trust)

    def _mean(self, pcm: bytes) -> str:
        """The cepstral mean of the whole utterance: without it, the first words of a new voice are misheard."""
        decoder = self._sentences
        decoder.set_cmn(_listed(_FLAT))
        decoder.start_utt()
        _feed(decoder, pcm, no_search=True)
        decoder.end_utt()
        frames = max(1, decoder.n_frames())
        after = [float(value) for value in decoder.get_cmn(True).split(",")]
        mean = [(a * (_CMN_WEIGHT + frames) - _CMN_WEIGHT * z) / frames for a, z in zip(after, _FLAT, strict=True)]
        return _listed(mean)


def dithered(pcm: bytes) -> bytes:
    """The same with the faintest noise: the acoustic model has never heard digital silence."""
    samples = array.array("h", pcm)
    noise = _noise()
    count = len(noise)
    return array.array(
        "h", [max(-32768, min(32767, value + noise[at % count])) for at, value in enumerate(samples)]
    ).tobytes()


@lru_cache(maxsize=1)
def _noise() -> list[int]:
    source = random.Random(1)
    return [round(source.gauss(0, _DITHER)) for _ in range(4001)]


@attrs.frozen
class _Path:
    """The best path of one search. Scores are log10 likelihoods, one for each frame; so are the silences."""

    text: str | None
    scores: list[float]
    silent: list[bool]
    spoken: list[str]


def _run(decoder: Any, pcm: bytes, mean: str, scale: int) -> _Path:
    decoder.set_cmn(mean)
    decoder.start_utt()
    _feed(decoder, pcm, no_search=False)
    decoder.end_utt()
    frames = decoder.n_frames()
    path = _Path(None, [0.0] * frames, [True] * frames, [])
    best = decoder.hyp()
    if best is None:
        return path
    for part in decoder.seg():
        if part.word in ("<s>", "</s>"):
            continue
        length = part.end_frame - part.start_frame + 1
        score = math.log10(max(part.ascore, 1e-300)) / length * scale
        silent = part.word in _FILLERS
        if not silent:
            path.spoken.append(part.word)
        for frame in range(part.start_frame, min(part.end_frame + 1, frames)):
            path.scores[frame], path.silent[frame] = score, silent
    return attrs.evolve(path, text=best.hypstr)


def _feed(decoder: Any, pcm: bytes, *, no_search: bool) -> None:
    # In pieces: given all at once, the recogniser normalises by the batch and hears nothing.
    for at in range(0, len(pcm), _CHUNK):
        decoder.process_raw(pcm[at : at + _CHUNK], no_search=no_search)


def _fit(sentence: _Path, babble: _Path) -> float:
    """How much worse the sentence explains the audio than free phones do: the worst stretch, and the whole."""
    differences = [ours - theirs for ours, theirs in zip(sentence.scores, babble.scores, strict=False)]
    quiet = [ours and theirs for ours, theirs in zip(sentence.silent, babble.silent, strict=False)]
    spoken = [at for at, silent in enumerate(quiet) if not silent]
    if not spoken:
        return -math.inf
    part = differences[spoken[0] : spoken[-1] + 1]
    window = min(_WINDOW, len(part))
    total = worst = sum(part[:window])
    for at in range(window, len(part)):
        total += part[at] - part[at - window]
        worst = min(worst, total)
    return worst / window + _WHOLE_WEIGHT * sum(part) / len(part)


def _coverage(sentence: _Path, babble: _Path) -> float:
    explained = [not ours for ours, theirs in zip(sentence.silent, babble.silent, strict=False) if not theirs]
    return sum(explained) / len(explained) if explained else 0.0


def _listed(values: Sequence[float]) -> str:
    return ",".join(f"{value:.4f}" for value in values)
