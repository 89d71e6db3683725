"""Run the suites of the engine with the lowest versions of its dependencies that `pyproject.toml` allows.

    python -m tests.lowest_versions [ARGUMENTS OF PYTEST]

Every package that the project names, also in its extras, is installed in the lowest version that its bound allows, and
what these need in the newest. `uv` works them out; if it is missing, it is installed beside the environment. It takes
about ten minutes and is no part of `.ci/run`: run it after a bound has changed, or after code has come to use more of
a package. A bound that fails is raised to the lowest version that passes, and one with a known advisory to the version
that mends it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.environments import ROOT, create, run_tests

SUITES = ("core", "session", "transport", "wire", "mailboxes", "models", "properties")


def main() -> int:
    """Make the environment, print what is in it, and run the suites."""
    with tempfile.TemporaryDirectory(prefix="lowest-versions-") as folder:
        wanted = Path(folder) / "requirements.txt"
        wanted.write_text(lowest(Path(folder)))
        print(wanted.read_text(), flush=True)
        python = create(sys.executable, Path(folder) / "environment", "--requirement", str(wanted))
        return run_tests(python, *(sys.argv[1:] or [f"tests/{suite}" for suite in SUITES]))


def lowest(folder: Path) -> str:
    """Return the requirements, one a line.

    Raises:
        subprocess.CalledProcessError: no versions fit together, for example two extras of which each excludes the
            other's.
    """
    command = [_uv(folder), "pip", "compile", "--quiet", "--no-annotate", "--no-header", "--all-extras"]
    command += ["--resolution", "lowest-direct", "--python", sys.executable, "pyproject.toml"]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def _uv(folder: Path) -> str:
    if (found := shutil.which("uv")) is not None:
        return found
    subprocess.run([sys.executable, "-m", "venv", folder / "uv"], check=True)
    subprocess.run([folder / "uv" / "bin" / "python", "-m", "pip", "install", "--quiet", "uv"], check=True)
    return str(folder / "uv" / "bin" / "uv")


if __name__ == "__main__":
    sys.exit(main())
