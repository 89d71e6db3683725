"""What may happen next in a walk: what applications, their tools and servers do, and some that they should not."""

from __future__ import annotations

import random
from collections.abc import Callable

from engine.core.inputs import (
    CallbackFailed,
    DecideCall,
    PlaybackReported,
    Respond,
    SendRaw,
    ToolDone,
    ToolRunning,
    UpdateSettings,
)
from engine.errors import EngineError, ToolFailed
from engine.wire.client_events import (
    ClientEvent,
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemTruncate,
    InputAudioBufferClear,
    RawClientEvent,
    ResponseCancel,
    ResponseCreate,
    SessionUpdate,
)
from engine.wire.formats import G711_ULAW, PCM16
from engine.wire.items import (
    FunctionCall,
    FunctionCallOutput,
    InputAudio,
    InputImage,
    InputText,
    Item,
    McpCall,
    Message,
    OutputAudio,
    OutputText,
)
from engine.wire.response import Response, ResponseParams
from engine.wire.server_conversation import TranscriptionError
from engine.wire.server_events import (
    ConversationItemAdded,
    ConversationItemDeleted,
    ConversationItemDone,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemInputAudioTranscriptionFailed,
    ErrorEvent,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    InputAudioBufferTimeoutTriggered,
    MalformedEvent,
    RateLimitsUpdated,
    ResponseContentPartAdded,
    ResponseContentPartDone,
    ResponseCreated,
    ResponseDone,
    ResponseFunctionCallArgumentsDelta,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    ServerEvent,
    SessionUpdated,
)
from engine.wire.server_session import ErrorDetail, RateLimit
from engine.wire.session import (
    Audio,
    AudioInput,
    AudioOutput,
    FunctionToolDefinition,
    McpTool,
    SemanticVad,
    ServerVad,
    Session,
    ToolChoiceFunction,
    Transcription,
    UnknownSetting,
    VoiceId,
)
from engine.wire.struct import UNSET
from tests.core.walker import MS, Walker
from tests.support.promises.agents import HANDOFF


def _index(rng: random.Random) -> int:
    return rng.randrange(4)


