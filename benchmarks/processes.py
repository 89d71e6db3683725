"""The two kinds of process that the benchmark starts, and the lines it exchanges with them. Every wait is bounded."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from benchmarks.environments import CHECKOUT, ENVIRONMENTS, Environment
from benchmarks.job import Job
from benchmarks.plan import Plan

BASE: Final = ENVIRONMENTS / "base" / "bin" / "python"
START_LIMIT_S: Final = 60.0
STOP_LIMIT_S: Final = 5.0


class ProcessFailed(Exception):
    """A child ended, or said nothing, before it had said what was waited for."""


class Child:
    """A child process that reads and writes lines. Its stderr goes to a file, whose end explains a failure."""

    def __init__(self, command: list[str], log: Path, checkout: Path = CHECKOUT) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": str(checkout),
            "PYTHONDONTWRITEBYTECODE": "",
            "OPENAI_API_KEY": "x",
            "OPENAI_AGENTS_DISABLE_TRACING": "1",
        }
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                cwd=checkout,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._process.stdout, selectors.EVENT_READ)
        self._pending = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise ProcessFailed(self.last_words()) from error

    def line(self, limit_s: float) -> str:
        """The next line of its stdout. Raises ProcessFailed at its end, or when the limit has passed."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + limit_s
        while b"\n" not in self._pending:
            left = deadline - time.monotonic()
            if left <= 0:
                raise ProcessFailed(f"silent for {limit_s:.0f} s; {self.last_words()}")
            if not self._selector.select(left):
                continue
            data = self._process.stdout.read(1 << 20)
            if data == b"":
                raise ProcessFailed(self.last_words())
            self._pending += data or b""
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode(errors="replace")

    def last_words(self) -> str:
        words = self._log.read_text(errors="replace").strip().splitlines()
        return " | ".join(words[-3:])[-400:] or "it said nothing on stderr"

    def stop(self) -> None:
        """End it, gently and then not. Only ever this child."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            try:
                self._process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._selector.close()
        if self._process.stdout is not None:
            self._process.stdout.close()


class LoadServer(Child):
    """The load server, pinned to one core where there is more than one."""

    def __init__(self, log: Path, core: int | None) -> None:
        super().__init__([str(BASE), "-m", "benchmarks.server", "-" if core is None else str(core)], log)
        self.port = int(self._ask(START_LIMIT_S)["listening"])

    def prepare(self, plan: Plan) -> None:
        self.tell(json.dumps({"prepare": plan.dumps()}))
        self._ask(START_LIMIT_S)

    def go(self) -> None:
        self.tell(json.dumps({"go": True}))

    def done(self, limit_s: float) -> dict[str, Any]:
        report: dict[str, Any] = self._ask(limit_s)["done"]
        return report

    def stop_waiting(self) -> None:
        """The client has ended; sessions that never came are not waited for."""
        self.tell(json.dumps({"stop": True}))

    def finish(self) -> None:
        self.tell(json.dumps({"finish": True}))
        self._ask(START_LIMIT_S)

    def _ask(self, limit_s: float) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.line(limit_s))
        return answer


class ClientProcess(Child):
    """One client process for one job, with its environment's own `benchmarks`; `under` is a program that runs it."""

    def __init__(self, environment: Environment, module: str, log: Path, under: Sequence[str] = ()) -> None:
        command = [*under, str(environment.python), "-m", f"benchmarks.clients.{module}"]
        super().__init__(command, log, environment.checkout)

    def begin(self, job: Job, limit_s: float) -> None:
        """Hand over the job and wait until its sessions are open."""
        self.tell(job.dumps())
        self._word("ready", limit_s)

    def result(self, limit_s: float) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._word("result", limit_s))
        return found

    def _word(self, wanted: str, limit_s: float) -> str:
        deadline = time.monotonic() + limit_s
        while True:
            line = self.line(max(0.1, deadline - time.monotonic()))
            if line.startswith(f"@@{wanted}"):
                return line[len(wanted) + 2 :].strip()


def measure(
    server: LoadServer,
    environment: Environment,
    module: str,
    plan: Plan,
    job: Job,
    log: Path,
    under: Sequence[str] = (),
) -> tuple[dict[str, Any], dict[str, Any]]:
    """One client against one plan: (what the client reports, what the server reports)."""
    server.prepare(plan)
    try:
        with ClientProcess(environment, module, log, under) as client:
            client.begin(job, START_LIMIT_S + job.limit_s)
            server.go()
            result = client.result(job.limit_s + START_LIMIT_S)
        server.stop_waiting()
        report = server.done(plan.limit_s + START_LIMIT_S)
    finally:
        server.finish()
    return result, report
