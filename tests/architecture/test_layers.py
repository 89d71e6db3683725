"""The arrows of the architecture point down only. This is the drawing; the code has to agree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ENGINE = Path(__file__).parents[2] / "engine"

LEAVES = {"errors"}
"""What everybody may import: it imports nothing of the package itself."""

ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "clock": set(),
    "version": set(),
    "audio": {"errors", "wire"},
    "wire": {"errors"},
    "settings": {"errors", "wire"},
    "history": {"wire"},
    "latency": {"audio", "errors", "wire"},
    "events": {"errors", "history", "latency", "wire"},
    "recorder": {"clock", "core", "errors", "events", "latency", "settings", "version", "wire"},
    "core": {"errors", "events", "history", "wire"},
    "agents": {"core", "errors", "wire"},
    "mailboxes": {"clock", "core", "errors", "events", "wire"},
    "transport": {"errors"},
    "models": {"errors", "local", "settings", "transport", "wire"},
    "actors": {"agents", "clock", "core", "errors", "events", "mailboxes", "models", "recorder", "settings", "wire"},
    "session": {
        "actors", "agents", "clock", "core", "errors", "events", "latency", "mailboxes", "models", "recorder",
        "settings", "wire",
    },
    "testing": set(),
    "local": {"audio", "errors", "transport", "wire"},
    "caller": {"audio", "clock", "errors", "events", "history", "latency", "wire"},
    "lab": {
        "agents", "audio", "caller", "clock", "core", "errors", "events", "history", "latency", "local", "mailboxes",
        "models", "session", "settings", "testing", "transport", "version", "wire",
    },
}  # fmt: skip
"""Who may import whom, inside the package, at run time. `cli` and the package itself may import anything."""

NO_EVENT_LOOP = {
    "wire",
    "settings",
    "core",
    "history",
    "latency",
    "events",
    "recorder",
    "agents",
    "audio",
    "errors",
}
"""What never imports trio: decisions are synchronous functions over data."""

PARTS = ("engine.actors.isolation", "engine.actors.hooks")
"""What actors are made of, and no actors themselves."""

HEAVY = {
    "rich",
    "pyarrow",
    "opentelemetry",
    "hdrh",
    "pandas",
    "pocketsphinx",
    "webrtcvad",
    "espeakng_loader",
    "sounddevice",
    "numpy",
    "matplotlib",
    "openai",
}


def room_of(path: Path) -> str:
    relative = path.relative_to(ENGINE)
    return relative.parts[0].removesuffix(".py")


def runtime_imports(path: Path) -> Iterator[str]:
    """Modules imported by a file, but for those that only a type checker sees."""
    tree = ast.parse(path.read_text())
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            skipped.update(inner for branch in node.body for inner in ast.walk(branch))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


FILES = sorted(path for path in ENGINE.rglob("*.py") if path.relative_to(ENGINE).parts[0] not in ("cli",))


@pytest.mark.parametrize("path", [p for p in FILES if p.parent != ENGINE or p.stem != "__init__"], ids=str)
def test_arrows_point_down_only(path: Path) -> None:
    room = room_of(path)
    for module in runtime_imports(path):
        if not module.startswith("engine."):
            continue
        target = module.split(".")[1]
        if target == room or not ((ENGINE / target).is_dir() or (ENGINE / f"{target}.py").exists()):
            continue
        assert target in ALLOWED[room] | LEAVES, f"{path.relative_to(ENGINE)} imports {module}"


@pytest.mark.parametrize("path", [p for p in FILES if room_of(p) in NO_EVENT_LOOP], ids=str)
def test_decisions_know_no_event_loop(path: Path) -> None:
    assert not [module for module in runtime_imports(path) if module.split(".")[0] in ("trio", "asyncio", "anyio")]


def test_actors_never_import_each_other() -> None:
    for path in (ENGINE / "actors").glob("*.py"):
        others = [module for module in runtime_imports(path) if module.startswith("engine.actors")]
        others = [module for module in others if not module.startswith(PARTS)]
        assert not others, f"{path.name} imports {others}"


def test_the_embedded_server_shares_only_the_wire_with_the_client() -> None:
    for path in (ENGINE / "local").rglob("*.py"):
        rooms = {module.split(".")[1] for module in runtime_imports(path) if module.startswith("engine.")}
        assert rooms <= {"local", "wire", "audio", "transport"} | LEAVES, path.name


@pytest.mark.parametrize("path", FILES, ids=str)
def test_nothing_heavy_is_imported_at_the_top(path: Path) -> None:
    top = ast.parse(path.read_text()).body
    names = {alias.name.split(".")[0] for node in top if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module.split(".")[0] for node in top if isinstance(node, ast.ImportFrom) and node.module}
    assert not names & HEAVY
