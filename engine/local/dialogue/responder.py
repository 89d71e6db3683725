"""The dialogue as a responder: from the context to the reply, a pure function of what is in the conversation.

In this order: instructions that dictate the words; outputs of tools that nobody spoke about yet; what the
user said last; a greeting. The session's tools decide what can be done: an intent whose tool is not declared
goes to the department that can do it, if there is a handoff to it, and is declined otherwise. So an agent
that is handed the conversation, with other tools, behaves as the specialist it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs
import trio

from engine.local.conversation.replies import Answered, Called, HistoryLine, PromptContext, Reply, SayText
from engine.local.dialogue.description import Dialogue, Intent
from engine.local.dialogue.spoken_results import fill, spoken_result
from engine.local.dialogue.tool_choice import (
    Missing,
    calls_of,
    is_transfer,
    tool_for,
    tool_named_in,
    transfer_to,
)
from engine.local.dialogue.understanding import Understanding, Understood
from engine.wire.session import FunctionToolDefinition, ToolChoiceFunction

_DICTATED = re.compile(r"\s*say exactly:? [\"“](.+?)[\"”]", re.IGNORECASE | re.DOTALL)
_GREETING = "greeting:"
_LONG = 150
"""Characters beyond which a text is not understood in passing. What callers say is shorter."""


@attrs.frozen
class _Turn:
    """A user's words, what they mean, and what came before."""

    understood: Understood
    earlier: tuple[Understood, ...]
    asked: str | None
    """The assistant's last words before them."""


