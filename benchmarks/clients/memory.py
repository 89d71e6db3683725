"""What the kernel says of this process: memory in KiB, open descriptors, threads."""

from __future__ import annotations

import os
from pathlib import Path


def status() -> dict[str, int]:
    """`rss` and `peak` (VmHWM) from status, `private` (clean and dirty) and `pss` from smaps_rollup."""
    found: dict[str, int] = {}
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("VmRSS", "VmHWM"):
            found["rss" if name == "VmRSS" else "peak"] = int(value.split()[0])
        elif name == "Threads":
            found["threads"] = int(value)
    private = 0
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]:
        name, _, value = line.partition(":")
        if name in ("Private_Clean", "Private_Dirty"):
            private += int(value.split()[0])
        elif name == "Pss":
            found["pss"] = int(value.split()[0])
    found["private"] = private
    found["descriptors"] = len(os.listdir("/proc/self/fd"))
    return found
