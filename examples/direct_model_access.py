"""Direct access to the model: listen to every event of the server, and send it events of your own."""

from collections import Counter

import trio

from engine import LocalModel, RealtimeAgent, RealtimeRunner
from engine.wire.server_events import ServerEvent

agent: RealtimeAgent[None] = RealtimeAgent(name="Assistant")
seen: Counter[str] = Counter()


def listener(event: ServerEvent) -> None:
    seen[event.type] += 1


async def main() -> None:
    session = await RealtimeRunner(agent, model=LocalModel()).run()
    session.model.add_listener(listener)
    async with session:
        await session.send_message("Hello")
        async for event in session:
            if event.type == "agent_end":
                last = session.history[-1]
                await session.send_event({"type": "conversation.item.retrieve", "item_id": last.item_id})
            elif event.type == "raw_model_event" and event.data.type == "conversation.item.retrieved":
                print("retrieved an item with", len(event.data.item.content), "part")
                break
    session.model.remove_listener(listener)
    for kind, count in sorted(seen.items()):
        print(f"{count:4} {kind}")


if __name__ == "__main__":
    trio.run(main)
