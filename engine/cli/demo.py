"""The demonstration: a shop's customer service, its billing specialist, and the caller who tries them out.

    engine talk                                   # this call
    engine talk --agent engine.cli.demo:customer_service --mic

It is written as an application would be: agents, tools with a shared context object, a handoff, a guardrail.
"""

from __future__ import annotations

import re
from typing import Any

import attrs

from engine.agents.agent import RealtimeAgent
from engine.agents.context import RunContext
from engine.agents.guardrail import GuardrailFunctionOutput, output_guardrail
from engine.agents.handoff import realtime_handoff
from engine.agents.tool import function_tool


@attrs.define
class Order:
    """What the shop knows of an order."""

    status: str
    delivery: str
    amount: str
    refunded: bool = False


@attrs.define
class Shop:
    """The context object: what tools may look at and change."""

    orders: dict[str, Order]

    @classmethod
    def open(cls) -> Shop:
        """A shop with two orders."""
        return cls(
            {
                "4712": Order("on its way", "on Thursday", "59 dollars"),
                "2001": Order("being packed", "next week", "120 dollars"),
            }
        )

    def find(self, order_number: str) -> Order | None:
        """An order by its number, which may have spaces in it."""
        return self.orders.get("".join(order_number.split()))


_UNKNOWN = {"error": "There is no such order."}


@function_tool
async def get_order_status(ctx: RunContext[Shop], order_number: str) -> dict[str, str]:
    """Look up where an order is and when it arrives.

    Args:
        order_number: Four digits, as the customer says them.
    """
    order = ctx.context.find(order_number)
    return {"status": order.status, "delivery": order.delivery} if order else _UNKNOWN


@function_tool
async def change_delivery_date(ctx: RunContext[Shop], order_number: str, day: str) -> dict[str, str]:
    """Deliver an order on another day.

    Args:
        order_number: Four digits, as the customer says them.
        day: The day of the week that the customer wants.
    """
    order = ctx.context.find(order_number)
    if order is None:
        return _UNKNOWN
    order.delivery = f"on {day}"
    return {"delivery": order.delivery}


@function_tool
async def refund_order(ctx: RunContext[Shop], order_number: str) -> dict[str, str]:
    """Give the customer the money for an order back. Cannot be undone.

    Args:
        order_number: Four digits, as the customer says them.
    """
    order = ctx.context.find(order_number)
    if order is None:
        return _UNKNOWN
    if order.refunded:
        return {"error": "This order has been refunded already."}
    order.refunded = True
    return {"amount": order.amount}


@output_guardrail
def no_card_numbers(ctx: RunContext[Any], agent: RealtimeAgent[Any], text: str) -> GuardrailFunctionOutput:
    """Nobody reads the number of a payment card out on the telephone."""
    found = re.search(r"(?:\d[ -]?){13,19}", text)
    return GuardrailFunctionOutput({"found": found is not None}, tripwire_triggered=found is not None)


billing = RealtimeAgent[Shop](
    "Billing",
    handoff_description="Knows bills, payments and refunds.",
    instructions="You are the billing specialist of an online shop. You can make refunds. Be brief: people listen.",
    tools=[refund_order],
    output_guardrails=[no_card_numbers],
)

customer_service = RealtimeAgent[Shop](
    "Customer Service",
    instructions=(
        "You answer the telephone of an online shop. Look orders up, change deliveries, explain how returns work. "
        "Hand everything about money over to billing. Be brief: people listen."
    ),
    tools=[get_order_status, change_delivery_date],
    handoffs=[realtime_handoff(billing, tool_description="Hand the caller over to billing, for bills and refunds.")],
    output_guardrails=[no_card_numbers],
)


@attrs.frozen
class ScriptLine:
    """Something that the caller says; `cuts_in_after` seconds of the agent's answer, or when it has finished."""

    text: str
    cuts_in_after: float | None = None


SCRIPT = (
    ScriptLine("Where is my order?"),
    ScriptLine("My order number is four seven one two."),
    ScriptLine("Can you explain how returns work?"),
    ScriptLine("I was charged twice.", cuts_in_after=4.0),
    ScriptLine("Thank you, goodbye."),
)
"""What the demonstration's caller says: two tools, an interruption, a handoff, and a goodbye."""
