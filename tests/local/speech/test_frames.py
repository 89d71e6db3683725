"""Frames between the session's process and the speech child."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.local.speech.frames import Unpacker, pack

HEADS = st.dictionaries(st.text(max_size=8), st.one_of(st.integers(0, 99), st.text(max_size=8), st.none()), max_size=3)
FRAMES = st.lists(st.tuples(HEADS, st.binary(max_size=40)), max_size=5)


@given(FRAMES, st.lists(st.integers(1, 30), max_size=20))
def test_frames_survive_any_cutting_of_the_stream(
    frames: list[tuple[dict[str, object], bytes]], cuts: list[int]
) -> None:
    stream = b"".join(pack(head, body) for head, body in frames)
    unpacker = Unpacker()
    received = []
    for cut in cuts:
        received += unpacker.feed(stream[:cut])
        stream = stream[cut:]
    received += unpacker.feed(stream)
    assert received == frames
