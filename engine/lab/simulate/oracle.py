"""A recognizer that is told what the caller says, for calls whose voices are tones.

The caller says beforehand which words its sound carries and, once the sound is on the line, where in the audio it
began. The server's voice detection counts what it has heard: so a turn's words are those whose sound had arrived
when the turn was cut, whatever the network did to it. Voice activity is judged by loudness, as ever.
"""

from __future__ import annotations

from collections import deque

import attrs
import trio

from engine.local.conversation.loudness import LoudnessClassifier
from engine.local.conversation.turn_detection import FRAME_MS
from engine.local.speech.parts import SpeechParts, Synthesizer
from engine.local.speech.placeholder_synthesizer import tones
from engine.wire.formats import PCM16


@attrs.define
class _Utterance:
    words: deque[tuple[float, str]]
    """What is still to be heard: each word with its end, in milliseconds of the utterance's audible part."""
    begins_ms: float | None = None
    """Its first audible sample, in all the audio of the session; None: not said yet."""


class OracleRecognizer:
    """Hears what it was told, once its sound has arrived. One for each session."""

    def __init__(self) -> None:
        self.heard_ms = 0.0
        """How much audio has reached the server's voice detection."""
        self._utterances: deque[_Utterance] = deque()

    def told(self, text: str, length_ms: float | None = None) -> None:
        """The caller is going to say `text`, in `length_ms` of audible sound; None: at the placeholder voice's pace."""
        self._utterances.append(_Utterance(deque(_ends(text, length_ms))))

    def began(self, at_ms: float) -> None:
        """The oldest utterance that had not begun begins, at a place in all the audio of the session."""
        for utterance in self._utterances:
            if utterance.begins_ms is None:
                utterance.begins_ms = at_ms
                return

    async def hear(self, pcm: bytes) -> str | None:
        """See `Recognizer.hear`."""
        await trio.lowlevel.checkpoint()
        heard: list[str] = []
        for utterance in self._utterances:
            if utterance.begins_ms is None:
                break
            while utterance.words and utterance.begins_ms + utterance.words[0][0] <= self.heard_ms:
                heard.append(utterance.words.popleft()[1])
        while self._utterances and not self._utterances[0].words:
            self._utterances.popleft()
        return " ".join(heard).lower() or None

    def classifier(self, threshold: float) -> CountingClassifier:
        """Loudness, counted. See `ClassifierFactory`."""
        return CountingClassifier(self, threshold)

    def parts(self, synthesizer: Synthesizer) -> SpeechParts:
        """Return this recognizer and a synthesizer, for the local model."""
        return SpeechParts(self, synthesizer, self.classifier)


class CountingClassifier(LoudnessClassifier):
    """Speech by loudness, and a count of what was heard."""

    def __init__(self, recognizer: OracleRecognizer, threshold: float) -> None:
        super().__init__(threshold)
        self._recognizer = recognizer

    def is_speech(self, frame: bytes) -> bool:
        """See `SpeechClassifier.is_speech`."""
        self._recognizer.heard_ms += FRAME_MS
        return super().is_speech(frame)


def _ends(text: str, length_ms: float | None) -> list[tuple[float, str]]:
    """Each word with its end, as the placeholder voice times them, stretched to `length_ms`."""
    words = [word for each in text.split() if (word := each.strip(".,;:!?\"'()"))]
    ends = [float(PCM16.ms_of(len(tones(" ".join(words[: count + 1]))))) for count in range(len(words))]
    scale = 1.0 if length_ms is None else length_ms / ends[-1] if ends and ends[-1] else 0.0
    return [(end * scale, word) for end, word in zip(ends, words, strict=True)]
