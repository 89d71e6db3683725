"""What an operator reads in the log of a program: one line at a session's begin and end, warnings, decisions."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from engine import RealtimeAgent, RealtimeRunner, ScriptedModel, function_tool
from engine.errors import SlowConsumer
from engine.models.scripted import Expect, Say, Step
from engine.wire.client_events import ResponseCreate
from engine.wire.server_events import ErrorDetail, ErrorEvent
from tests.support.talk import begins, ends, speaks
from tests.support.talk import calls as tool_calls

SECRET = "sk-very-secret"
WORDS = "my grandmother's maiden name"


async def converse(script: list[Step], agent: RealtimeAgent[Any], *, say: str = WORDS) -> None:
    """Hold a short conversation over a scripted server, to the end of its script."""
    runner = RealtimeRunner(agent, model=ScriptedModel(script))
    async with await runner.run(model_config={"api_key": SECRET}) as session:
        await session.send_message(say)
        with trio.move_on_after(5):
            async for _ in session:
                pass


def lines(caplog: pytest.LogCaptureFixture, level: int) -> list[tuple[str, str]]:
    return [
        (record.name, record.getMessage())
        for record in caplog.records
        if record.levelno == level and record.name.startswith("engine")
    ]


async def test_a_session_has_one_line_at_its_begin_and_one_at_its_end(
    caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    caplog.set_level(logging.INFO, logger="engine")
    script = [Expect(ResponseCreate), Say([begins("r1", "req_1"), *speaks("r1", "i1", WORDS, 1.0), ends("r1")])]
    await converse(script, RealtimeAgent(name="Helper"))
    opened, over = lines(caplog, logging.INFO)
    assert opened[0] == over[0] == "engine.session"
    assert "model=ScriptedModel" in opened[1]
    assert "agent='Helper'" in opened[1]
    assert "outcome=closed model=ScriptedModel turns=1 seconds=" in over[1]
    assert "tokens=" in over[1]
    assert not lines(caplog, logging.WARNING)


async def test_every_record_names_its_session_and_none_a_key_or_words(
    caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    caplog.set_level(logging.DEBUG, logger="engine")

    @function_tool
    async def remember(text: str) -> str:
        raise ValueError(f"cannot remember {text}")

    script = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *tool_calls("r1", ("c1", "remember", f'{{"text": "{WORDS}"}}')), ends("r1")]),
        Expect(ResponseCreate),
        Say([ErrorEvent(ErrorDetail("invalid_request_error", f"cannot say {WORDS} with {SECRET}", "invalid_value"))]),
    ]
    await converse(script, RealtimeAgent(name="Helper", tools=[remember]))
    records = [record for record in caplog.records if record.name.startswith("engine")]
    assert len({record.session for record in records}) == 1  # type: ignore[attr-defined]
    assert all(str(record.session) in record.getMessage() for record in records)  # type: ignore[attr-defined]
    assert not any(SECRET in record.getMessage() for record in records)
    assert not any(WORDS in record.getMessage() for record in records if record.levelno > logging.DEBUG)
    warned = lines(caplog, logging.WARNING)
    assert [(name, text.split(" (session")[0]) for name, text in warned] == [
        ("engine.tools", "error 1 of its kind: ToolFailed (ValueError)"),
        ("engine.server", "error 1 of its kind: ServerError code=invalid_value"),
        ("engine.server", "error 1 of its kind: ServerTimeout code=response_refused"),
    ]
    decided = {name for name, _ in lines(caplog, logging.DEBUG)}
    assert decided >= {"engine.responses", "engine.tools", "engine.server"}


async def test_why_a_session_broke_off_is_a_warning(
    caplog: pytest.LogCaptureFixture, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, logger="engine")
    flood = [Say([begins("r1"), *speaks("r1", "i1", "words", 60.0)])] * 20
    session = await RealtimeRunner(RealtimeAgent(name="Helper"), model=ScriptedModel(flood)).run()
    async with session:
        with trio.move_on_after(5):
            await trio.sleep_forever()
        with pytest.raises(SlowConsumer):
            async for _ in session:
                pass
    assert [text.split(" (session")[0] for _, text in lines(caplog, logging.WARNING)] == [
        "session broke off: SlowConsumer"
    ]


async def test_what_outlives_a_session_is_named(caplog: pytest.LogCaptureFixture, autojump_clock: MockClock) -> None:
    caplog.set_level(logging.WARNING, logger="engine")

    @function_tool
    async def dawdle() -> str:
        with trio.CancelScope(shield=True):
            await trio.sleep(60)
        return "done"

    script = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *tool_calls("r1", ("c1", "dawdle", "{}")), ends("r1")]),
    ]
    await converse(script, RealtimeAgent(name="Helper", tools=[dawdle]))
    assert [text.split(" (session")[0] for _, text in lines(caplog, logging.WARNING)] == [
        "still running after the session's close: tasks tool dawdle (`async with` waits for them)"
    ]


async def test_a_server_cannot_write_lines_of_its_own(
    caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    caplog.set_level(logging.WARNING, logger="engine")
    forged = ErrorEvent(ErrorDetail("invalid_request_error", "no", f"x\nWARNING forged {WORDS}"))
    await converse([Expect(ResponseCreate), Say([forged])], RealtimeAgent(name="Helper"))
    (_, line), (_, given_up) = lines(caplog, logging.WARNING)
    assert line.startswith("error 1 of its kind: ServerError code=? (session ")
    assert given_up.startswith("error 1 of its kind: ServerTimeout code=response_refused (session ")


async def test_what_fails_again_and_again_is_warned_of_less_and_less(
    caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    caplog.set_level(logging.WARNING, logger="engine")

    def listen(event: object) -> None:
        raise ValueError("not now")

    said = [event for number in range(100) for event in (begins(f"r{number}"), ends(f"r{number}"))]
    model = ScriptedModel([Say(said)])
    model.add_listener(listen)
    async with await RealtimeRunner(RealtimeAgent(name="Helper"), model=model).run() as session:
        with trio.move_on_after(5):
            async for _ in session:
                pass
    told = [line for _, line in lines(caplog, logging.WARNING)]
    assert len(told) == len([1, 2, 4, 8, 16, 32, 64, 128])
    assert all("EngineError (ValueError)" in line for line in told)


@pytest.mark.parametrize("by_block", [True, False])
@pytest.mark.parametrize("kind", ["factory", "filter"])
async def test_a_logging_set_up_that_fails_ends_no_session(
    kind: str, by_block: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = logging.getLogRecordFactory()

    def factory(*given: Any, **named: Any) -> logging.LogRecord:
        record = made(*given, **named)
        record.session = "the application's own"
        return record

    def refuse(record: logging.LogRecord) -> bool:
        raise ValueError("no filter today")

    logger = logging.getLogger("engine.session")
    with level(logging.INFO):
        if kind == "factory":
            logging.setLogRecordFactory(factory)
        else:
            logger.addFilter(refuse)
        try:
            session = await RealtimeRunner(RealtimeAgent(name="Helper"), model=ScriptedModel([])).run()
            if by_block:
                async with session:
                    await session.send_message("hello")
            else:
                await session.enter()
                await session.send_message("hello")
                await session.close()
        finally:
            logging.setLogRecordFactory(made)
            logger.removeFilter(refuse)
    assert "Traceback" in capsys.readouterr().err, "it is told as logging tells of handlers that fail"


async def test_debug_lines_change_nothing_of_what_may_be_sent(
    caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    caplog.set_level(logging.DEBUG, logger="engine")
    session = await RealtimeRunner(RealtimeAgent(name="Helper"), model=ScriptedModel([])).run()
    async with session:
        await session.send_event(["no", "event"])  # type: ignore[arg-type]
        await session.send_message("hello")
    assert "session over: outcome=closed" in lines(caplog, logging.INFO)[-1][1]


@contextmanager
def level(of: int) -> Iterator[None]:
    """Set the level of the whole package."""
    logger = logging.getLogger("engine")
    before = logger.level
    logger.setLevel(of)
    try:
        yield
    finally:
        logger.setLevel(before)
