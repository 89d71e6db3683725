"""The helper must reject programs that leave something behind, or it proves nothing."""

from __future__ import annotations

import socket

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
