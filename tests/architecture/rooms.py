"""The rooms of the engine, the imports between them, and the table of both in `engine/README.md`.

A room is a folder that holds modules, or a module at the top: `lab/simulate`, `core`, `errors`. Refresh the table with

    python -m tests.architecture.rooms
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ENGINE = Path(__file__).parents[2] / "engine"
README = ENGINE / "README.md"

DRAWING = """
    cli
    lab/report
    lab/simulate
    lab/scenario    lab/replay
    lab/statistics  caller
    session         testing
    actors
    agents          mailboxes           models          recorder
    core            local
    events          local/speech        latency/export  latency/compat
    latency         local/dialogue
    history         local/conversation  settings
    audio           clock               local/settings  serving
    wire            transport           agents/schema
    secret
    errors          version             _messages
    outside
"""
"""Who may import whom at run time: a room imports only rooms on lines below its own."""

LINES = [line.split() for line in DRAWING.strip().splitlines()]
LINE_OF = {room: number for number, line in enumerate(LINES) for room in line}

BEGIN, END = "<!-- rooms:begin -->\n", "<!-- rooms:end -->\n"
REFRESH = "python -m tests.architecture.rooms"


@cache
def modules() -> list[Path]:
    """Return the files of the package, but for its own `__init__.py`, which imports names when they are first used."""
    return sorted(path for path in ENGINE.rglob("*.py") if path != ENGINE / "__init__.py")


def room_of(path: Path) -> str:
    """Return the room that a file belongs to."""
    inside = path.relative_to(ENGINE)
    return inside.stem if inside.parent == Path() else inside.parent.as_posix()


def head_of(room: str) -> Path:
    """Return the file whose docstring says what a room holds."""
    return ENGINE / room / "__init__.py" if (ENGINE / room).is_dir() else ENGINE / f"{room}.py"


def modules_of(room: str) -> list[Path]:
    """Return the modules of a room, `__init__.py` aside."""
    return [path for path in modules() if room_of(path) == room and path.name != "__init__.py"]


def rooms() -> set[str]:
    """Return all rooms."""
    return {room_of(path) for path in modules() if path.name != "__init__.py"}


@cache
def runtime_imports(path: Path) -> tuple[str, ...]:
    """Return the dotted names of what a file imports when it, or one of its functions, runs.

    Imports that only a type checker sees are left out. Of `from a import b` the name is `a.b` if that is a module of
    the engine, and `a` otherwise.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_checkers = [node for node in ast.walk(tree) if isinstance(node, ast.If) and _is_for_checkers(node.test)]
    skipped = {inner for node in for_checkers for branch in node.body for inner in ast.walk(branch)}
    return tuple(name for node in ast.walk(tree) if node not in skipped for name in _names_imported_by(node, path))


def _is_for_checkers(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _names_imported_by(node: ast.AST, path: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"{path}: imports are absolute"
        assert node.module
        whole = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name if file_of(name) else node.module for name in whole)


def file_of(name: str) -> Path | None:
    """Return the file of a module or package inside the engine, or None if `name` is neither."""
    if not name.startswith("engine."):
        return None
    path = ENGINE.parent.joinpath(*name.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()), None)


def imported_files(path: Path) -> set[Path]:
    """Return the files of the engine that a file imports."""
    return {file for name in runtime_imports(path) if (file := file_of(name)) is not None}


def imported_rooms(room: str) -> set[str]:
    """Return the other rooms that the modules of a room import."""
    inside = [path for path in modules() if room_of(path) == room]
    return {room_of(file) for path in inside for file in imported_files(path)} - {room}


def first_sentence(path: Path) -> str:
    """Return the first paragraph of a file's docstring, which is to be one sentence, on one line."""
    paragraph = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n\n")[0]
    return " ".join(paragraph.split())


def table() -> str:
    """Return the table of rooms, top to bottom, as Markdown."""
    rows = ["| room | modules | what it holds | imports |", "|---|---:|---|---|"]
    for room in sorted(rooms(), key=lambda room: (LINE_OF[room], room)):
        imports = ", ".join(f"`{other}`" for other in sorted(imported_rooms(room)))
        link = head_of(room).relative_to(ENGINE).as_posix().removesuffix("__init__.py")
        holds = first_sentence(head_of(room))
        rows.append(f"| [`{room}`]({link}) | {len(modules_of(room))} | {holds} | {imports} |")
    return "\n".join(rows) + "\n"


def table_in_readme() -> str:
    """Return the table as it stands in `engine/README.md`."""
    return README.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


def refresh() -> None:
    """Write the table into `engine/README.md`."""
    before, begin, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    README.write_text(before + begin + table() + end + after, encoding="utf-8")


if __name__ == "__main__":
    refresh()
