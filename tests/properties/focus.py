"""Scenes in which one promise is under most strain: what Hypothesis draws from for each of them.

All promises are watched in every scene; a narrower choice only makes it more likely that the interesting things meet.
"""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from tests.strategies.scenes import calls, ends, fading_moves, moves, odd_moves, scenes, talk, user_moves
from tests.support.fake_server.model import Call, NextItem, ReplyStep, Silence, UserStarts, UserStops, Wait, Write
from tests.support.promises.agents import HANDOFF
from tests.support.scene import (
    Asks,
    Cancels,
    ChangesAgent,
    ChangesSettings,
    ClearsAudio,
    Interrupts,
    Says,
    Scene,
    SendsAudio,
)

speech: st.SearchStrategy[ReplyStep] = st.one_of(talk, talk, st.just(NextItem()), st.builds(Wait, st.just(100)))
words: st.SearchStrategy[ReplyStep] = st.one_of(talk, st.builds(Write, st.integers(1, 6)), st.just(NextItem()))
tools: st.SearchStrategy[ReplyStep] = st.one_of(calls, calls, talk)
handoffs: st.SearchStrategy[ReplyStep] = st.sampled_from(
    [Call("plain"), Call("slow"), Call(HANDOFF + "front"), Call(HANDOFF + "back")]
)
turns = st.sampled_from([UserStarts(), UserStops(), Silence()])
requests = st.one_of(
    st.just(Says()), st.builds(Asks, st.booleans()), st.just(Cancels()), st.just(Interrupts()), st.just(SendsAudio(200))
)

clashes = scenes(
    steps=talk,
    far_moves=(st.just(Silence()),),
    app_moves=st.sampled_from([Says(), Asks(), Asks()]),
    up_ms=st.sampled_from([40, 300]),
    creates=st.just(True),
)
"""The server begins to respond by itself while a request is on its way."""

beside = scenes(
    steps=st.one_of(calls, handoffs),
    far_moves=(turns,),
    app_moves=st.sampled_from([Asks(out_of_band=True), Asks(out_of_band=True), Says(), Cancels()]),
)
"""Out-of-band responses call tools."""

FOCUS: Mapping[int, st.SearchStrategy[Scene]] = {
    1: scenes(far_moves=(user_moves, ends)),
    2: scenes(steps=speech, far_moves=(turns,), app_moves=st.one_of(st.just(Interrupts()), moves)),
    3: scenes(steps=tools, far_moves=(turns,), app_moves=st.one_of(st.just(Interrupts()), st.just(Says()))) | beside,
    4: scenes(steps=st.one_of(talk, calls), far_moves=(turns,), app_moves=requests) | clashes,
    5: scenes(steps=handoffs, far_moves=(turns,), app_moves=st.builds(ChangesAgent, st.sampled_from(["front", "back"])))
    | beside,
    6: scenes(steps=words, far_moves=(turns,), app_moves=st.one_of(st.just(Says()), st.just(Asks(out_of_band=True)))),
    7: scenes(steps=speech, far_moves=(turns,), app_moves=st.one_of(st.just(Interrupts()), st.just(Says(remark=True)))),
    9: scenes(
        far_moves=(turns,),
        app_moves=st.sampled_from([Says(remark=True), SendsAudio(100, True), SendsAudio(1500, True), ClearsAudio()]),
    ),
    10: scenes(far_moves=(odd_moves, user_moves)),
    16: scenes(
        steps=st.one_of(talk, calls),
        far_moves=(st.just(UserStarts()), fading_moves),
        app_moves=st.sampled_from([Says(), Says(), Asks(), Interrupts(), Interrupts()]),
        up_ms=st.sampled_from([0, 40, 1_500, 3_000]),
    ),
    17: scenes(
        steps=st.one_of(talk, handoffs),
        far_moves=(turns,),
        app_moves=st.one_of(moves, st.builds(ChangesSettings, st.sampled_from([0.5, 1.5]), st.booleans())),
    ),
}
"""By the promise's number. Promise 8, and the bounds of 9, have tests of their own, as their scenes are about being
stuck."""
