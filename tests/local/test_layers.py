"""The machine is pure, and the server shares nothing with the client but the wire."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import engine

LOCAL = Path(engine.__file__).parent / "local"
PURE = sorted((LOCAL / "conversation").glob("*.py"))
OWN = sorted(LOCAL.rglob("*.py"))
ALLOWED = (
    "engine.local",
    "engine.wire",
    "engine.audio",
    "engine.transport",
    "engine.errors",
    "engine.outside",
    "engine.secret",
    "engine.serving",
)


def imported(path: Path) -> set[str]:
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
    return modules


@pytest.mark.parametrize("path", PURE, ids=lambda path: path.stem)
def test_the_machine_knows_no_loop_no_clock_and_no_network(path: Path):
    names = {module.split(".")[0] for module in imported(path)}
    assert not names & {"trio", "time", "datetime", "socket", "asyncio", "threading", "secrets", "os"}
    shell = {"engine.local.connection", "engine.local.server", "engine.local.host", "engine.transport"}
    assert not imported(path) & shell


@pytest.mark.parametrize("path", OWN, ids=lambda path: str(path.relative_to(LOCAL)))
def test_what_the_server_is_made_of(path: Path):
    assert all(module.startswith(ALLOWED) for module in imported(path) if module.split(".")[0] == "engine")


def test_the_pure_half_is_all_of_it():
    assert len(PURE) > 20
