"""The demonstration's tools and guardrail, and its script against the dialogue that has to understand it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.agents.context import RunContext
from engine.agents.tool import FunctionTool
from engine.cli.demo import (
    SCRIPT,
    Shop,
    billing,
    change_delivery_date,
    customer_service,
    get_order_status,
    no_card_numbers,
    refund_order,
)
from engine.local.dialogue.description import customer_service as dialogue
from engine.local.dialogue.understanding import Understanding
from tests.cli.support import as_recognised


async def ask(tool: FunctionTool, shop: Shop, **arguments: str) -> Any:
    assert tool.function is not None
    return await tool.function(RunContext(context=shop, agent=customer_service), **arguments)  # type: ignore[misc]


async def test_orders_are_looked_up_changed_and_refunded() -> None:
    shop = Shop.open()
    assert await ask(get_order_status, shop, order_number="4 7 1 2") == {
        "status": "on its way",
        "delivery": "on Thursday",
    }
    assert await ask(change_delivery_date, shop, order_number="4712", day="Friday") == {"delivery": "on Friday"}
    assert (await ask(get_order_status, shop, order_number="4712"))["delivery"] == "on Friday"
    assert await ask(refund_order, shop, order_number="4712") == {"amount": "59 dollars"}
    assert "error" in await ask(refund_order, shop, order_number="4712")


@pytest.mark.parametrize("tool", [get_order_status, change_delivery_date, refund_order])
async def test_an_order_that_does_not_exist(tool: FunctionTool) -> None:
    more = {"day": "Friday"} if tool is change_delivery_date else {}
    assert await ask(tool, Shop.open(), order_number="0000", **more) == {"error": "There is no such order."}


def test_two_shops_share_nothing() -> None:
    one, other = Shop.open(), Shop.open()
    one.orders["4712"].refunded = True
    assert not other.orders["4712"].refunded


@pytest.mark.parametrize(
    ("text", "tripped"),
    [
        ("Your card 4111 1111 1111 1111 will be charged.", True),
        ("4111-1111-1111-1111", True),
        ("Order 4712 arrives on the 12th, call 555 0100.", False),
    ],
)
def test_card_numbers_are_not_read_out(text: str, tripped: bool) -> None:
    context = RunContext(context=Shop.open(), agent=billing)
    verdict = no_card_numbers.guardrail_function(context, billing, text)
    assert verdict.tripwire_triggered is tripped  # type: ignore[union-attr]


def test_the_dialogue_understands_every_line_as_a_recogniser_writes_it() -> None:
    understanding = Understanding(dialogue())
    for line in SCRIPT:
        assert understanding.understand(as_recognised(line.text), typed=False).intent is not None, line.text


def test_the_script_interrupts_once() -> None:
    assert [line.text for line in SCRIPT if line.cuts_in_after is not None] == ["I was charged twice."]
