"""Tools: typed arguments, a shared context, an approval that a human gives, a timeout, and readable errors."""

from typing import Annotated, Literal

import attrs
import trio

from engine import LocalModel, RealtimeAgent, RealtimeRunner, RealtimeSession, RunContext, function_tool


@attrs.define
class Shop:
    """What this application's tools share: the context object of its sessions."""

    refunds: list[str] = attrs.field(factory=list)


@function_tool(timeout=5)
async def get_order_status(
    ctx: RunContext[Shop], order_number: Annotated[str, "four digits"], detail: Literal["short", "full"] = "short"
) -> dict[str, str]:
    """Look up where an order is."""
    await trio.lowlevel.checkpoint()
    return {"order_number": order_number, "status": "on its way", "delivery": "tomorrow"}


@function_tool(needs_approval=True)
def refund_order(ctx: RunContext[Shop], order_number: str) -> dict[str, str]:
    """Give the money back for an order."""
    ctx.context.refunds.append(order_number)
    return {"order_number": order_number, "status": "refunded"}


agent: RealtimeAgent[Shop] = RealtimeAgent(
    name="Shop assistant",
    instructions="You help with orders.",
    tools=[get_order_status, refund_order],
)


async def follow(session: RealtimeSession[Shop], answered: trio.MemorySendChannel[str]) -> None:
    """Show what happens, and decide what needs deciding."""
    async for event in session:
        match event.type:
            case "tool_start":
                print(f"  runs {event.name} {event.arguments}")
            case "tool_end":
                print(f"  {event.outcome}: {event.output}")
            case "tool_approval_required":
                print(f"  approve {event.name} {event.arguments}? yes")
                await session.approve_tool_call(event.call_id)
            case "transcript_done":
                print("agent:", event.transcript)
                await answered.send(event.transcript)


async def main() -> None:
    shop = Shop()
    said, heard = trio.open_memory_channel[str](8)
    session = await RealtimeRunner(agent, model=LocalModel()).run(context=shop)
    async with session, trio.open_nursery() as nursery:
        nursery.start_soon(follow, session, said)
        for question in ("Can you check order 4 2 7 1?", "I would like a refund for order 4 2 7 1"):
            print("user:", question)
            await session.send_message(question)
            await heard.receive()
        await session.close()
    print("refunded:", shop.refunds)


if __name__ == "__main__":
    trio.run(main)
