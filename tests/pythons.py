"""Run the tests that are not long with each Python that this machine has, and say which ran and which did not.

    python -m tests.pythons [ARGUMENTS OF PYTEST]

Interpreters are looked for on the PATH and where `pyenv` and `uv` put them. It takes about ten minutes for each, and is
no part of `.ci/run`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.environments import create, run_tests

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
"""Versions that the project is for: those that upstream still mends and that its dependencies have wheels for."""

_ELSEWHERE = (".pyenv/versions/{}.*/bin/python", ".local/share/uv/python/cpython-{}.*/bin/python")


def main() -> int:
    """Run the tests with each Python, and print the table."""
    table: list[tuple[str, str]] = []
    for version in PYTHONS:
        python = find(version)
        table.append((version, run(python) if python else "not run: there is none on this machine"))
    for version, outcome in table:
        print(f"Python {version}: {outcome}")
    return int(any(outcome.startswith("failed") for _, outcome in table))


def find(version: str) -> str | None:
    """Return the interpreter of a version, if this machine has one that starts."""
    places = [path for where in _ELSEWHERE for path in sorted(Path.home().glob(where.format(version)), reverse=True)]
    for candidate in [shutil.which(f"python{version}"), *map(str, places)]:
        if candidate is not None and _version_of(candidate).startswith(f"{version}."):
            return candidate
    return None


def run(python: str) -> str:
    """Run the tests with an interpreter, and return what became of it."""
    version = _version_of(python)
    with tempfile.TemporaryDirectory(prefix="pythons-") as folder:
        try:
            inside = create(python, Path(folder) / "environment")
        except subprocess.CalledProcessError as error:
            return f"not run: {version} has no packages ({error})"
        code = run_tests(inside, *sys.argv[1:])
    return f"passed, with {version}" if code == 0 else f"failed, with {version} (pytest ended with {code})"


def _version_of(python: str) -> str:
    """Return the full version, or nothing if the interpreter does not start, as `pyenv`'s shims may not."""
    said = subprocess.run([python, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+\.\d+\S*", said.stdout)
    return found.group() if said.returncode == 0 and found else ""


if __name__ == "__main__":
    sys.exit(main())
