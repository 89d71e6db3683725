"""What the caller's words sound like: tones, a voice, or a file; with the noise of the line."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import attrs

from engine.audio.samples import FULL_SCALE, pcm_of, samples_of
from engine.audio.wav import read_wav
from engine.caller.utterance import Sound
from engine.errors import AudioError
from engine.lab.scenario.scenario import ScenarioTurn
from engine.lab.scenario.scenario_file import ScenarioError
from engine.local.speech.installed import speech_for
from engine.local.speech.placeholder_synthesizer import tones
from engine.outside.files import inside
from engine.wire.formats import PCM16

_VOICE = "cedar"
"""The one that the command's own caller speaks with: it was understood wherever its words were cut."""
_NOISE_MS = 2000
_TAIL_MS = 20


@attrs.frozen
class Sounds:
    """The caller's sounds, made once for each turn."""

    folder: Path
    """Where files are looked for."""
    noise_dbfs: float | None
    spoken: Mapping[str, bytes] = attrs.field(factory=dict, repr=False)
    """Texts that a voice has said, as PCM; the others are tones."""
    in_frames: bool = True
    """False: where nothing depends on it, longer pieces are sent at once."""

    def prepare(self, turns: Sequence[ScenarioTurn]) -> None:
        """Make them all, before anybody is called. Raises ScenarioError if a file is no audio."""
        for turn in turns:
            if turn.says is not None or turn.wav is not None:
                self.of(turn)

    def of(self, turn: ScenarioTurn) -> Sound:
        """What a turn sounds like. Raises ScenarioError if its file is no audio."""
        text = turn.says or ""
        return _sound(self.folder, turn.wav, text, self.spoken.get(text), self.noise_dbfs, self.in_frames)

    @property
    def background(self) -> bytes:
        """What is heard while the caller says nothing."""
        return b"" if self.noise_dbfs is None else noise(self.noise_dbfs)


async def spoken(turns: Sequence[ScenarioTurn]) -> Mapping[str, bytes]:
    """Everything that is said in `turns`, in a voice, for servers that listen; empty without the speech extra.

    Raises:
        SpeechFailed: speech is installed and does not start.
    """
    texts = dict.fromkeys(turn.says for turn in turns if turn.says is not None and turn.wav is None)
    async with speech_for() as speech:
        if speech.notice is not None:
            return {}
        return {text: await speech.synthesizer.speak(text, _VOICE, 1.0) for text in texts}


@lru_cache(maxsize=512)
def _sound(
    folder: Path, wav: str | None, text: str, spoken: bytes | None, noise_dbfs: float | None, in_frames: bool
) -> Sound:
    if wav is None:
        pcm = tones(text) if spoken is None else spoken
    else:
        try:
            pcm = read_wav(inside(folder, wav), PCM16.rate)
        except (AudioError, ValueError) as error:
            raise ScenarioError(f"turn with wav = {wav!r}: {error}") from error
    clean = Sound.of(pcm + bytes(PCM16.bytes_of(_TAIL_MS)), in_frames=in_frames)
    if noise_dbfs is None:
        return clean
    return attrs.evolve(clean, pcm=_mixed(clean.pcm, noise(noise_dbfs)))


@lru_cache(maxsize=8)
def noise(dbfs: float) -> bytes:
    """Two seconds of white noise, always the same, at a level (root mean square) below full scale."""
    rng = random.Random(0)
    deviation = FULL_SCALE * 10 ** (dbfs / 20)
    samples = (round(rng.gauss(0.0, deviation)) for _ in range(PCM16.rate * _NOISE_MS // 1000))
    return pcm_of(samples)


def _mixed(pcm: bytes, background: bytes) -> bytes:
    repeated = samples_of((background * (len(pcm) // len(background) + 1))[: len(pcm)])
    return pcm_of(one + other for one, other in zip(samples_of(pcm), repeated, strict=True))