def steps_of(c: Walker) -> dict[str, Callable[[], None]]:
    """What can be done now, by name. What happens often in a conversation is listed more than once."""
    rng, world, far = c.rng, c.world, c.world.far
    tool_names = ["plain", "stoppable", "guarded", "unknown", f"{HANDOFF}front", f"{HANDOFF}back"]
    speech = {
        "words": rng.randrange(7),
        "ms": rng.choice([0, 20, 500, 3000]),
        "spoken": rng.randrange(4) > 0,
    }
    lengths = [rng.choice([20, 500, 3000]) for _ in range(rng.randrange(1, 4))]
    names = [rng.choice(tool_names) for _ in range(rng.randrange(1, 4))]
    status = rng.choice(["completed", "completed", "completed", "failed", "incomplete"])
    steps: dict[str, Callable[[], None]] = {
        "message": lambda: c.sends_a_message(rng.randrange(3) > 0),
        "respond": lambda: c.asks_for_a_response(),
        "out of band": lambda: c.asks_for_a_response_out_of_band(),
        "respond by": lambda: world.command(Respond(world.next_handle(), _params(rng))),
        "interrupt": lambda: c.interrupts(),
        "agent": lambda: c.changes_the_agent(rng.choice(["front", "back"])),
        "settings": lambda: c.changes_settings(rng.choice([0.5, 0.75, 1.5]), rng.randrange(2) == 0),
        "other settings": lambda: world.command(UpdateSettings(_other_settings(rng))),
        "own event": lambda: world.command(SendRaw(_own_event(rng, c))),
        "report": lambda: world.command(PlaybackReported(_an_item(rng, c), 0, rng.choice([0, 30, 700, 9000]))),
        "callback": lambda: world.handle(CallbackFailed(EngineError("a hook"))),
        "listens": lambda: c.the_user_listens(rng.choice([10, 300, 600, 2000])),
        "listens on": lambda: c.the_user_listens(rng.choice([0, 1, 2, 300, 600, 2000])),
        "starts": lambda: c.the_user_starts(),
        "turn": lambda: c.the_application_ends_a_turn(rng.choice(["commit", "clear"])),
        "transcribed": lambda: c.what_was_said_is_transcribed(_index(rng)),
        "silence": lambda: c.nobody_says_anything(),
        "own words": lambda: far.say(_own_words(rng, c)),
        "items": lambda: far.say(_of_items(rng, c)),
        "parts": lambda: far.say(_of_parts(rng, c)),
        "confirms": lambda: far.say(SessionUpdated(_odd_settings(rng))),
        "quiet": lambda: world.passes(rng.choice([2_000, 4_000, 10_000, 61_000, 130_000]) * MS),
        "late": lambda: _late(rng, c),
        "rounds": lambda: _rounds(rng, c),
        "refuses": lambda: far.say(ErrorEvent(_refusal(rng, c))),
        "down": lambda: c.events_arrive(rng.choice([1, 2, 3, 1000])),
        "all down": lambda: c.events_arrive(1000),
        "up": lambda: c.client_events_arrive(rng.choice([1, 1000])),
        "all": lambda: world.deliver(),
        "time": lambda: c.time_passes(rng.choice([1, 20, 333, 1000, 5000])),
    }
    if world.handles:
        steps["cancel"] = lambda: c.cancels_a_response(_index(rng))
    if world.feed:
        steps["take"] = lambda: c.takes_events(rng.choice([1, 2, 5, 1000]))
    if world.tools:
        steps["tool"] = lambda: c.a_tool_goes_on(_index(rng), rng.randrange(2) == 0)
        steps["tool again"] = steps["tool"]
        if to_ask := [call_id for call_id in world.tools if call_id not in world.asked]:
            steps["asks"] = lambda: world.tool_asks(rng.choice(to_ask))
        steps["tool fails"] = lambda: _fails(rng, c)
    if world.asking:
        steps["always"] = lambda: c.decides(_index(rng), rng.randrange(2) == 0, True)
        steps["decide"] = lambda: c.decides(_index(rng), rng.randrange(2) == 0, rng.randrange(2) == 0)
        steps["decide so"] = lambda: world.command(
            DecideCall(rng.choice(list(world.asking)), approved=False, message="no, thanks")
        )
    if world.texts:
        steps["judge"] = lambda: c.the_guardrails_judge(_index(rng), rng.randrange(5) == 0)
    if world.reports:
        steps["reports"] = lambda: c.reports_arrive(rng.choice([1, 1000]))
    if far.running():
        for name in ("speaks", "speaks on", "speaks more"):
            steps[name] = lambda: c.the_model_speaks(_index(rng), **speech)
        steps["item ends"] = lambda: c.the_model_ends_an_item(_index(rng))
        steps["calls"] = lambda: c.the_model_calls(_index(rng), names, rng.randrange(4) > 0)
        steps["calls one"] = lambda: c.the_model_calls(_index(rng), names[:1], True)
        steps["ends"] = lambda: c.a_response_ends(_index(rng), status)
        steps["completes"] = lambda: c.a_response_ends(_index(rng), "completed")
    if far.active:
        steps["at length"] = lambda: c.the_model_talks_at_length(lengths, rng.randrange(2) == 0)
    if far.speaking:
        steps["stops"] = lambda: c.the_user_stops()
        steps["stops now"] = lambda: c.the_user_stops()
        steps["nothing"] = lambda: c.nothing_comes_of_what_the_user_said(rng.randrange(2) == 0)
    return steps


def _params(rng: random.Random) -> ResponseParams:
    return ResponseParams(
        conversation=rng.choice(["auto", "none"]),
        instructions=rng.choice([UNSET, "otherwise"]),
        input=rng.choice([UNSET, (), (Message(UNSET, "user", (InputText("this"),)),)]),
        metadata=rng.choice([UNSET, {"mine": "1"}, {f"key_{n}": "" for n in range(16)}]),
    )


def _other_settings(rng: random.Random) -> Session:
    return rng.choice(
        [
            Session(audio=Audio(AudioInput(format=rng.choice([PCM16, G711_ULAW])))),
            Session(audio=Audio(output=AudioOutput(format=rng.choice([PCM16, G711_ULAW])))),
            Session(audio=Audio(output=AudioOutput(voice=rng.choice(["marin", "cedar"])))),
            Session(audio=Audio(AudioInput(turn_detection=None))),
            Session(audio=Audio(AudioInput(turn_detection=ServerVad(create_response=rng.randrange(2) == 0)))),
            Session(instructions="other"),
            Session(tools=()),
        ]
    )


def _odd_settings(rng: random.Random) -> Session:
    """What a server confirms that nobody asked for."""
    voice, other = VoiceId(rng.choice(["v1", "v2"])), UnknownSetting({"type": rng.choice(["none", "new"])})
    return rng.choice(
        [
            _other_settings(rng),
            Session(audio=Audio(output=AudioOutput(voice=voice, speed=rng.choice([0.5, 1.0, 1.0000001])))),
            Session(audio=Audio(AudioInput(turn_detection=rng.choice([SemanticVad(eagerness="low"), other, None])))),
            Session(audio=Audio(AudioInput(transcription=Transcription(rng.choice(["m", None, ""]))))),
            Session(audio=Audio(AudioInput(turn_detection=ServerVad(rng.choice([0.5, 0.9]), 300, 500)))),
            Session(output_modalities=rng.choice([("text",), ("audio",), ()])),
            Session(tools=rng.choice([(FunctionToolDefinition("plain"), McpTool("mine")), (), None])),
            Session(instructions=rng.choice(["front", "", None]), max_output_tokens=rng.choice([5, "inf"])),
            Session(tool_choice=rng.choice(["auto", ToolChoiceFunction("plain")])),
        ]
    )


