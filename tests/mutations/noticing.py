"""The pytest plugin of a trial: it says which test failed, and ends a test that does not end by itself.

What it says goes to the file that MUTATION_NOTICED names: the id of the test that runs, and once one has failed, that
one's. So the file names the test also when the process had to be ended.
"""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, settings

import engine

CPU_SECONDS = 100
SECONDS = 500
"""How long one test may run: of its own time, and by the clock (for one that waits)."""

MOST_MEMORY = 6 * 2**30

_NOTICED = Path(os.environ["MUTATION_NOTICED"])


def pytest_configure(config: pytest.Config) -> None:
    """Search like the suite does, but report the first failure as it is, without making it smaller."""
    where = Path(engine.__file__).parents[1]
    assert where == config.rootpath, f"the mutated engine is in {config.rootpath}, the imported one in {where}"
    settings.register_profile(
        "mutations", settings(phases=(Phase.explicit, Phase.generate), report_multiple_bugs=False, database=None)
    )
    settings.load_profile("mutations")
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """End the process at a test that takes too long: the default of both signals."""
    _NOTICED.write_text(item.nodeid)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Name the file that cannot be imported."""
    if report.failed:
        _NOTICED.write_text(report.nodeid)