class DialogueResponder:
    """Answers out of one description. Keeps nothing between calls."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._understanding = Understanding(dialogue)

    async def __call__(self, context: PromptContext) -> Reply:
        """The reply, at once; long texts of the user are understood before it, a step for each."""
        await trio.lowlevel.checkpoint()
        for line in context.history:
            if isinstance(line, HistoryLine) and line.role == "user" and len(line.text or "") > _LONG:
                self._meaning(line)
                await trio.lowlevel.checkpoint()
        return self.reply(context)

    def reply(self, context: PromptContext) -> Reply:
        """The reply."""
        dictated = _DICTATED.match(context.instructions)
        if dictated is not None:
            return (SayText(dictated[1]),)
        tools = () if context.tool_choice == "none" else context.tools
        answered = _unspoken(context.history)
        if answered:
            return self._after_tools(context, answered, tools)
        line = _last_user_line(context.history)
        if line is None:
            return (SayText(self._greeting(context)),)
        if line.text is None:
            phrases = (self._dialogue.picture,) if line.images else self._dialogue.not_understood
            return (SayText(self._pick(phrases, context)),)
        turn = self._turn(context.history)
        return self._forced(context, turn) or self._answer(context, turn, tools)

    # ------------------------------------------------------------------------------------------ what the user said
    def _answer(self, context: PromptContext, turn: _Turn, tools: tuple[FunctionToolDefinition, ...]) -> Reply:
        understood = self._completed(turn)
        intent = understood.intent
        if intent is None:
            return self._unknown(context, turn, tools)
        if intent.transfer:
            return self._transfer(understood, tools)
        if intent.repeat:
            return (SayText(turn.asked or intent.say[0]),)
        tool = tool_for(intent, tools)
        if tool is not None:
            return self._call(tool, intent, understood, turn.earlier, context)
        line = _last_user_line(context.history)
        if intent.tools and line is not None and not line.spoken:
            named = tool_named_in(understood.text, tools)
            if named is not None:
                return self._call(named, None, understood, turn.earlier, context)
        if intent.department is not None:
            handoff = transfer_to(intent.department, self._dialogue, tools)
            if handoff is not None:
                return self._call(handoff, None, understood, (), context)
        return (SayText(self._words(intent, understood, context)),)

    def _unknown(self, context: PromptContext, turn: _Turn, tools: tuple[FunctionToolDefinition, ...]) -> Reply:
        line = _last_user_line(context.history)
        if line is None or line.spoken:
            return (SayText(self._pick(self._dialogue.not_understood, context)),)
        tool = tool_named_in(turn.understood.text, tools)
        if tool is not None:
            return self._call(tool, None, turn.understood, turn.earlier, context)
        picture = f"{self._dialogue.picture} " if line.images else ""
        return (SayText(picture + self._dialogue.echo.replace("{text}", turn.understood.text)),)

    def _transfer(self, understood: Understood, tools: tuple[FunctionToolDefinition, ...]) -> Reply:
        department = understood.value("department") or self._department_in(understood.text)
        handoff = transfer_to(department, self._dialogue, tools) if department else None
        if handoff is None:
            return (SayText(self._dialogue.no_department),)
        calls = calls_of(handoff, None, understood, ())
        return calls if not isinstance(calls, Missing) else (SayText(calls.need.ask),)

    def _department_in(self, text: str) -> str | None:
        """A department named by one of its words ("speak to somebody about my bill")."""
        words = set(re.findall(r"[a-z]+", text.lower()))
        scored = [(len(words & set(known)), name) for name, known in self._dialogue.departments.items()]
        best = max(scored, default=(0, ""), key=lambda each: each[0])
        return best[1] if best[0] else None

    def _call(
        self,
        tool: FunctionToolDefinition,
        intent: Intent | None,
        understood: Understood,
        earlier: Sequence[Understood],
        context: PromptContext,
    ) -> Reply:
        calls = calls_of(tool, intent, understood, earlier)
        if isinstance(calls, Missing):
            return (SayText(calls.need.ask),)
        return calls if context.parallel_calls else calls[:1]

    def _forced(self, context: PromptContext, turn: _Turn) -> Reply | None:
        """A call that `tool_choice` demands, whatever was said."""
        choice = context.tool_choice
        if isinstance(choice, ToolChoiceFunction):
            wanted = [tool for tool in context.tools if tool.name == choice.name]
        elif choice == "required":
            wanted = list(context.tools)
        else:
            return None
        understood = self._completed(turn)
        tool = tool_for(understood.intent, wanted) if understood.intent is not None else None
        tool = tool or tool_named_in(understood.text, wanted) or next(iter(wanted), None)
        if tool is None:
            return None
        intent = self._intent_of(tool.name)
        calls = calls_of(tool, intent, understood, turn.earlier)
        if isinstance(calls, Missing):
            calls = calls_of(tool, None, understood, turn.earlier)
        return None if isinstance(calls, Missing) else calls

    def _completed(self, turn: _Turn) -> Understood:
        """A bare value is the answer to the question before it, and belongs to what the question was
        about."""
        understood = turn.understood
        if understood.intent is not None and not understood.intent.completes:
            return understood
        for intent in self._dialogue.intents:
            for need in intent.slots:
                if turn.asked is not None and turn.asked.endswith(need.ask) and understood.value(need.slot):
                    return attrs.evolve(understood, intent=intent)
        return understood

    # ------------------------------------------------------------------------------------------ what tools answered
    def _after_tools(
        self,
        context: PromptContext,
        answered: tuple[tuple[Called | None, str], ...],
        tools: tuple[FunctionToolDefinition, ...],
    ) -> Reply:
        said: list[str] = []
        for call, output in answered:
            if call is not None and _hands_over(call.name, context.tools, self._dialogue, self._intent_of(call.name)):
                return self._handed_over(context, call, output, tools)
            intent = self._intent_of(call.name) if call is not None else None
            said.append(spoken_result(self._dialogue, intent, call, output))
        return (SayText(" ".join(said)),)

    def _handed_over(
        self, context: PromptContext, call: Called, output: str, tools: tuple[FunctionToolDefinition, ...]
    ) -> Reply:
        """The specialist greets, and goes on with what the caller wanted, if it is something this one
        does."""
        assistant = _assistant(call.name, output)
        turn = self._turn(context.history)
        intent = turn.understood.intent
        if intent is not None and not intent.transfer and tool_for(intent, tools) is not None:
            greeting = fill(self._dialogue.continued, {"assistant": assistant}) or ""
            going_on = self._answer(context, turn, tools)
            first = going_on[0]
            if isinstance(first, SayText):
                return (SayText(f"{greeting} {first.text}"), *going_on[1:])
            return (SayText(greeting), *going_on)
        return (SayText(fill(self._dialogue.transferred, {"assistant": assistant}) or ""),)

    def _intent_of(self, tool_name: str) -> Intent | None:
        for intent in self._dialogue.intents:
            if any(re.fullmatch(pattern, tool_name.lower()) for pattern in intent.tools):
                return intent
        return None

    # ------------------------------------------------------------------------------------------ words
    def _greeting(self, context: PromptContext) -> str:
        persona = _persona_greeting(context.instructions)
        if persona is not None:
            return persona
        greeting = self._dialogue.intent("greeting")
        return greeting.say[0] if greeting is not None and greeting.say else "Hello."

    def _words(self, intent: Intent, understood: Understood, context: PromptContext) -> str:
        if intent.name == "greeting":
            persona = _persona_greeting(context.instructions)
            if persona is not None and not _assistant_lines(context.history):
                return persona
        values = {slot: found[0] for slot, found in understood.values.items()}
        words = fill(self._pick(intent.say or (self._dialogue.unavailable,), context), values)
        return words or self._dialogue.unavailable

    def _pick(self, phrases: tuple[str, ...], context: PromptContext) -> str:
        """The phrases in turn."""
        used = sum(1 for line in _assistant_lines(context.history) if line.text in phrases)
        return phrases[used % len(phrases)]

    def _turn(self, history: Sequence[HistoryLine | Called | Answered]) -> _Turn:
        lines = [each for each in history if isinstance(each, HistoryLine) and each.text]
        at = max((index for index, line in enumerate(lines) if line.role == "user"), default=None)
        if at is None:
            return _Turn(Understood("", None, {}), (), None)
        before = [line for line in lines[:at] if line.role == "user"]
        asked = next((line.text for line in reversed(lines[:at]) if line.role == "assistant"), None)
        return _Turn(self._meaning(lines[at]), tuple(self._meaning(line) for line in before), asked)

    def _meaning(self, line: HistoryLine) -> Understood:
        return self._understanding.understand(line.text or "", typed=not line.spoken)


def _persona_greeting(instructions: str) -> str | None:
    """Return the words of a line of the instructions that begins with "greeting:"."""
    asked = False
    for line in instructions.splitlines():
        words = line.strip()
        if not asked and words[: len(_GREETING)].lower() == _GREETING:
            asked, words = True, words[len(_GREETING) :].strip()
        if asked and words:  # they may be on the next line
            return words
    return None


def _assistant_lines(history: Sequence[HistoryLine | Called | Answered]) -> list[HistoryLine]:
    return [each for each in history if isinstance(each, HistoryLine) and each.role == "assistant"]


def _last_user_line(history: Sequence[HistoryLine | Called | Answered]) -> HistoryLine | None:
    return next((each for each in reversed(history) if isinstance(each, HistoryLine) and each.role == "user"), None)


def _unspoken(history: Sequence[HistoryLine | Called | Answered]) -> tuple[tuple[Called | None, str], ...]:
    """Tool outputs since the assistant or the user last spoke, oldest first, with their calls."""
    calls = {each.call_id: each for each in history if isinstance(each, Called)}
    outputs: list[tuple[Called | None, str]] = []
    for each in reversed(history):
        if isinstance(each, Answered):
            outputs.append((calls.get(each.call_id), each.output))
        elif isinstance(each, HistoryLine) and each.role in ("user", "assistant"):
            break
    return tuple(reversed(outputs))


def _hands_over(name: str, tools: Sequence[FunctionToolDefinition], dialogue: Dialogue, intent: Intent | None) -> bool:
    """Whether a call was a handoff. After it the tool may be gone from the session, so its name has to
    tell."""
    declared = next((tool for tool in tools if tool.name == name), None)
    return is_transfer(declared or FunctionToolDefinition(name=name)) and intent is None


def _assistant(tool_name: str, output: str) -> str:
    """Who the caller is through to: named by the output, or else by the tool."""
    named = re.search(r"\"assistant\"\s*:\s*\"([^\"]+)\"", output)
    if named is not None:
        return named[1]
    return re.sub(r"^(transfer|hand_?off|hand_?over|escalate|delegate)(_to)?_", "", tool_name).replace("_", " ")
