"""An earlier commit of the engine as one more client: what it costs now against what it cost then, in one run.

`python -m benchmarks install --baseline COMMIT` makes the environment: the packages that the commit pinned, and its
`engine` and `benchmarks` beside them. Its client process runs the client files of its own commit, which know where
things were; of today are the load server, the scenarios and the lines that processes exchange (`job.py`, `stamp.py`),
so a commit can be compared with as long as those have not changed since.
"""

from __future__ import annotations

import json
import subprocess

from benchmarks import environments
from benchmarks.competitors import BASELINE
from benchmarks.environments import CHECKOUT, Environment


def installed() -> dict[str, Environment]:
    """Find the environment of the earlier commit, by name; nothing if none was made."""
    environment = Environment(BASELINE, ())
    if environment.missing() == "not installed":
        return {}
    pins = json.loads((environment.folder / "pins.json").read_text())
    return {BASELINE: Environment(BASELINE, tuple(pins["packages"]), pins["commit"])}


def install(revision: str) -> int:
    """Make the environment for a commit, anew. Returns how many could not be made; says why on stdout."""
    try:
        commit = _git("rev-parse", "--verify", f"{revision}^{{commit}}").strip()
        peers = _git("show", f"{commit}:benchmarks/peers.toml")
    except subprocess.CalledProcessError as error:
        print(f"{BASELINE}: {error.stderr.strip()}")
        return 1
    packages = environments.read(peers)["base"].packages
    return int(not environments.made(Environment(BASELINE, packages, commit)))


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout
