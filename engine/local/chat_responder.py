"""A responder elsewhere: any chat-completions endpoint decides what the local model says, while hearing and
speaking stay here.

Needs the httpx package, which is imported when the responder is made. Requests are not streamed: a spoken reply
is short.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import orjson

from engine.errors import SettingsError
from engine.local.conversation.replies import (
    Answered,
    Called,
    CallTool,
    HistoryLine,
    NoReply,
    PromptContext,
    Reply,
    Responder,
    SayText,
)
from engine.wire.session import FunctionToolDefinition, ToolChoiceFunction

_SPOKEN_HINT = "You are heard, not read: answer in one to three short sentences, without lists or markup."
_NOT_UNDERSTOOD = "(The user said something that could not be understood.)"
_PATH = "/chat/completions"


def chat_responder(url: str, model: str, *, api_key: str | None = None, timeout_seconds: float = 30.0) -> Responder:
    """A responder that asks a chat-completions endpoint.

    Args:
        url: of the API (`http://127.0.0.1:11434/v1`), or of its `/chat/completions`.
        model: the model's name there.
        api_key: sent as a bearer token.
        timeout_seconds: for a whole answer.

    Raises:
        SettingsError: the httpx package is not installed, or the URL is not one.
    """
    if not url.startswith(("http://", "https://")):
        raise SettingsError(f"the language model's URL has to begin with http:// or https://, not {url!r}")
    try:
        httpx: Any = importlib.import_module("httpx")
    except ImportError as error:
        raise SettingsError("a language model by URL needs the httpx package: pip install httpx") from error
    target = url if url.rstrip("/").endswith(_PATH) else url.rstrip("/") + _PATH
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    async def ask(context: PromptContext) -> Reply:
        payload = request_of(context, model)
        try:
            async with httpx.AsyncClient(timeout=timeout_seconds) as client:
                answer = await client.post(target, json=payload, headers=headers)
        except httpx.HTTPError as error:
            raise NoReply(f"the language model could not be reached: {error}") from error
        if answer.status_code != 200:
            raise NoReply(f"the language model answered with status {answer.status_code}: {answer.text[:200]}")
        return reply_of(answer.content)

    return ask


def request_of(context: PromptContext, model: str) -> dict[str, object]:
    """The context in the language of the endpoint."""
    instructions = f"{context.instructions}\n{_SPOKEN_HINT}" if context.audio else context.instructions
    messages: list[dict[str, object]] = [{"role": "system", "content": instructions}]
    messages.extend(_message(each) for each in context.history)
    payload: dict[str, object] = {"model": model, "messages": messages}
    if context.tools:
        payload["tools"] = [_tool(tool) for tool in context.tools]
        choice = context.tool_choice
        if isinstance(choice, ToolChoiceFunction):
            payload["tool_choice"] = {"type": "function", "function": {"name": choice.name}}
        elif isinstance(choice, str):
            payload["tool_choice"] = choice
        payload["parallel_tool_calls"] = context.parallel_calls
    return payload


def reply_of(body: bytes) -> Reply:
    """The endpoint's answer as a reply.

    Raises:
        NoReply: it is not an answer.
    """
    try:
        message = orjson.loads(body)["choices"][0]["message"]
        calls = [call["function"] for call in message.get("tool_calls") or ()]
        parts: list[SayText | CallTool] = [CallTool(str(call["name"]), str(call["arguments"])) for call in calls]
        text = message.get("content")
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise NoReply("the language model's answer could not be read") from error
    if isinstance(text, str) and text.strip():
        parts.insert(0, SayText(text.strip()))
    return tuple(parts)


def _message(each: HistoryLine | Called | Answered) -> dict[str, object]:
    if isinstance(each, Answered):
        return {"role": "tool", "tool_call_id": each.call_id, "content": each.output}
    if isinstance(each, Called):
        function = {"name": each.name, "arguments": each.arguments}
        call = {"id": each.call_id, "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    return {"role": each.role, "content": each.text or _NOT_UNDERSTOOD}


def _tool(tool: FunctionToolDefinition) -> dict[str, object]:
    parameters: Mapping[str, object] = tool.parameters or {"type": "object", "properties": {}}
    function = {"name": tool.name, "description": tool.description or "", "parameters": parameters}
    return {"type": "function", "function": function}
