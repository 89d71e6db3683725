"""Long conversations with the bare machine, drawn from seeds, and everything that it does in them as text.

Promises say what must be true; this says what is done, to the last field: if a change of the code changes what the
machine does anywhere in a walk, the walk is another one. `walks.txt` has the digest of every step, so that the first
step that differs can be named.

    python -m tests.core.walks          after a change that is meant: write `walks.txt` anew
    python -m tests.core.walks 17       print walk 17 in full, to compare it with that of another version
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from engine.core.inputs import (
    Disconnected,
)
from engine.errors import TransportLost
from tests.core.walk_steps import steps_of
from tests.core.walker import Walker, shown

WALKS = 240
STEPS = 60
WRITTEN = Path(__file__).parent / "walks.txt"

Line = tuple[str, list[str]]
"""A step, and what the machine did in it."""


def walk(seed: int) -> Iterator[Line]:
    """Walk, step by step."""
    c = Walker(seed)
    yield "opens", _taken(c)
    for _ in range(STEPS):
        steps = steps_of(c)
        name = c.rng.choice(sorted(steps))
        steps[name]()
        c.world.after()
        yield name, _taken(c)
    c.world.handle(Disconnected(TransportLost("gone") if seed % 3 else None))
    yield "the end", _taken(c)


def _taken(c: Walker) -> list[str]:
    """Take the lines so far, and what can be read of the machine."""
    machine, now = c.world.machine, c.world.now
    history = list(machine.history)
    ids = [item.item_id for item in history]
    lines = [
        *c.lines,
        *[f"    history: {shown(item)}" for item in history],
        f"    heard: {[machine.heard_ms(item, 0, now) for item in ids]}",
        f"    audio: {[machine.audio_ms(item, 0, 480) for item in ids]}",
        f"    usage: {shown(machine.usage)}, agent: {machine.agent.name}",
        f"    wakes at: {machine.wake_at()}, moved: {machine.waits.moved}",
        f"    waiting: {[call for call in sorted(c.world.asked) if machine.waits_for_approval(call)]}",
        f"    errors: {[error.message for error in machine.errors_before_the_end(now)]}",
    ]
    c.lines.clear()
    machine.waits.moved = False
    return lines


# --- as they are written down


def digests(seed: int) -> str:
    """Return a walk as a line: its number, and four digits for each step."""
    steps = (sha256("\n".join([name, *lines]).encode()).hexdigest()[:4] for name, lines in walk(seed))
    return " ".join([f"{seed}:", *steps])


def main() -> None:
    """Print one walk, or write all of them down."""
    if len(sys.argv) > 1:
        for number, (name, lines) in enumerate(walk(int(sys.argv[1]))):
            print("\n".join([f"{number}. {name}", *lines]))
        return
    WRITTEN.write_text("".join(f"{digests(seed)}\n" for seed in range(WALKS)))


if __name__ == "__main__":
    main()
