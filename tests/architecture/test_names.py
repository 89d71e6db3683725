"""File names tell rooms apart, and what is named in prose exists."""

from __future__ import annotations

import ast
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.rooms import ENGINE, modules

ROOT = ENGINE.parent
DOTTED = re.compile(r"(?<![\w./-])engine(?:\.[A-Za-z_]\w*)+")
PATH = re.compile(r"(?<![\w./-])engine/[\w./-]*\w/?")
NOT_MODULES = {
    "engine.responses",  # loggers, see recorder/log_lines
    "engine.server",
    "engine.tools",
    "engine.turns",
    "engine.overhead",
    "engine.turn.below_zero",
}
"""An instant of the latency log and an attribute of exported metrics."""

PROSE = [ROOT / "README.md", ENGINE / "README.md", *sorted((ROOT / "examples").glob("*.py"))]
CODE = [path for folder in ("engine", "tests", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))]


def docstrings(path: Path) -> Iterator[str]:
    """Yield the strings of a file that stand alone: docstrings of modules, classes, functions and fields."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value


def exists(name: str) -> bool:
    """Return whether a dotted name is a module of the engine, or something in one."""
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


def missing_in(text: str) -> set[str]:
    """Return the modules, names and files of the engine that a text mentions and that do not exist."""
    names = set(DOTTED.findall(text)) - NOT_MODULES
    paths = set(PATH.findall(text))
    return {name for name in names if not exists(name)} | {path for path in paths if not (ROOT / path).exists()}


def test_no_file_name_is_used_in_more_than_two_rooms() -> None:
    names = Counter(path.name for path in modules() if path.name != "__init__.py")
    assert {name: count for name, count in names.items() if count > 2} == {}


@pytest.mark.parametrize("path", PROSE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_documents_and_examples_name_exists(path: Path) -> None:
    assert missing_in(path.read_text(encoding="utf-8")) == set()


def test_what_docstrings_name_exists() -> None:
    missing = {path.relative_to(ROOT).as_posix(): missing_in("\n".join(docstrings(path))) for path in CODE}
    assert {path: names for path, names in missing.items() if names} == {}


@pytest.mark.parametrize(
    "name", ["engine.latency.logs", "engine.latency.log.no_such_function", "engine/cor/machine.py"]
)
def test_what_does_not_exist_is_noticed(name: str) -> None:
    assert missing_in(f"See `{name}`, {name}.") == {name}
