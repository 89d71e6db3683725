"""The virtualenvs of the benchmark: one for each table of peers.toml, made by `python -m benchmarks install`.

An environment counts as there once its install ended well and for these very pins: the pins it was made from are
kept beside it, so that a changed pin shows as missing and not as a wrong number.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import attrs

HERE: Final = Path(__file__).resolve().parent
CHECKOUT: Final = HERE.parent
ENVIRONMENTS: Final = HERE / ".envs"
INSTALL_LIMIT_S: Final = 1800


@attrs.frozen
class Environment:
    """One virtualenv: its name and the pinned packages. The checkout itself is never installed, only on the path."""

    name: str
    packages: tuple[str, ...]
    commit: str = ""
    """The commit whose `engine` and `benchmarks` are on the path; empty for those of this checkout."""

    @property
    def folder(self) -> Path:
        return ENVIRONMENTS / self.name

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout" if self.commit else CHECKOUT

    @property
    def pins(self) -> str:
        commit = {"commit": self.commit} if self.commit else {}
        return json.dumps({"python": sys.version.split()[0], "packages": self.packages, **commit}, indent=1)

    def missing(self) -> str | None:
        """Why this environment cannot be used, or None when it can."""
        made_from = self.folder / "pins.json"
        if not made_from.exists():
            return "not installed"
        if made_from.read_text() != self.pins:
            return "installed from other pins"
        return None

    def versions(self) -> list[str]:
        """Everything that is installed here, as `name==version`."""
        frozen = self.folder / "versions.txt"
        return frozen.read_text().split() if frozen.exists() else []

    def install(self) -> None:
        """Make the virtualenv anew, pip's words in its install.log. Raises subprocess.CalledProcessError."""
        shutil.rmtree(self.folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(self.folder)], check=True)
        if self.commit:
            self._unpack()
        pip = [str(self.python), "-m", "pip", "--disable-pip-version-check"]
        with (self.folder / "install.log").open("wb") as log:
            subprocess.run(
                [*pip, "install", *self.packages], check=True, timeout=INSTALL_LIMIT_S, stdout=log, stderr=log
            )
        frozen = subprocess.run([*pip, "freeze"], check=True, capture_output=True, text=True)
        (self.folder / "versions.txt").write_text(frozen.stdout)
        (self.folder / "pins.json").write_text(self.pins)

    def _unpack(self) -> None:
        """Lay out what the commit had on the path, as files of its own that no later work changes."""
        archive = ["git", "archive", self.commit, "engine", "benchmarks"]
        packed = subprocess.run(archive, cwd=CHECKOUT, check=True, capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(packed)) as files:
            files.extractall(self.checkout, filter="data")


def load() -> dict[str, Environment]:
    """The environments that peers.toml names, by name."""
    return read((HERE / "peers.toml").read_text())


def read(peers: str) -> dict[str, Environment]:
    """The environments that the text of a peers.toml names, by name."""
    tables = tomllib.loads(peers)["environments"]
    return {name: Environment(name, tuple(table["packages"])) for name, table in tables.items()}


def install(names: Iterable[str] = ()) -> int:
    """Make what is missing (or `names`, anew). Returns how many could not be made; says why on stdout."""
    wanted = set(names)
    failures = 0
    for environment in load().values():
        if wanted and environment.name not in wanted:
            continue
        if not wanted and environment.missing() is None:
            print(f"{environment.name}: already there")
            continue
        failures += not made(environment)
    return failures


def made(environment: Environment) -> bool:
    """Install one environment. Returns whether it could be made; says why not on stdout."""
    print(f"{environment.name}: installing {' '.join(environment.packages)} ...", flush=True)
    try:
        environment.install()
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"{environment.name}: failed ({error}); see {environment.folder / 'install.log'}")
        return False
    return True
