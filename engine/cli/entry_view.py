"""One entry of the transcript as it is shown: time, who, and the words, with what was not heard set apart."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import attrs
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from engine.cli.shown import joined, shown
from engine.cli.transcript import AgentSaid, CallerSaid, CutShort, HandedOver, Noted, ToolCalled, TranscriptEntry
from engine.core.conversation import MS_PER_CHARACTER
from engine.outside.json_text import NotJson, parse_json
from engine.outside.printable import excerpt, one_line
from engine.wire.units import NS_PER_MS, NS_PER_S

TIME_WIDTH = 6
WHO_WIDTH = 16
_LEAST_WORDS_WIDTH = 20
_UNHEARD_SHOWN = 90
_OUTPUT_SHOWN = 300
_ARGUMENTS_SHOWN = 2_000
_WORDS_SHOWN = 10_000
_CALLER, _AGENT, _TOOL, _HANDOFF, _CUT = "bold cyan", "bold green", "bold yellow", "bold magenta", "bold red"
_NOTE_STYLES = {"note": "dim", "guardrail": "bold red", "error": "bold red"}


def view(entry: TranscriptEntry, *, began_ns: int, played_ms: int = 0) -> Row:
    """The entry as a row; `played_ms` is how much of an agent's words has been heard by now."""
    who, style, words = _parts(entry, played_ms)
    return Row(clock(entry.at_ns - began_ns), shown(one_line(who), style), words)


@attrs.frozen
class Row:
    """Time, who, and words that wrap under themselves. Lines end where their words end: nothing pads them."""

    time: str
    who: Text
    words: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        indent = TIME_WIDTH + WHO_WIDTH + 2
        who = self.who.copy()
        who.truncate(WHO_WIDTH, overflow="ellipsis", pad=True)
        head = Text.assemble((self.time.rjust(TIME_WIDTH), "dim"), " ", who, " ")
        lines = self.words.wrap(console, max(options.max_width - indent, _LEAST_WORDS_WIDTH)) or [Text()]
        for number, line in enumerate(lines):
            line.rstrip()
            yield head.append_text(line) if number == 0 else Text(" " * indent).append_text(line)


def clock(since_ns: int) -> str:
    """Time since the call began: 1:04.2."""
    tenths = max(0, round(since_ns * 10 / NS_PER_S))
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def write_text(entries: Iterable[TranscriptEntry], began_ns: int, console: Console) -> None:
    """Every entry, one after another."""
    for entry in entries:
        console.print(view(entry, began_ns=began_ns))


def _parts(entry: TranscriptEntry, played_ms: int) -> tuple[str, str, Text]:
    match entry:
        case CallerSaid():
            return "Caller", _CALLER, _caller(entry)
        case AgentSaid():
            return entry.agent, _AGENT, _agent(entry, played_ms)
        case CutShort():
            return "interrupted", _CUT, _cut(entry)
        case ToolCalled():
            return "tool", _TOOL, _tool(entry)
        case HandedOver():
            return "handoff", _HANDOFF, joined((entry.from_agent, ""), (" → ", "dim"), (entry.to_agent, _AGENT))
        case Noted():
            return entry.kind, _NOTE_STYLES[entry.kind], shown(_part(entry.text), "" if entry.kind != "note" else "dim")
        case _:
            raise TypeError(f"no view of {type(entry).__name__}")


def _caller(entry: CallerSaid) -> Text:
    words = shown(_part(entry.heard))
    if not entry.settled:
        return words.append("…", "dim")
    if entry.problem is not None:
        words.append_text(shown(f"({_part(entry.problem)})", "dim"))
    elif not entry.heard:
        words.append("(nothing was understood)", "dim")
    if entry.said is not None and _plain(entry.said) != _plain(entry.heard):
        words.append_text(shown(f"\n(said: “{entry.said}”)", "dim"))
    return words


def _agent(entry: AgentSaid, played_ms: int) -> Text:
    if entry.heard_text is not None:
        at = len(entry.heard_text)
        heard, unheard = entry.text[:at].rstrip(), entry.text[at:].lstrip()
        return joined((_part(heard), ""), (" ✂ ", _CUT), (_part(unheard), "dim strike"))
    if entry.settled or not entry.received_ms:
        return shown(_part(entry.text))
    at = _heard_characters(entry, played_ms)
    return joined((_part(entry.text[:at]), ""), (_part(entry.text[at:]), "dim"))


def _heard_characters(entry: AgentSaid, played_ms: int) -> int:
    if entry.audio_complete:
        return round(len(entry.text) * min(1.0, played_ms / entry.received_ms))
    return min(len(entry.text), played_ms // MS_PER_CHARACTER)


def _cut(entry: CutShort) -> Text:
    heard = f"heard “{_part(entry.heard.strip())}”" if entry.heard.strip() else "not a word was heard"
    unheard = entry.unheard.strip()
    if len(unheard) > _UNHEARD_SHOWN:
        unheard = unheard[:_UNHEARD_SHOWN].rsplit(" ", 1)[0] + " …"
    of = f"after {entry.heard_ms / 1000:.2f} s of {entry.received_ms / 1000:.2f} s: "
    return joined((of, ""), (heard, ""), (f"\nnot heard “{unheard}”" if unheard else "", "dim"))


def _tool(entry: ToolCalled) -> Text:
    call = joined((one_line(entry.name), "bold"), (f"({_arguments(entry.arguments)})", ""))
    if entry.output is None:
        return call.append(" …", "dim")
    output = entry.output if len(entry.output) <= _OUTPUT_SHOWN else entry.output[:_OUTPUT_SHOWN] + " …"
    took = f"{entry.took_ns / NS_PER_MS:.0f}\N{NO-BREAK SPACE}ms"
    call.append(f"  {took}" if entry.outcome == "result" else f"  {entry.outcome}, {took}", "dim")
    return call.append("\n→ ", "dim").append_text(shown(output))


def _arguments(text: str) -> str:
    """The model's arguments the way Python would write them; as they are, if they are not a JSON object. In part, if
    they are long."""
    if len(text) > _ARGUMENTS_SHOWN:
        return excerpt(text, _ARGUMENTS_SHOWN)
    try:
        values = parse_json(text or "{}")
    except NotJson:
        return text
    if not isinstance(values, dict):
        return text
    return ", ".join(f"{name}={_written(value)}" for name, value in values.items())


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _part(text: str) -> str:
    """What is shown of a text of any length: a screen that is drawn ten times a second must not stand still."""
    return text if len(text) <= _WORDS_SHOWN else f"{text[:_WORDS_SHOWN]} …"


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[\w']+", text.lower()))