def _late(rng: random.Random, c: Walker) -> None:
    """The server gets what was sent, but what it says takes long, or the other way round."""
    long = rng.choice([2_500, 4_500, 10_500, 61_000]) * MS
    if rng.randrange(2):
        c.world.passes(long)
        c.world.deliver_up()
    else:
        c.world.deliver_up()
        c.world.passes(long)
    if rng.randrange(2):
        c.world.deliver()


def _rounds(rng: random.Random, c: Walker) -> None:
    """Replies in a row that only call a tool."""
    for _ in range(rng.randrange(1, 5)):
        c.world.deliver()
        if (response := c.world.far.active) is not None:
            c.world.far.closes(response, c.world.far.opens_call(response, "plain", "{}"))
            c.world.far.ends(response, "completed")
        c.world.deliver()
        for call_id in list(c.world.tools):
            c.world.tool_ends(call_id)
        c.world.deliver()


def _refusal(rng: random.Random, c: Walker) -> ErrorDetail:
    """What a server may say is wrong, with what, and with which event."""
    codes = ["invalid_value", "conversation_already_has_active_response", "item_create_invalid_item_id", *REFUSALS_TOLD]
    places = ["", "session", "session.audio", "sessions", "response", "response.metadata", "metadata", "item.id"]
    sent = [*(f"req_{number}" for number in range(1, 6)), *(f"settings_{number}" for number in range(1, 6)), "mine_1"]
    return ErrorDetail(
        rng.choice(["invalid_request_error", "session_update_error"]),
        rng.choice(["no", "the metadata is wrong"]),
        rng.choice([None, *codes]),
        rng.choice([None, *places]),
        rng.choice([None, None, *sent]),
    )


REFUSALS_TOLD = ("cannot_update_voice", "session_update_error", "invalid_session_type", "response_cancel_not_active")


def _a_response(rng: random.Random, c: Walker) -> str:
    told = [response.response_id for response in c.world.far.responses[-3:]]
    return rng.choice([*told, *told, "", "other_1", "other_2"])


def _an_odd_item(rng: random.Random, c: Walker) -> Item:
    item, status = rng.choice([_an_item(rng, c), "odd_1", "odd_2", ""]), rng.choice([None, "in_progress", "completed"])
    call = rng.choice(["call_1", "call_2", ""])
    return rng.choice(
        [
            Message(item, "user", (InputText("odd"),), status),
            Message(item, "user", (InputAudio(transcript=rng.choice([None, "heard"])),), status),
            Message(item, "user", (InputText("see"), InputImage("data:,")), status),
            Message(item, "assistant", (OutputText("odd words"),), status),
            Message(item, "assistant", (OutputAudio("odd words"), OutputText("more")), status),
            Message(item, "assistant", (), status),
            Message(item, "system", (InputText("odd"),), status),
            FunctionCall(item, "plain", call, rng.choice(["", "{}"]), status),
            FunctionCall(item, "guarded", call, "{}", "completed"),
            FunctionCallOutput(item, call, rng.choice(["", "odd"])),
            McpCall(item, "mine", "tool", "{}"),
        ]
    )


def _of_items(rng: random.Random, c: Walker) -> ServerEvent:
    """What a server says of items, whoever made them."""
    item, response = _an_odd_item(rng, c), _a_response(rng, c)
    previous = rng.choice([None, "root", _an_item(rng, c), "odd_2"])
    return rng.choice(
        [
            ConversationItemAdded(item=item, previous_item_id=previous),
            ConversationItemAdded(item=item, previous_item_id=previous),
            ConversationItemDone(item=item, previous_item_id=previous),
            ResponseOutputItemAdded(response, rng.randrange(3), item),
            ResponseOutputItemDone(response, rng.randrange(3), item),
            ResponseDone(Response(response, rng.choice(["completed", "incomplete"]), output=(item,))),
            InputAudioBufferCommitted(item_id=rng.choice(["user_1", "odd_1"]), previous_item_id=previous),
            InputAudioBufferSpeechStarted(100, rng.choice(["user_1", "odd_3"])),
            InputAudioBufferSpeechStopped(900, rng.choice(["user_1", "odd_3"])),
        ]
    )


