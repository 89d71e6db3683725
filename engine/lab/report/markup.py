"""HTML by small functions: what is text is escaped here, once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def tag(name: str, *inside: str, **attributes: str | bool | None) -> str:
    """An element around markup. `class_` is class, `for_` is for, an underscore in a name is a hyphen."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(str(value))}"')
        for key, value in attributes.items()
        if value not in (None, False)
    )
    return f"<{name}{written}>{''.join(inside)}</{name}>"


def text(plain: object) -> str:
    """Text, escaped."""
    return escape(str(plain), quote=False)


def prose(plain: str) -> str:
    """Text in which names are between backticks."""
    return "".join(tag("code", text(part)) if at % 2 else text(part) for at, part in enumerate(plain.split("`")))


def cell(inside: str, note: str = "", *, number: bool = False, label: str | None = None) -> str:
    """A cell of a table, with a small line under it. The label is shown where a narrow window stacks the cells of a
    row and has no heads (tables of class ``stack``)."""
    small = tag("small", note) if note else ""
    return tag("td", inside, small, class_="n" if number else None, data_label=label)


def table(caption: str, heads: Sequence[str], rows: Iterable[str], *, class_: str = "", numbers: int = 0) -> str:
    """A table that scrolls within itself where the window is narrow. The last `numbers` columns are numbers.

    Args:
        caption: text; read out, and seen.
        heads: texts.
        rows: each the cells of one row.
        class_: of the table.
        numbers: how many columns, from the right, are aligned as numbers.
    """
    first = len(heads) - numbers
    head = "".join(
        tag("th", text(name), scope="col", class_="n" if at >= first else None) for at, name in enumerate(heads)
    )
    body = "".join(tag("tr", row) for row in rows)
    inner = tag("caption", text(caption)) + tag("thead", tag("tr", head)) + tag("tbody", body)
    return tag("div", tag("table", inner, class_=class_ or None), class_="scroll", tabindex="0", role="region",
               aria_label=caption)  # fmt: skip


def section(name: str, heading: str, *inside: str) -> str:
    """A part of the page with its heading."""
    head = tag("h2", text(heading), id=f"{name}-heading")
    return tag("section", head, *inside, id=name, aria_labelledby=f"{name}-heading")


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values, both markup."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs), class_="facts")
