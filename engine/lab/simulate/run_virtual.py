"""A run under virtual time: sessions are pieces of work for as many processes as there are processors.

No session knows in which process it runs, and the account is kept in their order: the number of workers changes
nothing but the time it takes.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator, MutableMapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context

from engine.lab.simulate.results import RunInfo
from engine.lab.simulate.run import Measured, Plan, RunWriter, measured
from engine.lab.simulate.run_call import CallSpec
from engine.lab.simulate.virtual import run_call_virtually

KEYS_OF_MODELS = ("OPENAI_API_KEY", "ENGINE_API_KEY", "ENGINE_CHAT_KEY", "ENGINE_SERVE_KEY")

_ALLOCATIONS = 20_000
"""Between two looks of the garbage collector: it looks seldom, because it finds little."""


def run_virtually(plan: Plan, writer: RunWriter, *, workers: int) -> RunInfo:
    """Hold every session of a plan. Ctrl-C ends it in good order, with what has been done by then.

    Raises:
        ScenarioError: the scenario names an agent or a file that cannot be used.
        OSError: the results cannot be written.
    """
    specs = plan.calls()
    if workers <= 1 or len(specs) == 1:
        return _one_after_another(specs, writer)
    pool = ProcessPoolExecutor(min(workers, len(specs)), mp_context=get_context("spawn"), initializer=_begin_worker)
    interrupted: str | None = None
    futures: list[Future[Measured]] = []
    try:
        with _without_keys(os.environ):
            futures = [pool.submit(hold, spec) for spec in specs]
        for future in as_completed(futures):
            writer.enter(future.result())
    except KeyboardInterrupt:
        interrupted = "Ctrl-C"
        for future in futures:
            future.cancel()
    except BrokenProcessPool:
        interrupted = "a worker process died"
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return writer.close(interrupted=interrupted)


@contextmanager
def _without_keys(environment: MutableMapping[str, str]) -> Iterator[None]:
    """Keep the keys of models out of an environment for as long as workers are started, who talk to the local one.

    Everything else is theirs, too: they run the application's own agents.
    """
    kept = {name: environment.pop(name) for name in KEYS_OF_MODELS if name in environment}
    try:
        yield
    finally:
        environment.update(kept)


def hold(spec: CallSpec) -> Measured:
    """One session, and what the budgets look at in it."""
    return measured(spec, run_call_virtually(spec))


def _one_after_another(specs: tuple[CallSpec, ...], writer: RunWriter) -> RunInfo:
    try:
        for spec in specs:
            writer.enter(hold(spec))
    except KeyboardInterrupt:
        return writer.close(interrupted="Ctrl-C")
    return writer.close()


def _begin_worker() -> None:
    """Ctrl-C is the parent's business. What has been imported stays, and a call leaves little to be collected."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, 20, 100)
