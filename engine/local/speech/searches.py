"""The recognizer's searches: how each is set up, and the best path that it finds through an utterance."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path as FilePath
from typing import Any

import attrs
import orjson

from engine.local.speech.grammar import END, START, Grammar
from engine.local.speech.phones import pronounced
from engine.local.speech.pronunciation import pronunciations
from engine.local.speech.word_pairs import word_pairs
from engine.wire.formats import PCM16

RATE = PCM16.rate
"""Samples per second; the acoustic model listens up to 6.8 kHz, so no other rate than the session's is needed."""

_CHUNK = 4096
_FLAT = [40.0] + [0.0] * 12
_CMN_WEIGHT = 500
"""How many frames the recognizer takes its prior mean for (its default window)."""
_SILENCES = "<s> SIL\n</s> SIL\n<sil> SIL\n"
"""The only filler is silence: the model's noises would swallow words that are not in the grammar."""
_FILLERS = frozenset({"<s>", "</s>", "<sil>", "SIL", "[NOISE]", "+NSN+", "+SPN+"})
_PHONE_SHIFT = 1024
"""The phone search reports acoustic scores in units this much coarser than the others do."""
_VARIANT = re.compile(r"\(\d+\)$")


@attrs.frozen
class Path:
    """The best path of one search. Scores are log10 likelihoods, one for each frame; so are the silences."""

    text: str | None
    scores: list[float]
    silent: list[bool]
    spoken: list[str]
    """Words, or phones."""
    starts: list[int]
    """The first frame of each of these."""
    lengths: list[int]
    """Of these, in frames."""


@attrs.frozen
class Search:
    """Listens to one utterance at a time and remembers nothing of the one before."""

    decoder: Any
    scale: int = 1

    def __call__(self, pcm: bytes, mean: str) -> Path:
        """The best path through mono 16-bit PCM at RATE, given its cepstral mean."""
        self.decoder.set_cmn(mean)
        self.decoder.start_utt()
        _feed(self.decoder, pcm, no_search=False)
        self.decoder.end_utt()
        frames = self.decoder.n_frames()
        path = Path(None, [0.0] * frames, [True] * frames, [], [], [])
        best = self.decoder.hyp()
        if best is None:
            return path
        for part in self.decoder.seg():
            if part.word in ("<s>", "</s>"):
                continue
            length = part.end_frame - part.start_frame + 1
            score = math.log10(max(part.ascore, 1e-300)) / length * self.scale
            silent = part.word in _FILLERS
            if not silent:
                path.spoken.append(_VARIANT.sub("", part.word))
                path.starts.append(part.start_frame)
                path.lengths.append(length)
            for frame in range(part.start_frame, min(part.end_frame + 1, frames)):
                path.scores[frame], path.silent[frame] = score, silent
        return attrs.evolve(path, text=best.hypstr)


@attrs.frozen
class Searches:
    """Three ways to hear the same grammar."""

    sentences: Search
    """Says sentences of the grammar, and nothing else."""
    words: Search
    """Says words of the grammar in almost any order."""
    phones: Search
    """Says any phones in any order."""
    pronounced: dict[str, list[str]]
    """The phones of each word."""

    def mean(self, pcm: bytes) -> str:
        """The cepstral mean of an utterance: without it, the first words of a new voice are misheard."""
        decoder = self.sentences.decoder
        decoder.set_cmn(_listed(_FLAT))
        decoder.start_utt()
        _feed(decoder, pcm, no_search=True)
        decoder.end_utt()
        frames = max(1, decoder.n_frames())
        after = [float(value) for value in decoder.get_cmn(True).split(",")]
        return _listed(
            [(a * (_CMN_WEIGHT + frames) - _CMN_WEIGHT * z) / frames for a, z in zip(after, _FLAT, strict=True)]
        )


def searches(grammar: Grammar) -> Searches:
    """Set them up.

    Raises:
        SettingsError: a word of the grammar has no pronunciation.
    """
    import pocketsphinx

    pocketsphinx.set_loglevel("FATAL")
    models = FilePath(pocketsphinx.get_model_path()) / "en-us"
    known_words = pronunciations(grammar.words(), models / "cmudict-en-us.dict")
    with tempfile.TemporaryDirectory() as folder:
        written = _writer(FilePath(folder))
        settings = {
            "hmm": str(models / "en-us"),
            "dict": written("words.dict", known_words),
            "fdict": written("fillers.dict", _SILENCES),
            "featparams": written("feat.params", _without_noise_removal(models / "en-us" / "feat.params")),
            "samprate": RATE,
            "lm": None,
            "loglevel": "FATAL",
            "compallsen": True,
        }
        sentences, phones = (pocketsphinx.Decoder(pocketsphinx.Config(**settings)) for _ in range(2))
        settings["lm"] = written("pairs.lm", word_pairs(grammar))
        words = pocketsphinx.Decoder(pocketsphinx.Config(**settings))
    arcs, _ = grammar.network()
    network = sentences.create_fsg("sentences", START, END, [arc if arc[3] else arc[:3] for arc in arcs])
    sentences.add_fsg("sentences", network)
    sentences.activate_search("sentences")
    phones.add_allphone_file("phones", None)
    phones.activate_search("phones")
    return Searches(Search(sentences), Search(words), Search(phones, _PHONE_SHIFT), pronounced(known_words))


def packed(path: Path) -> bytes:
    """A path as bytes, for another process."""
    return orjson.dumps([path.text, path.scores, path.silent, path.spoken, path.starts, path.lengths])


def unpacked(data: bytes) -> Path:
    """A path of `packed`."""
    return Path(*orjson.loads(data))


def _writer(folder: FilePath) -> Callable[[str, str], str]:
    def written(name: str, text: str) -> str:
        (folder / name).write_text(text, encoding="utf-8")
        return str(folder / name)

    return written


def _without_noise_removal(parameters: FilePath) -> str:
    """The acoustic model's own parameters, but for one: noise removal changes what the cepstral mean is taken of."""
    return re.sub(r"(?m)^-remove_noise\s.*$", "-remove_noise no", parameters.read_text(encoding="utf-8"))


def _feed(decoder: Any, pcm: bytes, *, no_search: bool) -> None:
    # In pieces: given all at once, the recognizer normalises by the batch and hears nothing.
    for at in range(0, len(pcm), _CHUNK):
        decoder.process_raw(pcm[at : at + _CHUNK], no_search=no_search)


def _listed(values: Sequence[float]) -> str:
    return ",".join(f"{value:.4f}" for value in values)
