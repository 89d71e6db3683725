"""One mutation against the suites: made in a copy of the tree, and tried until a test notices it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import attrs

from tests import recordings
from tests.mutations.operators import ROOT, Mutation

Outcome = Literal["noticed", "hung", "alive"]

LAST_OF_CORE = ("test_item_orders", "test_identity", "test_waits", "test_stateful")
"""Test files that take seconds, which most mutations never reach."""

STAGES = (
    "tests/core/test_walks.py",
    "tests/core/test_*.py",
    "tests/session/test_*.py",
    "tests/properties/test_sessions.py",
    "tests/properties/test_scenes.py",
)
"""What notices most in a second or two, then from the fastest to the slowest. Of the properties, those of this engine:
whether other engines, broken on purpose, are rejected says nothing about a mutation."""

SECONDS_OF_A_STAGE = 3000
_NOT_COPIED = (".git", ".venv*", "__pycache__", ".*_cache", ".hypothesis", "build", "dist", "runs", "calls")


@attrs.frozen
class Result:
    """What became of a mutation."""

    outcome: Outcome
    by: str | None = None
    """The test that noticed it, or that did not end."""
    seconds: float = 0
    stages: int = 0
    """How many stages it was tried in."""


class Tree:
    """A copy of the repository, in which one mutation at a time is made."""

    def __init__(self, folder: Path) -> None:
        self._root = folder / "tree"
        self._noticed = folder / "noticed"
        shutil.copytree(ROOT, self._root, ignore=shutil.ignore_patterns(*_NOT_COPIED), symlinks=True)

    def try_out(self, mutation: Mutation, before: Result, stages: int) -> Result:
        """Run the suites, stage by stage, until a test fails.

        Args:
            mutation: what to try.
            before: what is known of it; its stages are not run again.
            stages: how many stages there are to be in all.
        """
        began = time.monotonic()
        path = self._root / mutation.file
        source = (ROOT / mutation.file).read_bytes()
        self._write(path, mutation.text(source))
        try:
            outcome, by = self._run_all(mutation, STAGES[before.stages : stages])
        finally:
            self._write(path, source)
        return Result(outcome, by, round(before.seconds + time.monotonic() - began, 1), stages)

    def run_unchanged(self) -> str | None:
        """Run the suites without a mutation. Returns the test that fails, if any."""
        return self._run_all(None, STAGES)[1]

    def _run_all(self, mutation: Mutation | None, stages: tuple[str, ...]) -> tuple[Outcome, str | None]:
        for stage in stages:
            outcome, by = self._run_stage(_files(stage, mutation))
            if outcome != "alive":
                return outcome, by
        return "alive", None

    def _run_stage(self, files: list[str]) -> tuple[Outcome, str | None]:
        """Run files of tests. A failure counts if the same test fails again: the machine may have been busy."""
        left_out: list[str] = []
        while True:
            outcome, by = self._run([*files, *(f"--deselect={test}" for test in left_out)])
            if outcome != "noticed" or by is None or "::" not in by or by in left_out:
                return outcome, by
            again, _ = self._run([by])
            if again != "alive":
                return again, by
            left_out.append(by)

    def _write(self, path: Path, text: bytes) -> None:
        """Write a module and forget its compiled form, which is told by whole seconds and the length only."""
        path.write_bytes(text)
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
            compiled.unlink()

    def _run(self, what: list[str]) -> tuple[Outcome, str | None]:
        self._noticed.write_text("")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
        process = subprocess.Popen(
            [*command, "--tb=no", "--no-header", "-p", "tests.mutations.noticing", *what],
            cwd=self._root,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            code = process.wait(SECONDS_OF_A_STAGE)
        except subprocess.TimeoutExpired:
            code = -signal.SIGALRM
        finally:
            # What a test has left running goes with it: its processes are in this session.
            _end_group(process)
        if code == 0:
            return "alive", None
        by = self._noticed.read_text() or "the start of pytest"
        return ("hung" if code in (-signal.SIGALRM, -signal.SIGPROF) else "noticed"), by

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return kept | {
            "PYTHONPATH": str(self._root),
            "MUTATION_NOTICED": str(self._noticed),
            "ENGINE_RECORDINGS": str(recordings.folder()),
        }


def _files(stage: str, mutation: Mutation | None) -> list[str]:
    """Return the test files of a stage: the one about the mutated module first, slow ones last."""
    mirrored = f"test_{Path(mutation.file).stem}" if mutation is not None else ""

    def rank(path: Path) -> tuple[bool, int]:
        late = LAST_OF_CORE.index(path.stem) + 1 if path.stem in LAST_OF_CORE else 0
        return (path.stem != mirrored, late)

    return [path.relative_to(ROOT).as_posix() for path in sorted(sorted(ROOT.glob(stage)), key=rank)]


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
