"""The arrows of the architecture point down only, as `rooms.DRAWING` has them, and some walls have no door at all."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.architecture.rooms import (
    ENGINE,
    LINE_OF,
    LINES,
    REFRESH,
    first_sentence,
    head_of,
    imported_files,
    imported_rooms,
    modules,
    room_of,
    rooms,
    runtime_imports,
    table,
    table_in_readme,
)

NO_EVENT_LOOP = {
    "_messages",
    "agents",
    "agents/schema",
    "audio",
    "core",
    "errors",
    "events",
    "history",
    "lab/report",
    "lab/statistics",
    "latency",
    "latency/compat",
    "latency/export",
    "local/conversation",
    "local/settings",
    "outside",
    "recorder",
    "settings",
    "wire",
}
"""Rooms that never import trio: decisions are synchronous functions over data."""

SHARED_WITH_THE_SERVER = {"wire", "audio", "secret", "transport", "errors", "outside", "serving"}
"""Rooms that the embedded server uses besides its own: those of the client's side, and what any server needs."""

PARTS_OF_ACTORS = {ENGINE / "actors" / "isolation.py", ENGINE / "actors" / "hooks.py"}
"""Modules that actors are made of: no actors themselves."""

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


ESTIMATE = {ENGINE / "audio/playout_clock.py", ENGINE / "core/playback.py", ENGINE / "latency/playout.py"}
INSTRUMENT = {
    *(ENGINE / "caller" / file for file in ("play_queue.py", "player.py", "recording.py")),
    ENGINE / "lab/simulate/tick.py",
}
"""Modules that say what was heard of audio: the engine's own, and those that measure it in the lab."""


def in_room(*rooms: str) -> list[Path]:
    return [path for path in modules() if room_of(path) in rooms]


def name(path: Path) -> str:
    return path.relative_to(ENGINE).as_posix()


def test_the_drawing_has_each_room_once() -> None:
    drawn = [room for line in LINES for room in line]
    assert sorted(drawn) == sorted(rooms()), "a new room has to be drawn in tests/architecture/rooms.py"


@pytest.mark.parametrize("room", sorted(rooms()))
def test_a_room_imports_only_rooms_drawn_below_it(room: str) -> None:
    """So there is no circle of rooms either."""
    assert {other for other in imported_rooms(room) if LINE_OF[other] <= LINE_OF[room]} == set()


def test_no_modules_import_each_other_in_a_circle() -> None:
    TopologicalSorter({path: imported_files(path) for path in modules()}).prepare()  # a CycleError names the circle


def test_nobody_inside_imports_from_the_package_itself() -> None:
    """Its names come from the rooms above."""
    assert [path for path in modules() if "engine" in runtime_imports(path)] == []


@pytest.mark.parametrize("path", in_room(*NO_EVENT_LOOP), ids=name)
def test_decisions_know_no_event_loop(path: Path) -> None:
    assert not [module for module in runtime_imports(path) if module.split(".")[0] in ("trio", "asyncio", "anyio")]


@pytest.mark.parametrize("path", in_room("actors"), ids=name)
def test_actors_never_import_each_other(path: Path) -> None:
    assert imported_files(path) & set(in_room("actors")) <= PARTS_OF_ACTORS


@pytest.mark.parametrize("path", in_room("core"), ids=name)
def test_operations_of_the_core_have_one_address(path: Path) -> None:
    """Modules that route inputs are known to the machine only: what two of them need is an operation of its own."""
    routers = {known for known in in_room("core") if known.stem.startswith("on_")}
    assert not imported_files(path) & routers or path.stem == "machine"


@pytest.mark.parametrize("room", sorted(room for room in rooms() if room.split("/")[0] == "local"))
def test_the_embedded_server_shares_only_the_wire_with_the_client(room: str) -> None:
    outside = {other for other in imported_rooms(room) if other.split("/")[0] != "local"}
    assert outside <= SHARED_WITH_THE_SERVER


@pytest.mark.parametrize(("one", "other"), [(ESTIMATE, INSTRUMENT), (INSTRUMENT, ESTIMATE)])
def test_estimate_and_instrument_of_playback_share_no_code(one: set[Path], other: set[Path]) -> None:
    """Else the lab would measure the engine with itself."""
    assert all(path.exists() for path in one)
    assert [path for path in one if imported_files(path) & other] == []


@pytest.mark.parametrize("path", [ENGINE / "audio/playout_clock.py", ENGINE / "caller/play_queue.py"], ids=name)
def test_the_arithmetic_of_playback_rests_on_facts_only(path: Path) -> None:
    """What both have in common is what a byte and a second are, and the events that they are given."""
    assert {room_of(file) for file in imported_files(path)} <= {"wire", "events"}


@pytest.mark.parametrize("path", [ENGINE / "__init__.py", *in_room(*rooms() - {"cli"})], ids=name)
def test_nothing_heavy_is_imported_at_the_top(path: Path) -> None:
    top = ast.parse(path.read_text(encoding="utf-8")).body
    names = {alias.name.split(".")[0] for node in top if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module.split(".")[0] for node in top if isinstance(node, ast.ImportFrom) and node.module}
    assert not names & HEAVY


@pytest.mark.parametrize("room", sorted({*rooms(), "lab"}))
def test_each_room_says_in_one_sentence_what_it_holds(room: str) -> None:
    sentence = first_sentence(head_of(room))
    assert sentence.endswith(".")
    assert ". " not in sentence


def test_the_table_of_rooms_is_fresh() -> None:
    assert table_in_readme() == table(), f"engine/README.md is stale: {REFRESH}"
