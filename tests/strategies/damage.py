"""Hypothesis strategies for broken messages."""

from typing import Any

import orjson
from hypothesis import strategies as st

from tests.strategies.wire import json_values, texts


@st.composite
def damaged_values(draw: st.DrawFn, value: Any) -> Any:
    """`value` with one thing in it removed, replaced or added, somewhere at random."""
    if isinstance(value, dict) and value and draw(st.integers(0, 3)):
        key = draw(st.sampled_from(sorted(value)))
        changed = dict(value)
        match draw(st.sampled_from(["inside", "inside", "remove", "add"])):
            case "inside":
                changed[key] = draw(damaged_values(value[key]))
            case "remove":
                del changed[key]
            case _:
                changed[draw(texts)] = draw(json_values)
        return changed
    if isinstance(value, list) and value and draw(st.booleans()):
        index = draw(st.integers(0, len(value) - 1))
        return [*value[:index], draw(damaged_values(value[index])), *value[index + 1 :]]
    return draw(json_values)


@st.composite
def damaged_texts(draw: st.DrawFn, text: bytes) -> bytes:
    """`text` cut short, with bytes replaced, or with damage inside its JSON."""
    match draw(st.sampled_from(["json", "json", "cut", "bytes"])):
        case "json":
            return orjson.dumps(draw(damaged_values(orjson.loads(text))))
        case "cut":
            return text[: draw(st.integers(0, len(text)))]
        case _:
            start = draw(st.integers(0, len(text)))
            return text[:start] + draw(st.binary(max_size=4)) + text[start + draw(st.integers(0, 4)) :]
