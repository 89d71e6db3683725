"""The environment of a speech process: what it needs to start, to find its packages, and to know the language.

The keys of the program that starts it are none of its business.
"""

from __future__ import annotations

from collections.abc import Mapping

NEEDED = frozenset(
    {
        "COMSPEC",
        "DYLD_LIBRARY_PATH",
        "HOME",
        "LANG",
        "LANGUAGE",
        "LD_LIBRARY_PATH",
        "LOCALAPPDATA",
        "NUMBER_OF_PROCESSORS",
        "OMP_NUM_THREADS",
        "PATH",
        "PATHEXT",
        "PYTHONHASHSEED",
        "PYTHONHOME",
        "PYTHONIOENCODING",
        "PYTHONPATH",
        "PYTHONUTF8",
        "SYSTEMROOT",
        "TEMP",
        "TMP",
        "TMPDIR",
        "TZ",
        "USERPROFILE",
        "VIRTUAL_ENV",
        "WINDIR",
    }
)
"""Names of variables that are handed on, beside those that begin with `LC_` or with `ESPEAK`."""


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a speech process gets of an environment."""
    return {
        name: value
        for name, value in environment.items()
        if name.upper() in NEEDED or name.startswith(("LC_", "ESPEAK"))
    }
