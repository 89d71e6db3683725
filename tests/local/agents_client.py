"""Run as a program: the openai-agents package holds a typed call against a local server, with a tool and a
handoff.

Prints what the agents said, a line each. The port is the one argument.
"""

from __future__ import annotations

import asyncio
import json
import sys

from agents import function_tool, set_tracing_disabled
from agents.realtime import RealtimeAgent, RealtimeRunner, realtime_handoff

QUESTIONS = ["hello", "where is order 4821?", "I was charged twice"]


@function_tool
def get_order_status(order_number: str) -> str:
    """Look up an order."""
    return json.dumps({"status": "on its way", "delivery": f"with {order_number[:2]} others"})


@function_tool
def refund_order(order_number: str) -> str:
    """Refund an order."""
    return json.dumps({"amount": "20 dollars", "order": order_number})


BILLING = RealtimeAgent(name="Billing Support", instructions="You do billing.", tools=[refund_order])
FRONT_DESK = RealtimeAgent(
    name="Customer Service",
    instructions="You are the front desk.",
    tools=[get_order_status],
    handoffs=[realtime_handoff(BILLING, tool_description_override="Transfer to billing")],
)


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")


async def main(port: int) -> None:
    set_tracing_disabled(True)
    url = f"ws://127.0.0.1:{port}/v1/realtime?model=gpt-realtime"
    session = await RealtimeRunner(FRONT_DESK).run(model_config={"api_key": "any", "url": url})
    questions = iter(QUESTIONS)
    async with session:
        await session.send_message(next(questions))
        async for event in session:
            if event.type == "error":
                tell(f"error {event.error}")
            if event.type == "handoff":
                tell(f"handoff {event.to_agent.name}")
            if event.type != "raw_model_event" or event.data.type != "raw_server_event":
                continue
            served = event.data.data
            if served["type"] == "response.output_audio_transcript.done":
                tell(served["transcript"])
            if served["type"] == "response.done":
                calls = [item for item in served["response"]["output"] if item["type"] == "function_call"]
                question = None if calls else next(questions, "")
                if question == "":
                    return
                if question is not None:
                    await session.send_message(question)


asyncio.run(main(int(sys.argv[1])))
