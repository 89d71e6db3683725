"""What is remembered of what is over has a bound: a session of a day holds no more than one of an hour, but for the
history itself."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest

from engine.core import (
    arbitration,
    conversation,
    created_items,
    guardrail_trip,
    identity,
    images,
    machine,
    repeats,
    requests,
    state,
    unseen,
)
from engine.wire.server_events import ConversationItemInputAudioTranscriptionDelta
from engine.wire.units import NS_PER_S
from tests.core.driving import Driven
from tests.core.walk_steps import steps_of
from tests.core.walker import Walker

MOST = 12
REMEMBERED: dict[str, tuple[ModuleType, int]] = {
    "REMEMBERED_NAMES": (identity, 8192),
    "REMEMBERED_REQUESTS": (arbitration, 64),
    "REMEMBERED_RESPONSES": (state, 64),
    "MOST_EARLY": (conversation, 64),
    "MOST_UNTOLD": (created_items, 256),
    "MOST_ASKED": (machine, 256),
    "MOST_UNSEEN": (unseen, 256),
}
"""How much of each kind is remembered."""

OTHERS: dict[str, tuple[ModuleType, int]] = {
    "REMEMBERED_ERRORS": (state, 8),
    "REMEMBERED_EVENTS": (repeats, 64),
    "MOST_IMAGE_CHARACTERS": (images, 33_554_432),
    "MOST_CONFLICTS": (arbitration, 30),
    "MOST_COPIES": (arbitration, 2),
    "RETRY_NS": (arbitration, NS_PER_S),
    "CLOSE_FOLLOWS_NS": (machine, 5 * NS_PER_S),
    "MS_PER_CHARACTER": (conversation, 65),
    "MOST_TRIPS_IN_A_ROW": (guardrail_trip, 3),
    "MOST_PAIRS": (requests, 16),
}

STEPS = 1500
GROWS = {
    ".conversation._nodes": "the history",
    ".conversation._calls": "the history's calls",
    ".tool_calls._seen": "calls that have begun: none begins twice",
}
UNDER_WAY = 3 * MOST
"""What is not over is not forgotten: so much of it may there be in a walk, beyond the limits."""


def held(value: object, path: str = "", known: set[int] | None = None) -> Iterator[tuple[str, int]]:
    """Return every collection below a value, by its path, with its length."""
    known = set() if known is None else known
    if id(value) in known:
        return
    known.add(id(value))
    if isinstance(value, dict | list | set | frozenset):
        yield path, len(value)
        for one in value.values() if isinstance(value, dict) else value:
            yield from held(one, f"{path}[]", known)
    elif type(value).__module__.startswith("engine.core"):
        names = [*getattr(value, "__dict__", ()), *(each.name for each in getattr(value, "__attrs_attrs__", ()))]
        for name in names:
            yield from held(getattr(value, name, None), f"{path}.{name}", known)


@pytest.mark.parametrize("limit", [*REMEMBERED, *OTHERS])
def test_a_limit_changes_only_if_that_is_meant(limit: str) -> None:
    module, value = (REMEMBERED | OTHERS)[limit]
    assert getattr(module, limit) == value


@pytest.mark.parametrize("seed", range(6))
def test_nothing_grows_but_the_history(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, (module, _) in REMEMBERED.items():
        monkeypatch.setattr(module, limit, MOST)
    walker = Walker(seed)
    for _ in range(STEPS):
        steps = steps_of(walker)
        steps[walker.rng.choice(sorted(steps))]()
        walker.world.after()
        walker.lines.clear()
    held_now = held(walker.world.machine._state)
    grown = {path: size for path, size in held_now if size > UNDER_WAY and path not in GROWS}
    assert grown == {}


def test_ids_are_remembered_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "REMEMBERED_NAMES", MOST)
    names = identity.Identity()
    for number in range(5 * MOST):
        for owner in ("r_1", "r_2"):
            names.item(owner, f"item_{number}", number, f"call_{number}", in_conversation=True)
        names.call("r_1", f"call_{number}", f"item_{number}")
        names.output_sent(f"call_{number}")
        names.output_of(f"output_{number}", f"call_{number}")
        names.deletion_sent(f"item_{number}")
        names.item_sent(f"mine_{number}", users=True)
        names.is_stray(f"r_{number}")
    assert {path: size for path, size in held(names) if size > MOST} == {}


def test_words_of_items_that_never_come_are_remembered_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "MOST_EARLY", MOST)
    d = Driven()
    for number in range(5 * MOST):
        d.tell(ConversationItemInputAudioTranscriptionDelta(f"user_{number}", 0, "some"))
    assert {path: size for path, size in held(d.machine._state) if size > MOST} == {}
