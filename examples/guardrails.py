"""Guardrails: one over everything the agent says, one over a tool's arguments, one over its results."""

import trio

from engine import (
    GuardrailFunctionOutput,
    LocalModel,
    RealtimeAgent,
    RealtimeRunner,
    RunContext,
    ToolGuardrailFunctionOutput,
    function_tool,
    output_guardrail,
    tool_input_guardrail,
    tool_output_guardrail,
)
from engine.agents.guardrail import ToolInputGuardrailData, ToolOutputGuardrailData


@output_guardrail
def no_secrets(ctx: RunContext[None], agent: RealtimeAgent[None], text: str) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(tripwire_triggered="swordfish" in text.lower())


@tool_input_guardrail
def only_known_cities(data: ToolInputGuardrailData[None]) -> ToolGuardrailFunctionOutput:
    if "atlantis" in data.context.arguments.lower():
        return ToolGuardrailFunctionOutput.reject_content("That city does not exist.")
    return ToolGuardrailFunctionOutput.allow()


@tool_output_guardrail
def no_internal_names(data: ToolOutputGuardrailData[None]) -> ToolGuardrailFunctionOutput:
    if "station-7" in str(data.output):
        return ToolGuardrailFunctionOutput.reject_content("It is sunny.")
    return ToolGuardrailFunctionOutput.allow()


@function_tool(tool_input_guardrails=[only_known_cities], tool_output_guardrails=[no_internal_names])
def get_weather(city: str) -> str:
    """Get the weather for a city."""
    return f"station-7 says that it is sunny in {city}"


agent: RealtimeAgent[None] = RealtimeAgent(name="Careful", tools=[get_weather], output_guardrails=[no_secrets])


async def main() -> None:
    config = {"guardrails_settings": {"debounce_text_length": 20}}
    session = await RealtimeRunner(agent, model=LocalModel(), config=config).run()
    async with session:
        await session.send_message("What is the weather in London?")
        async for event in session:
            match event.type:
                case "tool_end":
                    print(f"  the model is told: {event.output}")
                case "transcript_done":
                    print("agent:", event.transcript)
                    await session.send_message("Swordfish is the word")
                case "guardrail_tripped":
                    print("  stopped by", event.guardrail_results[0].name)
                    break


if __name__ == "__main__":
    trio.run(main)
