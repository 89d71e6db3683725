"""Handoffs: a front desk passes the caller to a specialist, who can do other things and can pass the caller back."""

import attrs
import trio

from engine import LocalModel, RealtimeAgent, RealtimeRunner, RunContext, function_tool, realtime_handoff


@attrs.frozen
class Reason:
    """What the model fills in when it hands over."""

    reason: str = "not given"


def note_handoff(ctx: RunContext[None], reason: Reason) -> None:
    print(f"  (handed over; reason: {reason.reason})")


@function_tool
def get_invoice(month: str = "this month") -> dict[str, str]:
    """Look up an invoice."""
    return {"month": month, "amount": "forty two euros"}


billing: RealtimeAgent[None] = RealtimeAgent(
    name="Billing", instructions="You specialise in bills.", tools=[get_invoice]
)
front_desk: RealtimeAgent[None] = RealtimeAgent(
    name="Front desk",
    instructions="You greet callers and pass them to a specialist when needed.",
    handoffs=[
        realtime_handoff(billing, tool_description="Transfer to billing", input_type=Reason, on_handoff=note_handoff)
    ],
)
billing.handoffs.append(front_desk)


async def main() -> None:
    session = await RealtimeRunner(front_desk, model=LocalModel()).run()
    async with session:
        await session.send_message("Hello")
        async for event in session:
            if event.type == "handoff":
                print(f"  {event.from_agent.name} -> {event.to_agent.name}")
            elif event.type == "transcript_done":
                print(f"{session.agent.name}: {event.transcript}")
                if session.agent is front_desk:
                    await session.send_message("I want to speak to billing")
                else:
                    break


if __name__ == "__main__":
    trio.run(main)