def _of_parts(rng: random.Random, c: Walker) -> ServerEvent:
    """What a server says of parts of items."""
    response, item, index = _a_response(rng, c), rng.choice([_an_item(rng, c), "odd_1", ""]), rng.randrange(2)
    users = rng.choice([_an_item(rng, c), "user_1", "odd_1"])
    text = rng.choice(["", "some", "some words"])
    return rng.choice(
        [
            ResponseContentPartAdded(response, item, 0, index, OutputText(text)),
            ResponseContentPartDone(response, item, 0, index, rng.choice([OutputText(text), OutputAudio(text), None])),
            ResponseOutputTextDelta(response, item, 0, index, text),
            ResponseOutputTextDone(response, item, 0, index, text),
            ResponseOutputAudioTranscriptDelta(response, item, 0, index, text),
            ResponseOutputAudioTranscriptDone(response, item, 0, index, text),
            ResponseOutputAudioDelta(response, item, 0, index, bytes(rng.choice([480, 48_000]))),
            ResponseOutputAudioDone(response, item, 0, index),
            ResponseFunctionCallArgumentsDelta(response, item, 0, rng.choice(["call_1", ""]), "{"),
            ResponseFunctionCallArgumentsDone(response, item, 0, rng.choice(["call_1", ""]), "plain", "{}"),
            ConversationItemInputAudioTranscriptionDelta(users, index, text),
            ConversationItemInputAudioTranscriptionDelta(users, 0, "more "),
            ConversationItemInputAudioTranscriptionCompleted(users, 0, text, status=rng.choice([None, "in_progress"])),
            ConversationItemInputAudioTranscriptionFailed(users, 0, TranscriptionError(message="no")),
            RateLimitsUpdated((RateLimit("tokens", 10, 5, 1.5),)),
        ]
    )


def _an_item(rng: random.Random, c: Walker) -> str:
    known = [item.item_id for item in c.world.machine.history]
    return rng.choice([*known, "nothing"])


def _own_event(rng: random.Random, c: Walker) -> ClientEvent:
    item = _an_item(rng, c)
    return rng.choice(
        [
            ConversationItemDelete(item),
            ConversationItemTruncate(item, 0, 100),
            ConversationItemCreate(Message(rng.choice([UNSET, "mine_1"]), "user", (InputText("own"),))),
            ConversationItemCreate(Message("mine_2", "system", (InputText("own"),)), previous_item_id=item),
            ResponseCreate(),
            ResponseCreate(ResponseParams(conversation="none")),
            ResponseCancel(),
            SessionUpdate(_other_settings(rng)),
            RawClientEvent({"type": "response.cancel"}),
            RawClientEvent({"type": "of.another.kind"}),
            RawClientEvent({"type": "conversation.item.create", "item": {"type": "message", "role": "user"}}),
            RawClientEvent({"type": "conversation.item.create", "item": {"id": item, "type": "new"}, "previous": 1}),
            RawClientEvent({"type": "conversation.item.delete", "item_id": item}),
            RawClientEvent({"type": "response.create", "response": {"conversation": rng.choice(["none", "auto"])}}),
            InputAudioBufferClear(),
        ]
    )


def _own_words(rng: random.Random, c: Walker) -> ServerEvent:
    """What the server says out of turn."""
    item = _an_item(rng, c)
    running = [response.response_id for response in c.world.far.running()]
    response = rng.choice([*running, "", "late"])
    return rng.choice(
        [
            ConversationItemDeleted(item),
            InputAudioBufferTimeoutTriggered(0, 100, "user_late"),
            ErrorEvent(ErrorDetail("invalid_request_error", "no", rng.choice([None, "invalid_value"]))),
            ErrorEvent(ErrorDetail("invalid_request_error", "no", "conversation_already_has_active_response")),
            ErrorEvent(ErrorDetail("server_error", "no", param="response.metadata")),
            ErrorEvent(ErrorDetail("invalid_request_error", "no", None, "session.audio.output.voice")),
            MalformedEvent("no JSON", b"\xff"),
            MalformedEvent("odd", b"{}", type=SessionUpdated.type),
            MalformedEvent("odd", b"{}", type=ResponseCreated.type, response_id=response),
            MalformedEvent("odd", b"{}", type=ResponseDone.type, response_id=response),
            ResponseCreated(Response(response, conversation_id=rng.choice([None, "conv"]))),
            ResponseDone(Response(response, "completed")),
        ]
    )


def _fails(rng: random.Random, c: Walker) -> None:
    call_id = rng.choice(list(c.world.tools))
    c.world.tools.pop(call_id)
    outcome = rng.choice(["error", "timeout"])
    c.world.reports.append(ToolRunning(call_id))
    c.world.reports.append(ToolDone(call_id, outcome, f"no {outcome}", error=ToolFailed(outcome)))
