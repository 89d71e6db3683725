"""Everything that prints: what it shows of an object, of an error, of a folder; and whether a secret is in it."""

from __future__ import annotations

import logging
import traceback
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from json import dumps
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs
import msgspec
import orjson
from rich.pretty import pretty_repr

PIECE = 8
TESTS = str(Path(__file__).parents[1])


@attrs.frozen
class Paper:
    """What has been printed, with where it comes from."""

    sheets: list[tuple[str, str]] = attrs.field(factory=list, repr=False)

    def add(self, what: str, text: str) -> None:
        self.sheets.append((what, text))

    def show(self, what: str, value: Any) -> None:
        """Print an object in every way that does not refuse."""
        self.add(what, "\n".join((repr(value), str(value), f"{value}", f"{value!s:>5}", pretty_repr(value))))
        ways = (
            lambda: orjson.dumps(value, default=str).decode(),
            lambda: dumps(value, default=str),
            lambda: msgspec.json.encode(value).decode(),
            lambda: repr(attrs.asdict(value)),
        )
        for way in ways:
            with suppress(Exception):
                self.add(what, way())

    def fail(self, what: str, error: BaseException) -> None:
        """Print an error, its chain, and the variables of every function in it that is not the test's."""
        seen: set[int] = set()
        waiting: list[BaseException | None] = [error]
        while waiting:
            each = waiting.pop()
            if each is None or id(each) in seen:
                continue
            seen.add(id(each))
            self.add(what, f"{each} {each!r} {each.args!r} {getattr(each, '__notes__', ())} {vars(each)!r}")
            for frame, line in traceback.walk_tb(each.__traceback__):
                if frame.f_code.co_filename.startswith(TESTS):
                    continue
                for name, value in frame.f_locals.items():
                    where = f"{what}: {name} in {frame.f_code.co_qualname}, {frame.f_code.co_filename}:{line}"
                    self.add(where, f"{value!r}\n{pretty_repr(value)}")
            waiting += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]

    def files(self, what: str, folder: Path) -> None:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.add(f"{what}: {path.name}", path.read_bytes().decode(errors="replace"))

    @contextmanager
    def log(self) -> Iterator[None]:
        """Print the log of everybody, down to DEBUG."""
        handler = _Handler(self)
        root, level = logging.getLogger(), logging.getLogger().level
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            root.removeHandler(handler)
            root.setLevel(level)

    def holds(self, secrets: Iterable[str]) -> list[str]:
        """Return where secrets are, or pieces of them."""
        known = {piece: secret for secret in secrets for piece in pieces(secret)}
        found = []
        for text, what in {text: what for what, text in self.sheets}.items():
            for piece in known.keys() & {text[at : at + PIECE] for at in range(len(text) - PIECE + 1)}:
                at = text.index(piece)
                found.append(f"{known[piece]!r} ({piece!r}) in {what}: {text[max(0, at - 60) : at + 60]!r}")
        return sorted(found)[:5]


class _Handler(logging.Handler):
    def __init__(self, paper: Paper) -> None:
        super().__init__(logging.DEBUG)
        self._paper = paper

    def emit(self, record: logging.LogRecord) -> None:
        self._paper.add(f"log of {record.name}", f"{record.getMessage()} {record.args!r} {record.exc_text}")


def forms(secret: str) -> list[str]:
    """Return a secret as texts write it."""
    encoded = b64encode(f"user:{secret}".encode()).decode()
    return [secret, quote(secret), quote(secret, safe=""), dumps(secret)[1:-1], encoded[8:-4]]


def pieces(secret: str) -> list[str]:
    return sorted({form[at : at + PIECE] for form in forms(secret) for at in range(len(form) - PIECE + 1)})
