"""Reads a page strictly: every element closed, every id there once, everything referred to there, nothing fetched."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
REFERRING = ("aria-labelledby", "aria-describedby", "for", "aria-controls")
FETCHING = ("src", "href", "srcset", "action", "data", "poster", "xlink:href")


class Page(HTMLParser):
    """What a page holds."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.referred: set[str] = set()
        self.fetched: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert len(given) == len(attrs), f"<{tag}> has an attribute twice"
        self.elements.append((tag, given))
        if tag not in VOID:
            self.open.append(tag)
        if (name := given.get("id")) is not None:
            self.ids.append(name)
        for attribute in REFERRING:
            self.referred.update((given.get(attribute) or "").split())
        for attribute in FETCHING:
            value = given.get(attribute)
            if value is not None and value.startswith("#"):
                self.referred.add(value[1:])
            elif value is not None:
                self.fetched.append(value)
        for value in given.values():
            self.referred.update(re.findall(r"url\(#([^)]+)\)", value or ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        opened = self.open.pop()
        assert opened == tag, f"<{opened}> is closed by </{tag}>"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif not self.open or self.open[-1] != "style":
            self.words += data

    def count(self, name: str) -> int:
        """How many elements of a name there are."""
        return sum(tag == name for tag, _ in self.elements)


def checked(html: str) -> Page:
    """The page, if it is what it should be."""
    page = Page()
    page.feed(html)
    page.close()
    assert not page.open, f"not closed: {page.open}"
    assert len(page.ids) == len(set(page.ids)), "an id is there twice"
    assert page.referred <= set(page.ids), f"referred to and not there: {page.referred - set(page.ids)}"
    assert all(value.startswith("data:") for value in page.fetched), page.fetched
    assert not re.search(r"(https?:)?//[a-z0-9]", re.sub(r"data:[\w/+;=,]+", "", html)), "an address of elsewhere"
    assert not re.search(r"@import|url\((?!#)", html)
    return page
