"""What a vendor adds: written beside the published keys, deeply, and never read."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.wire.client_decoding import ClientError, decode_client
from engine.wire.client_events import ResponseCreate, SessionUpdate
from engine.wire.codec import decode_server, encode_client
from engine.wire.extra import Extra, find_disagreement, laid_over, with_extra, without
from engine.wire.merge import merge
from engine.wire.response import ResponseParams
from engine.wire.server_events import SessionUpdated
from engine.wire.session import Session
from engine.wire.struct import evolve
from tests.strategies import wire

keys = st.sampled_from(["audio", "input", "output", "voice", "tools", "resumption", "x"])
objects = st.recursive(
    st.dictionaries(keys, st.none() | st.booleans() | st.integers(0, 9) | st.lists(st.integers(0, 3), max_size=2)),
    lambda inner: st.dictionaries(keys, inner | st.integers(0, 9), max_size=4),
    max_leaves=8,
)

plain = st.none() | st.booleans() | st.integers(0, 9) | st.lists(st.integers(0, 3), max_size=2)
layers = st.recursive(
    st.fixed_dictionaries({}, optional={"voice": plain, "tools": plain, "x": plain}),
    lambda inner: st.fixed_dictionaries({}, optional={"audio": inner, "input": inner, "voice": plain, "x": plain}),
    max_leaves=4,
)
"""Objects that agree on which keys hold objects. Of others the grouping counts: what replaces an object by a plain
value forgets it, and the next layer begins anew."""


def paths(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """The leaves of an object, by path; an empty object is a leaf."""
    if not isinstance(value, dict) or not value:
        return {path: value}
    return {each: leaf for key, inner in value.items() for each, leaf in paths(inner, (*path, key)).items()}


def sent(event: Any) -> Any:
    return orjson.loads(encode_client(event))


@given(objects, objects)
def test_what_lies_over_is_there_and_what_it_does_not_touch_stays(base: Any, extra: Any) -> None:
    merged = laid_over(base, extra)
    over = paths(extra)
    for path, leaf in over.items():
        if leaf != {}:
            assert paths(merged)[path] == leaf
    for path, leaf in paths(base).items():
        if leaf != {} and not any(path[: len(other)] == other or other[: len(path)] == path for other in over):
            assert paths(merged)[path] == leaf


@given(layers, layers, layers)
def test_layers_may_be_laid_in_any_grouping(one: Any, two: Any, three: Any) -> None:
    assert laid_over(laid_over(one, two), three) == laid_over(one, laid_over(two, three))


@given(objects, objects)
def test_nothing_is_changed_in_place(base: Any, extra: Any) -> None:
    before = orjson.dumps([base, extra])
    laid_over(base, extra), with_extra(base, extra), find_disagreement(base, extra), without(extra, ("audio", "output"))
    assert orjson.dumps([base, extra]) == before


@given(objects, objects)
def test_what_does_not_disagree_loses_nothing(base: Any, extra: Any) -> None:
    path = find_disagreement(base, extra)
    if path is None:
        sent = {key: value for key, value in with_extra(base, extra).items() if key != "tools"}
        assert laid_over(sent, {key: value for key, value in base.items() if key != "tools"}) == sent
    else:
        here, there = base, extra
        for key in path:
            here, there = here[key], there[key]
        assert here != there


@given(wire.sessions(), objects)
def test_a_session_is_sent_with_its_extra_keys(session: Session, extra: Any) -> None:
    plain, given = sent(SessionUpdate(session)), sent(SessionUpdate(evolve(session, extra=extra)))
    assert given == {**plain, "session": with_extra(plain["session"], extra)}
    assert "extra" not in given["session"]


@given(wire.response_params(), objects)
def test_so_is_a_request(params: ResponseParams, extra: Any) -> None:
    plain, given = sent(ResponseCreate(params)), sent(ResponseCreate(evolve(params, extra=extra)))
    assert given == {**plain, "response": with_extra(plain["response"], extra)}


def test_extra_tools_come_behind_the_others() -> None:
    base = {"tools": [{"type": "function", "name": "f"}], "include": ["a"]}
    extra = {"tools": [{"type": "web_search"}], "include": ["b"], "tool_choice": {"tools": [1]}}
    assert with_extra(base, extra) == {
        "tools": [{"type": "function", "name": "f"}, {"type": "web_search"}],
        "include": ["b"],
        "tool_choice": {"tools": [1]},
    }


@given(wire.sessions_of_server().filter(lambda echoed: isinstance(echoed, Session)), objects)
def test_an_echo_says_nothing_of_it(echoed: Session, extra: Any) -> None:
    text = orjson.loads(orjson.dumps(sent(SessionUpdate(echoed))["session"]))
    told = decode_server(orjson.dumps({"type": "session.updated", "session": {**text, "extra": extra}}))
    assert isinstance(told, SessionUpdated)
    assert isinstance(told.session, Session)
    assert not told.session.extra


@pytest.mark.parametrize(("kind", "place"), [("session.update", "session"), ("response.create", "response")])
def test_no_server_is_sent_a_key_of_this_name(kind: str, place: str) -> None:
    refused = decode_client(orjson.dumps({"type": kind, place: {"type": "realtime", "extra": {"x": 1}}}))
    assert isinstance(refused, ClientError)
    assert refused.code in ("unknown_parameter", "invalid_value")


def test_layers_of_settings_merge_deeply() -> None:
    below = Session(instructions="a", extra=Extra({"audio": {"input": {"x": 1, "y": 1}}, "z": [1]}))
    above = Session(extra=Extra({"audio": {"input": {"y": 2}}, "z": [2]}))
    merged = merge(below, above)
    assert merged.extra == {"audio": {"input": {"x": 1, "y": 2}}, "z": [2]}
    assert merge(below, Session(instructions="b")).extra == below.extra
    assert merge(Session(), above).extra == above.extra


def test_what_it_holds_is_not_shown() -> None:
    session = merge(Session(extra=Extra({"login": {"token": "hush"}})), Session(extra=Extra({"x": 1})))
    assert "hush" not in repr(session)
    assert "login" in repr(session)


@pytest.mark.parametrize("extra", [[1], "x", 5])
def test_what_is_no_object_cannot_be_sent(extra: Any) -> None:
    with pytest.raises(TypeError, match="extra is a mapping"):
        encode_client(ResponseCreate(ResponseParams(extra=extra)))
