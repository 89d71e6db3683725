"""Virtual environments made for one run of the suites, and that run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests import recordings

ROOT = Path(__file__).parents[1]


def create(python: str, folder: Path, *requirements: str) -> Path:
    """Make an environment with this project in it, as it stands here.

    Args:
        python: the interpreter.
        folder: where the environment goes.
        requirements: what else is installed, as pip takes it. Without any, the project brings the newest versions
            that it allows, with its `test` extra.

    Returns:
        The environment's interpreter.

    Raises:
        subprocess.CalledProcessError: a package cannot be had.
    """
    subprocess.run([python, "-m", "venv", folder], check=True)
    inside = folder / "bin" / "python"
    project = ["--no-deps", "--editable", str(ROOT)] if requirements else ["--editable", f"{ROOT}[test]"]
    for what in (list(requirements), project):
        if what:
            subprocess.run([inside, "-m", "pip", "install", "--quiet", *what], check=True)
    return inside


def run_tests(python: Path, *arguments: str) -> int:
    """Run pytest in an environment, at this tree. Returns its exit code."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "ENGINE_RECORDINGS": str(recordings.folder())}
    command = [python, "-m", "pytest", "-p", "no:cacheprovider", "-m", "not long", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
