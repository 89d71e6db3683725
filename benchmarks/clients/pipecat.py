"""`pipecat-ai`: the pipeline of its realtime template, with a microphone and a speaker of ours for the transport.

Input, user aggregator, service, output, assistant aggregator; a worker with metrics on, run by a runner. Its log is
turned down to warnings: at its default level the log alone would dominate. Turns are declared external, which the
service recommends by itself, so that no turn model is loaded for each session and then not used.
"""

# No `from __future__ import annotations`: pipecat reads the hints of a tool from the globals of its module.

import sys

from benchmarks.clients.jobs import Hold
from benchmarks.clients.main import main
from benchmarks.clients.runtime import Asyncio, Runtime
from benchmarks.clients.seat import Seat


def load() -> tuple[Runtime, Hold]:
    from loguru import logger

    logger.remove()
    logger.add(sys.stderr, level="WARNING")

    from pipecat.frames.frames import (
        Frame,
        InputAudioRawFrame,
        InterruptionFrame,
        LLMRunFrame,
        TTSAudioRawFrame,
    )
    from pipecat.pipeline.pipeline import Pipeline
    from pipecat.pipeline.worker import PipelineParams, PipelineWorker
    from pipecat.processors.aggregators.llm_context import LLMContext
    from pipecat.processors.aggregators.llm_response_universal import (
        LLMContextAggregatorPair,
        LLMUserAggregatorParams,
    )
    from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
    from pipecat.services.llm_service import FunctionCallParams
    from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
    from pipecat.turns.user_turn_strategies import ExternalUserTurnStrategies
    from pipecat.workers.runner import WorkerRunner

    async def noop(params: FunctionCallParams, reason: str) -> None:
        """Do nothing.

        Args:
            reason: Why.
        """
        await params.result_callback("ok")

    class Microphone(FrameProcessor):
        async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
            await super().process_frame(frame, direction)
            await self.push_frame(frame, direction)

        async def push(self, pcm: bytes) -> None:
            await self.push_frame(InputAudioRawFrame(audio=pcm, sample_rate=24000, num_channels=1))

    class Speaker(FrameProcessor):
        def __init__(self, seat: Seat) -> None:
            super().__init__()
            self._seat = seat

        async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
            await super().process_frame(frame, direction)
            if isinstance(frame, TTSAudioRawFrame):
                self._seat.audio(frame.audio)
                if self._seat.slow:
                    await self._seat.pace()
            elif isinstance(frame, InterruptionFrame):
                self._seat.interrupted()
            await self.push_frame(frame, direction)

    async def hold(seat: Seat) -> None:
        service = OpenAIRealtimeLLMService(
            api_key="x",
            base_url=f"ws://{seat.authority}/v1/realtime",
            settings=OpenAIRealtimeLLMService.Settings(
                model=seat.model, system_instruction="You are a helpful voice assistant."
            ),
        )
        context = LLMContext(tools=[noop])
        users, assistants = LLMContextAggregatorPair(
            context, user_params=LLMUserAggregatorParams(user_turn_strategies=ExternalUserTurnStrategies())
        )
        microphone = Microphone()
        pipeline = Pipeline([microphone, users, service, Speaker(seat), assistants])
        worker = PipelineWorker(
            pipeline,
            params=PipelineParams(
                enable_metrics=True,
                enable_usage_metrics=True,
                audio_in_sample_rate=24000,
                audio_out_sample_rate=24000,
            ),
        )

        @worker.event_handler("on_pipeline_started")
        async def on_pipeline_started(worker: PipelineWorker, frame: Frame) -> None:
            await worker.queue_frames([LLMRunFrame()])
            seat.open(microphone.push)

        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        await runner.run()

    return Asyncio(), hold


if __name__ == "__main__":
    main(load)
