"""The boundary of faults: what stays inside, what passes, what is logged and told."""

from __future__ import annotations

import logging
import math

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from engine.serving.boundary import TELLING_SECONDS, contain, sort


class Told:
    def __init__(self, *, fails: bool = False, hangs: bool = False) -> None:
        self.times = 0
        self._fails, self._hangs = fails, hangs

    async def __call__(self) -> None:
        self.times += 1
        if self._hangs:
            await trio.sleep_forever()
        if self._fails:
            raise OSError("the client is gone")


def raising(error: BaseException):
    async def work() -> None:
        raise error

    return work


FAULTS = [
    ValueError("x"),
    RecursionError(),
    MemoryError(),
    UnicodeDecodeError("ascii", b"\xff", 0, 1, "no"),
    ExceptionGroup("several", [KeyError("a"), ExceptionGroup("more", [OSError(), MemoryError()])]),
]


@pytest.mark.parametrize("error", FAULTS, ids=repr)
async def test_a_fault_stays_inside_is_logged_and_told(error, caplog):
    told = Told()
    assert not await contain(raising(error), whose="connection 1", tell=told)
    assert told.times == 1
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("engine.serving", logging.ERROR)
    assert record.exc_info is not None
    assert record.exc_info[1] is error
    assert "connection 1" in record.getMessage()


@pytest.mark.parametrize("passing", [KeyboardInterrupt(), SystemExit(3)], ids=repr)
async def test_what_is_not_the_conversations_passes(passing, caplog):
    told = Told()
    with pytest.raises(type(passing)) as raised:
        await contain(raising(passing), whose="it", tell=told)
    assert raised.value is passing
    assert (told.times, caplog.records) == (0, [])


async def test_what_passes_takes_no_fault_with_it(caplog):
    mixed = BaseExceptionGroup("both", [ValueError("x"), KeyboardInterrupt()])
    with pytest.raises(BaseExceptionGroup) as raised:
        await contain(raising(mixed), whose="it", tell=Told())
    assert raised.group_contains(KeyboardInterrupt)
    assert not raised.group_contains(ValueError)
    assert len(caplog.records) == 1


async def test_cancellation_from_outside_passes():
    told = Told()
    with trio.CancelScope() as scope:
        scope.cancel()
        await contain(trio.sleep_forever, whose="it", tell=told)
    assert scope.cancelled_caught
    assert told.times == 0


async def test_somebody_elses_cancellation_is_a_fault(caplog):
    """As it comes out of the outcome of a task that was cancelled elsewhere."""
    caught: list[BaseException] = []
    with trio.CancelScope() as scope:
        scope.cancel()
        try:
            await trio.sleep_forever()
        except trio.Cancelled as cancelled:
            caught.append(cancelled)
            raise
    told = Told()
    assert not await contain(raising(caught[0]), whose="it", tell=told)
    assert (told.times, len(caplog.records)) == (1, 1)


@pytest.mark.parametrize("told", [Told(fails=True), Told(hangs=True)], ids=["fails", "hangs"])
async def test_a_client_that_cannot_be_told_holds_nobody_up(told, autojump_clock):
    assert not await contain(raising(ValueError()), whose="it", tell=told)
    assert trio.current_time() <= TELLING_SECONDS


async def test_without_a_fault_nothing_happens(caplog):
    async def work() -> None:
        await trio.lowlevel.checkpoint()

    told = Told()
    assert await contain(work, whose="it", tell=told)
    assert (told.times, caplog.records) == (0, [])


_LEAVES = st.sampled_from([ValueError, MemoryError, RecursionError, KeyboardInterrupt, SystemExit, GeneratorExit])
_TREES = st.recursive(
    _LEAVES.map(lambda kind: kind()),
    lambda inner: st.lists(inner, min_size=1, max_size=3).map(lambda errors: BaseExceptionGroup("several", errors)),
    max_leaves=8,
)


def leaves(error: BaseException | None) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in leaves(each)]
    return [] if error is None else [error]


@given(_TREES)
def test_each_part_of_a_group_goes_one_way(error):
    raised = sort(error, cancelled=False)
    assert all(isinstance(each, Exception) for each in leaves(raised.fault))
    assert not any(isinstance(each, Exception) for each in leaves(raised.passing))
    assert len(leaves(raised.fault)) + len(leaves(raised.passing)) == len(leaves(error))


async def test_a_deadline_of_its_own_is_no_cancellation(autojump_clock):
    async def work() -> None:
        with trio.move_on_after(1):
            await trio.sleep_forever()

    with trio.move_on_after(math.inf):
        assert await contain(work, whose="it", tell=Told())
