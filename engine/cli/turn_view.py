"""The table of turns as it is printed under a call, with what its times mean."""

from __future__ import annotations

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from engine.cli.turn_table import TurnRow, Turns

_TRUTH = (
    "Times are in seconds from the caller's last audible sample (of a typed line: from sending it) to: noticed, the "
    "far end says that the user stopped; first audio, the answer's first audio arrives; heard, its first audible "
    "sample is played. Spoke: how much of the answer was played, ✂ if the caller cut it; yielded: from the "
    "interrupting caller's first audible sample to the agent's silence."
)
_NO_TRUTH = (
    "A microphone does not tell when its user stopped speaking: times are in seconds from the far end's "
    "user_speech_stopped to: first audio, the answer's first audio arrives; heard, its first audible sample is played. "
    "Spoke: how much of the answer was played, ✂ if the caller cut it; yielded: from user_speech_started to the "
    "agent's silence."
)


def turn_view(turns: Turns) -> Group:
    """The table, its definitions and the sentence that sums it up."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), expand=False, show_edge=False)
    table.add_column("", justify="right", style="dim", no_wrap=True)
    table.add_column("caller", ratio=3, min_width=14)
    table.add_column("answered by", ratio=2, min_width=12)
    timed = ["noticed", "first\naudio", "heard", "spoke"] if turns.truth else ["first\naudio", "heard", "spoke"]
    if cuts := any(row.yielded_s is not None for row in turns.rows):
        timed.append("yielded")
    for name in timed:
        table.add_column(name, justify="right", no_wrap=True, vertical="top")
    for number, row in enumerate(turns.rows):
        table.add_row(str(number), Text(row.caller or "(not understood)"), _who(row), *_times(row, turns.truth, cuts))
    caption = Text(_TRUTH if turns.truth else _NO_TRUTH, "dim")
    return Group(table, Text(), caption, Text(), Text(turns.summary))


def _who(row: TurnRow) -> Text:
    who = Text(" → ".join(row.agents) or "nobody")
    if row.tools:
        who.append(f"\n{', '.join(row.tools)} ({row.tools_s:.2f})", "dim")
    return who


def _times(row: TurnRow, truth: bool, cuts: bool) -> list[str]:
    times = [_seconds(row.noticed_s)] if truth else []
    times += [_seconds(row.first_audio_s), _seconds(row.heard_s)]
    times.append((f"{row.spoke_s:.2f}" if row.spoke_s else "–") + (" ✂" if row.cut else ""))
    return [*times, _seconds(row.yielded_s)] if cuts else times


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
