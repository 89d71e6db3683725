"""What the tests of the command line share: a spoken call without speech, in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import trio
import trio.testing

from engine.agents.agent import RealtimeAgent
from engine.caller.call import CallHarness, CallOutcome
from engine.caller.call_events import CallEvent
from engine.caller.caller import Caller, PreparedCaller, Utterance
from engine.cli.call_folder import CallFolder
from engine.cli.demo import SCRIPT, Shop, customer_service
from engine.cli.transcript import Transcript
from engine.cli.turn_rows import TurnTable, turn_table
from engine.local.conversation.loudness import LoudnessClassifier
from engine.local.settings.options import LocalOptions
from engine.local.speech.parts import PlaceholderSynthesizer, SpeechParts
from engine.local.speech.placeholder_synthesizer import tones
from engine.models.interface import RealtimeModel
from engine.models.local import LocalModel
from engine.session.runner import RealtimeRunner
from engine.session.session import RealtimeSession

MS = 1_000_000


class TelepathicRecognizer:
    """Hears one thing after another, whatever it sounds like: tones carry no words."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = list(words)

    async def hear(self, pcm: bytes) -> str | None:
        await trio.lowlevel.checkpoint()
        return self._words.pop(0) if self._words else None


def telepathic_speech(words: Iterable[str]) -> SpeechParts:
    """Tones for a voice, and a recognizer that knows what is meant."""
    return SpeechParts(TelepathicRecognizer(words), PlaceholderSynthesizer(), LoudnessClassifier)


@asynccontextmanager
async def demo_speech() -> AsyncIterator[SpeechParts]:
    """Speech for the demonstration: its caller speaks in tones, and is understood."""
    yield telepathic_speech(as_recognised(line.text) for line in SCRIPT)


def as_recognised(text: str) -> str:
    """The words as a recognizer writes them."""
    return text.lower().replace(",", "").rstrip(".?!")


def demo_caller(*, typed: bool = False) -> PreparedCaller:
    """The demonstration's caller."""
    return PreparedCaller(
        [Utterance(line.text, None if typed else tones(line.text), line.cuts_in_after) for line in SCRIPT]
    )


def demo_model() -> LocalModel:
    """A local model that understands the demonstration's caller."""
    return LocalModel(LocalOptions(seed=1), speech=telepathic_speech(as_recognised(line.text) for line in SCRIPT))


@attrs.define
class Held:
    """A call that was held, and what came of it."""

    outcome: CallOutcome
    events: Sequence[CallEvent]
    transcript: Transcript
    directory: Path
    session_began_ns: int

    @property
    def table(self) -> TurnTable:
        """The table of its turns."""
        return turn_table(self.events, self.session_began_ns)

    def of(self, kind: type) -> list[Any]:
        """The events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]


async def hold(
    directory: Path,
    *,
    caller: Caller,
    model: RealtimeModel | None = None,
    agent: RealtimeAgent[Any] = customer_service,
    context: object = None,
    hang_up_after: float | None = None,
    limit: float = 300.0,
    **options: Any,
) -> Held:
    """Hold a call with everything that belongs to it, but for the screen."""
    runner = RealtimeRunner(agent, model=model or demo_model())
    session: RealtimeSession[Any] = await runner.run(context=context or Shop.open())
    transcript, events = Transcript(), list[CallEvent]()
    with CallFolder(directory) as folder:
        call = CallHarness(
            session=session,
            caller=caller,
            model_name="test",
            open_recording=folder.open,
            watchers=(folder.on_event, transcript.on_event, events.append),
            **options,
        )
        with trio.fail_after(limit):
            if hang_up_after is None:
                outcome = await call.run()
            else:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(_hang_up, call, hang_up_after)
                    outcome = await call.run()
    return Held(outcome, events, transcript, directory, session.latency.header.started_ns)


async def _hang_up(call: CallHarness, after: float) -> None:
    await trio.sleep(after)
    call.hang_up("Ctrl-C")


def virtual() -> trio.testing.MockClock:
    """Time that passes only when everybody waits."""
    return trio.testing.MockClock(autojump_threshold=0)
