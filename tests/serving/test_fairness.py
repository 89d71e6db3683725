"""Turns, rotation, allowance and frames: however much one client has, the others have their turn."""

from __future__ import annotations

from collections import deque

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from engine.serving.allowance import Allowance
from engine.serving.frames import FrameMeter
from engine.serving.rotation import Rotation
from engine.serving.turns import ROUNDS, Turns


async def test_one_long_step_in_each_round():
    """Counted by a bystander, who runs once in each round of the event loop."""
    turns, rounds, taken = Turns(), 0, list[int]()

    async def busy() -> None:
        for _ in range(20):
            await turns.take(lambda: taken.append(rounds))

    async def bystander() -> None:
        nonlocal rounds
        while len(taken) < 100:
            rounds += 1
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(bystander)
        for _ in range(5):
            nursery.start_soon(busy)
    assert max(taken.count(number) for number in taken) == 1
    assert rounds >= 99 * (ROUNDS - 1)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers()), max_size=40), st.data())
def test_a_client_waits_for_one_thing_of_each_other(things, data):
    rotation = Rotation[tuple[int, int]]()
    waiting: dict[int, deque[tuple[int, int]]] = {}
    served_since: dict[int, list[int]] = {}
    for number, (client, _) in enumerate(things):
        rotation.put(client, (client, number))
        if not waiting.setdefault(client, deque()):
            served_since[client] = []
        waiting[client].append((client, number))
        while len(rotation) and data.draw(st.booleans()):
            taken = rotation.take()
            assert taken == waiting[taken[0]].popleft(), "in order for each client"
            for other, served in served_since.items():
                if other != taken[0] and waiting.get(other):
                    served.append(taken[0])
                    assert served.count(taken[0]) <= 1, "at most one of each other before mine"
            served_since[taken[0]] = []
    assert len(rotation) == sum(map(len, waiting.values()))


def test_what_is_not_wanted_any_more_is_dropped():
    rotation = Rotation[str]()
    rotation.put(1, "a")
    rotation.put(1, "b")
    rotation.drop(1, "a")
    rotation.drop(1, "a")
    rotation.drop(2, "a")
    assert (rotation.take(), len(rotation)) == ("b", 0)
    with pytest.raises(IndexError):
        rotation.take()


async def test_an_allowance_is_waited_for(autojump_clock):
    allowance = Allowance(10, 5)
    await allowance.spend(10)
    assert trio.current_time() == 0
    await allowance.spend(10)
    assert trio.current_time() == pytest.approx(2)
    await trio.sleep(100)
    await allowance.spend(10)
    assert trio.current_time() == pytest.approx(102)


def frame(payload: int, *, masked: bool) -> bytes:
    mask = 0x80 if masked else 0
    if payload < 126:
        head = bytes((0x81, mask | payload))
    elif payload < 2**16:
        head = bytes((0x81, mask | 126)) + payload.to_bytes(2, "big")
    else:
        head = bytes((0x81, mask | 127)) + payload.to_bytes(8, "big")
    return head + (bytes(4) if masked else b"") + bytes(payload)


_SIZES = st.lists(st.one_of(st.integers(0, 4), st.integers(124, 130), st.sampled_from([65535, 65536])), max_size=12)


@given(_SIZES, st.booleans(), st.integers(1, 4), st.lists(st.integers(1, 300), min_size=1, max_size=20))
def test_frames_are_counted_however_they_arrive(sizes, masked, most, cuts):
    """Each piece that is handed out has the beginnings of at most so many frames, and nothing is lost or moved."""
    frames = [frame(size, masked=masked) for size in sizes]
    data, starts = b"".join(frames), set[int]()
    at = 0
    for each in frames:
        starts.add(at)
        at += len(each)
    meter, handed, waiting, given_ = FrameMeter(), 0, b"", 0
    arrivals = deque(cuts)
    while handed < len(data):
        if not waiting:
            size = arrivals.popleft() if arrivals else len(data)
            waiting, given_ = data[given_ : given_ + size], given_ + size
        count = meter.cut(waiting, most)
        assert 0 < count <= len(waiting)
        assert sum(start in starts for start in range(handed, handed + count)) <= most + 1, "one may have begun before"
        handed, waiting = handed + count, waiting[count:]
    assert handed == len(data)
