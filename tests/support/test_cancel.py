"""The helper must reject programs that leave something behind, or it proves nothing."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tests.support.cancel import cancel_at_every_step


def virtual() -> MockClock:
    return MockClock(autojump_threshold=0)


def test_a_clean_program_is_cut_at_each_of_its_steps() -> None:
    reached = []

    async def program() -> None:
        for n in range(4):
            await trio.sleep(1)
            reached.append(n)

    cuts = cancel_at_every_step(program, clock=virtual, within=100)
    assert cuts >= 4
    assert reached.count(0) > reached.count(1) > reached.count(2) > reached.count(3) > 0


def test_a_socket_left_open_is_found() -> None:
    kept = []

    async def program() -> None:
        kept.append(socket.socket())
        await trio.sleep(1)
        kept.pop().close()

    with pytest.raises(AssertionError, match="file descriptors were left open"):
        cancel_at_every_step(program, clock=virtual, within=100)
    for left in kept:
        left.close()


@pytest.mark.skipif(not Path(f"/proc/self/task/{os.getpid()}/children").exists(), reason="children are not listed")
def test_a_process_left_running_is_found() -> None:
    kept = []

    def start() -> None:
        kept.append(subprocess.Popen(["sleep", "60"]))

    async def program() -> None:
        start()
        await trio.sleep(1)

    with pytest.raises(AssertionError, match="the processes"):
        cancel_at_every_step(program, clock=virtual, within=100)
    for left in kept:
        left.kill()
        left.wait()


def test_a_long_program_is_cut_at_a_few_steps_over_its_whole_length() -> None:
    reached = []

    async def program() -> None:
        for n in range(300):
            reached.append(n)
            await trio.sleep(1)

    last = cancel_at_every_step(program, clock=virtual, within=1000, at_most=5)
    assert last > 240
    assert reached.count(0) <= 8


def test_a_task_left_running_is_found() -> None:
    async def program() -> None:
        done = trio.Event()
        trio.lowlevel.spawn_system_task(done.wait)
        await trio.sleep(1)
        done.set()
        await trio.testing.wait_all_tasks_blocked()

    with pytest.raises(AssertionError, match="tasks or waits were left"):
        cancel_at_every_step(program, clock=virtual, within=100)


def test_a_program_that_resists_is_found() -> None:
    async def program() -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(1000)

    with pytest.raises(trio.TooSlowError):
        cancel_at_every_step(program, clock=virtual, within=100)
