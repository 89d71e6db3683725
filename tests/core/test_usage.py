"""Adding up what responses cost."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st

from engine.core.usage import add_usage
from engine.wire.response import Usage
from engine.wire.struct import UNSET
from tests.strategies.wire import instances

usages = instances(Usage)


def numbers(usage: Usage) -> dict[str, int]:
    """Every number in it, by its path."""
    found: dict[str, int] = {}

    def walk(value: object, path: str) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, f"{path}.{name}")
        else:
            found[path] = 0 if value is UNSET else int(value)  # type: ignore[call-overload]

    walk(attrs.asdict(usage), "")
    return found


@given(usages, usages)
def test_every_number_is_added(one: Usage, other: Usage) -> None:
    first, second, total = numbers(one), numbers(other), numbers(add_usage(one, other))
    assert total == {path: first[path] + second[path] for path in first}


@given(usages, usages, usages)
def test_the_order_does_not_matter(one: Usage, other: Usage, third: Usage) -> None:
    assert numbers(add_usage(one, other)) == numbers(add_usage(other, one))
    left, right = add_usage(add_usage(one, other), third), add_usage(one, add_usage(other, third))
    assert left == right


@given(usages)
def test_nothing_adds_nothing(usage: Usage) -> None:
    assert numbers(add_usage(Usage(), usage)) == numbers(usage)


@given(st.lists(st.integers(0, 1000), max_size=5))
def test_a_conversation_is_the_sum_of_its_responses(tokens: list[int]) -> None:
    total = Usage()
    for count in tokens:
        total = add_usage(total, Usage(count, count, 0))
    assert total.total_tokens == sum(tokens)
