"""The table of turns as it is printed under a call, with what its times mean."""

from __future__ import annotations

from collections.abc import Callable

import attrs
from rich import box
from rich.console import Group
from rich.constrain import Constrain
from rich.table import Table
from rich.text import Text

from engine.cli.shown import shown
from engine.cli.turn_rows import TurnRow, TurnTable
from engine.outside.printable import one_line

_TRUTH = "seconds from the caller's last audible sample (of a typed line: from sending it)"
_NO_TRUTH = "seconds from user_speech_stopped: a microphone does not tell when its user really stopped speaking"
_WIDEST = 110
_WORDS_SHOWN = 2_000


@attrs.frozen
class _Column:
    title: str
    meaning: str
    value: Callable[[TurnRow], float | None]
    always: bool = True
    """Shown even if no turn has a value."""

    def text(self, row: TurnRow) -> str:
        value = self.value(row)
        cut = " ✂" if self.title == "spoke" and row.cut else ""
        return ("–" if value is None else f"{value:.2f}") + cut


_COLUMNS = (
    _Column(
        "noticed", "… to user_speech_stopped: the server says that the caller is done", lambda r: r.noticed_s, False
    ),
    _Column("first audio", "… to the first audio of the answer that arrives", lambda row: row.first_audio_s),
    _Column("heard", "… to the first audible sample of the answer that is played", lambda row: row.heard_s),
    _Column("spoke", "how much of the answer was played; ✂ it was interrupted", lambda row: row.spoke_s or None),
    _Column(
        "yielded", "from the interrupting caller's first sound to the agent's silence", lambda r: r.yielded_s, False
    ),
)


def turn_view(turns: TurnTable) -> Group:
    """Return the table, its definitions and the sentence that sums it up, to be printed."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), expand=True, show_edge=False)
    table.add_column("", justify="right", style="dim", no_wrap=True)
    table.add_column("caller", ratio=4)
    table.add_column("answered by\n(tools)", ratio=5, overflow="fold")
    columns = [column for column in _COLUMNS if column.always or any(map(column.value, turns.rows))]
    for column in columns:
        table.add_column(column.title.replace(" ", "\n"), justify="right", no_wrap=True)
    for number, row in enumerate(turns.rows):
        times = [column.text(row) for column in columns]
        table.add_row(str(number), shown(one_line(row.caller, _WORDS_SHOWN) or "(not understood)"), _who(row), *times)
    return Group(Constrain(table, _WIDEST), Text(), _definitions(turns, columns), Text(), Text(turns.summary))


def _definitions(turns: TurnTable, columns: list[_Column]) -> Table:
    meanings = Table.grid(padding=(0, 2, 0, 0))
    meanings.add_column(style="dim", no_wrap=True)
    meanings.add_column(style="dim")
    meanings.add_row("times", _TRUTH if turns.truth else _NO_TRUTH)
    if any(row.tools for row in turns.rows):
        meanings.add_row("tools", "how long they ran, together")
    for column in columns:
        meanings.add_row(column.title, column.meaning)
    return meanings


def _who(row: TurnRow) -> Text:
    who = shown(" → ".join(map(one_line, row.agents)) or "nobody")
    if row.tools:
        who.append_text(shown("".join(f"\n{one_line(name)}" for name in row.tools) + f" {row.tools_s:.2f}", "dim"))
    return who
