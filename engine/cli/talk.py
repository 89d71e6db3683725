"""`engine talk`: puts one call together, lets it happen, and writes it down."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, ExitStack
from functools import partial
from typing import Any

import attrs
import trio

from engine.agents.agent import RealtimeAgent
from engine.caller.call import CallHarness, CallOutcome
from engine.caller.caller import Caller, PreparedCaller, Utterance
from engine.caller.player import Device
from engine.cli.agent_choice import load_agent
from engine.cli.call_folder import CallFolder
from engine.cli.demo import SCRIPT, Shop, billing, customer_service
from engine.cli.display import CallDisplay
from engine.cli.exit_status import CommandFailed, ExitStatus
from engine.cli.failures import status_of
from engine.cli.microphone import open_microphone
from engine.cli.model_choice import ModelChoice, choose_model
from engine.cli.signals import Signals, with_signals
from engine.cli.talk_options import TalkOptions
from engine.cli.turn_rows import turn_table
from engine.cli.typed import TypedCaller, TypedLines
from engine.cli.wav_utterances import read_utterances
from engine.errors import EngineError
from engine.local.speech.installed import speech_for
from engine.local.speech.parts import SpeechParts
from engine.models.interface import RealtimeModel
from engine.session.runner import RealtimeRunner
from engine.session.session import RealtimeSession
from engine.settings import RealtimeModelConfig

CALLER_VOICES = ("cedar", "shimmer")
"""The demonstration's caller speaks with the first of these that is not the agent's. Both were understood in every line
of the script, wherever the frames of voice detection happened to cut it (16 and 6 places were tried)."""
TYPES_INSTEAD = (
    "The speech extra is not installed: the demonstration's caller types instead of speaking. "
    "Install it with: pip install 'engine[speech]'"
)


SpeechOpener = Callable[[], AbstractAsyncContextManager[SpeechParts]]


def talk(
    options: TalkOptions, *, clock: trio.abc.Clock | None = None, opens_speech: SpeechOpener = speech_for
) -> ExitStatus:
    """Hold the call that `options` ask for.

    Args:
        options: what was asked for.
        clock: the time that it takes place in; None: real time.
        opens_speech: what the local model hears and speaks with.

    Raises:
        CommandFailed: it could not begin, or broke off.
    """
    return trio.run(_talk, options, opens_speech, clock=clock)


async def _talk(options: TalkOptions, opens_speech: SpeechOpener) -> ExitStatus:
    if options.way == "text" and sys.stdin is None:
        raise CommandFailed(ExitStatus.USAGE, "--text reads standard input, and there is none")
    recorded = read_utterances(options.audio)
    agent = load_agent(options.agent) if options.agent else customer_service
    choice = choose_model(options.model, os.environ, server_waits=options.server_waits)
    display = CallDisplay(json=options.json, quiet=options.quiet, typed_at_terminal=_typed_at_terminal(options))

    async def work(signals: Signals) -> CallOutcome:
        async with opens_speech() as speech:
            _warn(options, choice, speech, display)
            with ExitStack() as stack:
                casting = await _cast(options, recorded, speech, stack)
                folder = stack.enter_context(CallFolder(options.out))
                call = CallHarness(
                    session=await _session(options, agent, choice, speech),
                    caller=casting.caller,
                    model_name=choice.name,
                    open_recording=folder.open,
                    watchers=(folder.on_event, display.on_event),
                    greets=options.greets,
                    approves=options.approves,
                    rejection_hint="--approve allows such calls",
                    device=casting.device,
                    on_open=display.listen_to,
                    background=(display.run,),
                )
                signals.on_signal = call.hang_up
                display.on_reader_gone = partial(call.hang_up, "nobody reads the output any more")
                who = "the local model" if choice.kind == "local" else choice.name
                display.say(f"Calling {agent.name} ({who}). {casting.advice}Ctrl-C hangs up.\n")
                return await _hold(call, folder, display)

    try:
        outcome, signalled = await with_signals(work)
    except EngineError as error:
        raise CommandFailed(status_of(error), str(error)) from error
    if outcome is not None and outcome.failure is not None:
        reason = f"the call broke off: {outcome.failure}"
        raise CommandFailed(status_of(outcome.failure), reason) from outcome.failure
    return signalled or ExitStatus.DONE


async def _hold(call: CallHarness, folder: CallFolder, display: CallDisplay) -> CallOutcome:
    """The call itself, and what is left when it is over, whatever ended it."""
    try:
        with display:
            return await call.run()
    finally:
        if folder.opened:
            table = turn_table(display.events, call.session.latency.header.started_ns)
            folder.conclude(display.transcript, table)
            display.show_table(table)
            display.say(f"\n{folder.directory}: call.wav (caller left, agent right), transcript.txt, events.jsonl")


def _warn(options: TalkOptions, choice: ModelChoice, speech: SpeechParts, display: CallDisplay) -> None:
    """Say once that there is no speech, where some was to be expected."""
    if speech.notice is not None and choice.kind == "local":
        display.say(speech.notice, style="yellow")
    elif speech.notice is not None and options.way == "demo":
        display.say(TYPES_INSTEAD, style="yellow")


@attrs.frozen
class _Casting:
    """Who calls, through which sound device, if any, and what to tell the user about it."""

    caller: Caller
    device: Device | None = None
    advice: str = ""


async def _cast(
    options: TalkOptions, recorded: tuple[Utterance, ...], speech: SpeechParts, stack: ExitStack
) -> _Casting:
    match options.way:
        case "audio":
            return _Casting(PreparedCaller(recorded))
        case "text":
            interactive = _typed_at_terminal(options)
            caller = TypedCaller(TypedLines(sys.stdin.fileno()), interactive)
            return _Casting(caller, advice="Type a line and press Enter; Ctrl-D ends the call. " if interactive else "")
        case "mic":
            microphone = stack.enter_context(open_microphone())
            return _Casting(
                microphone, microphone.speaker, "Speak when you like; headphones keep the agent from hearing itself. "
            )
        case _:
            return _Casting(PreparedCaller(await _demo_script(options, speech)))


async def _demo_script(options: TalkOptions, speech: SpeechParts) -> tuple[Utterance, ...]:
    """The demonstration's lines, spoken if there is a voice, typed otherwise."""
    voice = next(voice for voice in CALLER_VOICES if voice != options.voice)
    return tuple(
        [
            Utterance(
                line.text,
                None if speech.notice is not None else await speech.synthesizer.speak(line.text, voice, 1.0),
                line.cuts_in_after,
            )
            for line in SCRIPT
        ]
    )


async def _session(
    options: TalkOptions, agent: RealtimeAgent[Any], choice: ModelChoice, speech: SpeechParts
) -> RealtimeSession[Any]:
    settings = {"model_name": choice.model_name, "voice": options.voice}
    runner = RealtimeRunner(
        agent,
        model=_model(choice, speech),
        config={"model_settings": {name: value for name, value in settings.items() if value is not None}},
    )
    return await runner.run(
        context=Shop.open() if agent in (customer_service, billing) else None,
        model_config=RealtimeModelConfig(
            url=choice.url,
            api_key=choice.api_key,
            headers=choice.headers,
            allow_unencrypted_key=options.allow_unencrypted_key,
        ),
    )


def _model(choice: ModelChoice, speech: SpeechParts) -> RealtimeModel:
    if choice.kind == "local":
        from engine.models.local import LocalModel

        return LocalModel(speech=speech)
    from engine.models.openai import OpenAIRealtimeWebSocketModel

    return OpenAIRealtimeWebSocketModel(capabilities=choice.capabilities)


def _typed_at_terminal(options: TalkOptions) -> bool:
    return options.way == "text" and sys.stdin.isatty()
