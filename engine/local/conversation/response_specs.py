"""What a response is asked to be: the session's settings as they stand, with the request's own on top."""

from __future__ import annotations

import attrs

from engine.local.conversation import errors
from engine.local.conversation import usage as accounting
from engine.local.conversation.generation import ResponseSpec
from engine.local.conversation.items import ItemEntry, ItemList
from engine.local.conversation.prompt_context import history_of
from engine.local.conversation.replies import PromptContext
from engine.local.conversation.session_settings import SessionSettings, check_voice
from engine.local.conversation.tool_checks import check_tools
from engine.wire.formats import PCM16, AudioFormat
from engine.wire.items import ItemReference
from engine.wire.response import ResponseAudio, ResponseAudioOutput, ResponseParams
from engine.wire.session import FunctionToolDefinition, ToolChoice, ToolDefinition, Voice
from engine.wire.struct import UnsetType


@attrs.frozen
class ResponseRequest:
    """A response's inputs, fixed when it was asked for. The entries' words may become known later."""

    entries: tuple[ItemEntry, ...]
    instructions: str
    tools: tuple[ToolDefinition, ...]
    tool_choice: ToolChoice
    parallel_calls: bool

    @property
    def hearing(self) -> bool:
        """Whether some of the words are not known yet."""
        return any(entry.hearing for entry in self.entries)

    def context(self, *, speaks: bool) -> PromptContext:
        """What the responder may look at."""
        return PromptContext(
            instructions=self.instructions,
            tools=tuple(tool for tool in self.tools if isinstance(tool, FunctionToolDefinition)),
            tool_choice=self.tool_choice,
            history=history_of(self.entries),
            audio=speaks,
            parallel_calls=self.parallel_calls,
        )


def request_of(
    asked: ResponseParams, settings: SessionSettings, conversation: ItemList, history_items: int
) -> ResponseRequest:
    """What the response reads.

    Raises:
        Rejected: this session has no responses, a tool has no schema, or a reference points at nothing.
    """
    session = settings.speech
    check_tools(asked.tools, "response.tools")
    instructions = session.instructions if asked.instructions is None else asked.instructions
    parallel = asked.parallel_tool_calls if isinstance(asked.parallel_tool_calls, bool) else True
    tools = session.tools if isinstance(asked.tools, UnsetType) else asked.tools
    return ResponseRequest(
        entries=_entries(asked, conversation, history_items),
        instructions=(instructions if isinstance(instructions, str) else session.instructions) or "",
        tools=tools or (),
        tool_choice=asked.tool_choice or session.tool_choice or "auto",
        parallel_calls=parallel,
    )


def spec_of(
    asked: ResponseParams,
    request: ResponseRequest,
    settings: SessionSettings,
    *,
    response_id: str,
    conversation_id: str | None,
    voice_locked: bool,
    cut: tuple[int, str] | None,
) -> ResponseSpec:
    """What the response is.

    Raises:
        Rejected: its voice does not exist, or may not change any more.
    """
    session, output = settings.speech, settings.output
    own = asked.audio.output if isinstance(asked.audio, ResponseAudio) else None
    own = own if isinstance(own, ResponseAudioOutput) else ResponseAudioOutput()
    check_voice(own.voice, "response.audio.output.voice")
    voice: Voice = own.voice or output.voice or settings.traits.voice
    if voice_locked and voice != output.voice:
        raise errors.voice_locked()
    audio_format = own.format or output.format
    return ResponseSpec(
        id=response_id,
        conversation_id=conversation_id,
        modalities=asked.output_modalities or session.output_modalities or ("audio",),
        voice=voice,
        speed=output.speed or 1.0,
        audio_format=audio_format if isinstance(audio_format, AudioFormat) else PCM16,
        max_output_tokens=asked.max_output_tokens or session.max_output_tokens or "inf",
        metadata=asked.metadata or None,
        read_tokens=accounting.input_tokens(request.instructions, request.tools, request.entries),
        reasons=settings.traits.reasons,
        cut=cut,
    )


def _entries(asked: ResponseParams, conversation: ItemList, history_items: int) -> tuple[ItemEntry, ...]:
    if asked.input is None or isinstance(asked.input, UnsetType):
        return conversation.newest(history_items)
    entries = []
    for item in asked.input:
        if isinstance(item, ItemReference):
            entry = conversation.get(item.id)
            if entry is None:
                raise errors.unknown_reference(item.id)
        else:
            entry = ItemEntry(item)
        entries.append(entry)
    return tuple(entries)
