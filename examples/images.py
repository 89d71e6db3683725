"""Images: a picture and a question about it in one message."""

import base64

import trio

from engine import LocalModel, RealtimeAgent, RealtimeRunner, image

ONE_GREY_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)

agent: RealtimeAgent[None] = RealtimeAgent(name="Watcher", instructions="You describe pictures.")


async def main() -> None:
    session = await RealtimeRunner(agent, model=LocalModel()).run()
    async with session:
        await session.send_message(["What is in this picture?", image(ONE_GREY_PIXEL, detail="low")])
        async for event in session:
            if event.type == "transcript_done":
                print("agent:", event.transcript)
                break
        for item in session.history:
            print(item.role, [part.type for part in item.content])


if __name__ == "__main__":
    trio.run(main)
