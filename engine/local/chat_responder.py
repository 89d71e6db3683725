"""A responder elsewhere: any chat-completions endpoint decides what the local model says, while hearing and
speaking stay here.

Needs the httpx package, which is imported when the responder is made. Requests are not streamed: a spoken reply
is short.
"""

from __future__ import annotations

import importlib
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import attrs

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
from engine.outside.json_text import NotJson, parse_json
from engine.secret.discretion import discreet
from engine.secret.redaction import Redaction
from engine.secret.value import Secret, SecretUrl
from engine.transport.address import is_loopback
from engine.wire.session import FunctionToolDefinition, ToolChoiceFunction

_SPOKEN_HINT = "You are heard, not read: answer in one to three short sentences, without lists or markup."
_NOT_UNDERSTOOD = "(The user said something that could not be understood.)"
_PATH = "/chat/completions"
_EXCERPT = 200
_LOOKED_AT = 16 * 1024
"""Characters of an answer that are shown, and that are looked at for it."""


@discreet
def chat_responder(
    url: str | Secret,
    model: str,
    *,
    api_key: str | Secret | None = None,
    allow_unencrypted_key: bool = False,
    timeout_seconds: float = 30.0,
) -> Responder:
    """A responder that asks a chat-completions endpoint.

    Args:
        url: of the API (`http://127.0.0.1:11434/v1`), or of its `/chat/completions`.
        model: the model's name there.
        api_key: sent as a bearer token.
        allow_unencrypted_key: send it also over `http://` to another machine, where everybody on the way can read it.
        timeout_seconds: for a whole answer.

    Raises:
        SettingsError: the httpx package is not installed, the URL is not one, or anybody could read the key.
    """
    url = SecretUrl.of(url)
    if not url.reveal().startswith(("http://", "https://")):
        raise SettingsError(f"the language model's URL has to begin with http:// or https://, not {url!r}")
    endpoint = _Endpoint.of(url, Secret(api_key) if api_key else None)
    endpoint.check_way(allowed=allow_unencrypted_key)
    try:
        httpx: Any = importlib.import_module("httpx")
    except ImportError as error:
        raise SettingsError("a language model by URL needs the httpx package: pip install httpx") from error

    async def ask(context: PromptContext) -> Reply:
        payload = request_of(context, model)
        failure = ""
        try:
            async with httpx.AsyncClient(timeout=timeout_seconds) as client:
                answer = await endpoint.post(client, payload)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            failure = f"the language model could not be reached: {endpoint.redaction.words(str(error))}"
        if failure:
            raise NoReply(failure)
        if answer.status_code != 200:
            said = endpoint.redaction.words(answer.text[:_LOOKED_AT])[:_EXCERPT]
            raise NoReply(f"the language model answered with status {answer.status_code}: {said}")
        return reply_of(answer.content)

    return ask


@attrs.frozen
class _Endpoint:
    """Where to ask. What may be secret goes beside the URL, which httpx writes into its log."""

    url: str
    target: Secret
    """Path and query."""
    authorization: Secret | None
    redaction: Redaction

    @classmethod
    def of(cls, url: SecretUrl, api_key: Secret | None) -> _Endpoint:
        """Take a URL apart."""
        parts = urlsplit(url.reveal())
        path = parts.path if parts.path.rstrip("/").endswith(_PATH) else parts.path.rstrip("/") + _PATH
        redaction = Redaction([*url.secrets(), *([api_key] if api_key else [])])
        authorization = Secret(f"Bearer {api_key.reveal()}") if api_key else _basic(parts.username, parts.password)
        host = parts.netloc.rpartition("@")[2]
        target = Secret(f"{path}?{parts.query}" if parts.query else path)
        return cls(urlunsplit((parts.scheme, host, path, "", "")), target, authorization, redaction)

    def check_way(self, *, allowed: bool) -> None:
        """Make sure that nobody on the way can read a key. Raises SettingsError."""
        parts = urlsplit(self.url)
        secret = self.authorization or "?" in self.target.reveal()
        if secret and parts.scheme == "http" and not allowed and not is_loopback(parts.hostname or ""):
            raise SettingsError(
                f"the language model at {parts.hostname} is on another machine and http:// is not encrypted, so that "
                "everybody on the way could read the key: use https://, or allow_unencrypted_key "
                "(--allow-unencrypted-key) where the way is safe"
            )

    async def post(self, client: Any, payload: Mapping[str, object]) -> Any:
        """Ask. A redirection is not followed: the key is for nobody else."""
        headers = {} if self.authorization is None else {"Authorization": self.authorization}
        return await client.post(
            self.url,
            json=payload,
            headers={name: value.reveal() for name, value in headers.items()},
            extensions={"target": self.target.reveal().encode()},
            follow_redirects=False,
        )


def _basic(user: str | None, password: str | None) -> Secret | None:
    if user is None:
        return None
    return Secret("Basic " + b64encode(f"{unquote(user)}:{unquote(password or '')}".encode()).decode())


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
        message = parse_json(body)["choices"][0]["message"]
        calls = [call["function"] for call in message.get("tool_calls") or ()]
        parts: list[SayText | CallTool] = [CallTool(str(call["name"]), str(call["arguments"])) for call in calls]
        text = message.get("content")
    except (NotJson, KeyError, IndexError, TypeError, AttributeError) as error:
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
