"""`engine serve`: the local model alone, on a port, for anybody's Realtime client."""

from __future__ import annotations

import os
from functools import partial

import attrs
import trio

from engine.cli.exit_status import CommandFailed, ExitStatus
from engine.cli.say import say
from engine.cli.serve_options import CHAT_KEY, SERVE_KEY, Pace, ServeOptions
from engine.cli.signals import Signals, with_signals
from engine.errors import EngineError, SettingsError
from engine.local.chat_responder import chat_responder
from engine.local.conversation.replies import Responder
from engine.local.dialogue.description import Dialogue, customer_service, load_dialogue
from engine.local.dialogue.responder import DialogueResponder
from engine.local.server import Served
from engine.local.server import serve as serve_model
from engine.local.settings.latencies import USUAL, Fixed, Latencies, LogNormal
from engine.local.settings.options import LocalOptions
from engine.local.speech.installed import speech_for
from engine.outside.json_line import json_line
from engine.secret.value import Secret
from engine.serving.guests import Guests
from engine.serving.limits import ServingLimits


def serve(options: ServeOptions) -> ExitStatus:
    """Serve until a signal comes.

    Raises:
        CommandFailed: it cannot: the port is taken, the dialogue cannot be read, a value is out of range.
    """
    try:
        return trio.run(_serve, options)
    except EngineError as error:
        raise CommandFailed(ExitStatus.FAILED, str(error)) from error


async def _serve(options: ServeOptions) -> ExitStatus:
    try:
        dialogue = _dialogue(options)
        responder, local = _responder(options, dialogue), _local_options(options)
        guests = Guests(listening=options.host, origins=options.origins, hosts=options.allowed_hosts)
        limits = _limits(options)
    except (SettingsError, ValueError) as error:
        raise CommandFailed(ExitStatus.USAGE, str(error)) from error

    async def work(signals: Signals) -> None:
        async with speech_for(dialogue) as speech, trio.open_nursery() as nursery:
            start = partial(
                serve_model,
                host=options.host,
                port=options.port,
                options=local,
                responder=responder,
                speech=speech,
                guests=guests,
                limits=limits,
            )
            _announce(await nursery.start(start), as_json=options.json)

    signalled: ExitStatus | None = None
    failure: OSError | None = None
    try:
        _, signalled = await with_signals(work)
    except* OSError as group:
        failure = _first(group)
    if failure is not None:
        where = f"{options.host}:{options.port}"
        raise CommandFailed(ExitStatus.FAILED, f"{where} cannot be served: {failure.strerror or failure}") from failure
    return ExitStatus.DONE if signalled is ExitStatus.INTERRUPTED else signalled or ExitStatus.DONE


def _first(group: ExceptionGroup[OSError]) -> OSError:
    """One address may fail in several ways; the first says enough."""
    first: Exception = group
    while isinstance(first, ExceptionGroup):
        first = first.exceptions[0]
    assert isinstance(first, OSError)
    return first


def _announce(served: Served, *, as_json: bool) -> None:
    """One line on standard output, at once: whoever started this waits for it."""
    if served.notice is not None:
        say(f"engine: {served.notice}", problem=True, flush=True)
    if as_json:
        line = {"type": "serving", "url": served.url, "port": served.port, "notice": served.notice}
        say(json_line(line).decode(), flush=True)
    else:
        say(served.url, flush=True)
        say("engine: serving; Ctrl-C stops it", problem=True, flush=True)


def _dialogue(options: ServeOptions) -> Dialogue:
    if options.dialogue is None:
        return customer_service()
    if not options.dialogue.is_file():
        raise CommandFailed(ExitStatus.NO_SUCH_FILE, f"--dialogue: there is no file {options.dialogue}")
    return load_dialogue(options.dialogue)


def _responder(options: ServeOptions, dialogue: Dialogue) -> Responder:
    """What decides. Under another language model the recognizer still knows the dialogue's sentences only."""
    if options.chat is not None:
        return chat_responder(
            options.chat,
            options.chat_model,
            api_key=Secret(os.environ.get(CHAT_KEY, "")) or None,
            allow_unencrypted_key=options.allow_unencrypted_key,
        )
    return DialogueResponder(dialogue)


def _local_options(options: ServeOptions) -> LocalOptions:
    latencies = _latencies(options.latency, options.first_output_ms)
    if options.speed is not None:
        latencies = attrs.evolve(latencies, speed=options.speed)
    return LocalOptions(
        seed=options.seed,
        latencies=latencies,
        session_seconds=options.session_seconds,
        api_keys=_keys(options),
        models=options.models,
    )


def _keys(options: ServeOptions) -> frozenset[Secret] | None:
    """Return the keys that are accepted, from the options and the environment; None: every client is."""
    from_environment = Secret(os.environ.get(SERVE_KEY, ""))
    keys = (options.api_keys or frozenset()) | (frozenset((from_environment,)) if from_environment else frozenset())
    return keys or None


def _limits(options: ServeOptions) -> ServingLimits:
    return ServingLimits(
        sessions=options.max_sessions,
        handshakes=options.max_handshakes,
        handshake_seconds=options.handshake_seconds,
        message_bytes=options.max_message_bytes,
    )


def _latencies(pace: Pace, first_output_ms: float | None) -> Latencies:
    latencies = {"usual": USUAL, "none": Latencies.none(), "realistic": Latencies.realistic()}[pace]
    if first_output_ms is None:
        return latencies
    drawn = LogNormal(first_output_ms) if pace == "realistic" else Fixed(first_output_ms)
    return attrs.evolve(latencies, first_output=drawn)
