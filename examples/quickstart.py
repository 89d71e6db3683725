"""The smallest conversation: one agent, one tool, one question. Runs against the local model."""

import trio

from engine import LocalModel, RealtimeAgent, RealtimeRunner, function_tool


@function_tool
def get_weather(city: str) -> str:
    """Get the current weather for a city."""
    return f"It is sunny in {city}, 22 degrees."


agent = RealtimeAgent(name="Assistant", instructions="You help with the weather.", tools=[get_weather])


async def main() -> None:
    session = await RealtimeRunner(agent, model=LocalModel()).run()
    async with session:
        await session.send_message("What is the weather in Tokyo?")
        async for event in session:
            if event.type == "transcript_done":
                print(event.role, "said:", event.transcript)
                break


if __name__ == "__main__":
    trio.run(main)
