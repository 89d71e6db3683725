"""Reports about what is not there, and of faults."""

from __future__ import annotations

import pytest

from engine.core.inputs import CallbackFailed, GuardrailVerdict, ToolDone, ToolRunning
from engine.errors import EngineError
from engine.events import Error, GuardrailResult
from tests.core.driving import Driven
from tests.support.talk import begins, speaks

TRIPPED = (GuardrailResult(guardrail=None, name="polite"),)


def test_a_report_of_an_unknown_call_is_nothing() -> None:
    d = Driven().tell(ToolDone("x", "result", "?"), ToolRunning("x"))
    assert not d.events
    assert not d.wire


@pytest.mark.parametrize(
    "verdict", [GuardrailVerdict("r", "fine", ()), GuardrailVerdict("unknown", "bad words", TRIPPED)]
)
def test_a_verdict_may_mean_nothing(verdict: GuardrailVerdict) -> None:
    d = Driven().tell(begins("r"), *speaks("r", "a", "bad words", 1.0)).forget()
    assert not d.tell(verdict).events


def test_a_fault_of_the_applications_functions_is_an_error_event() -> None:
    error = EngineError("a hook failed")
    assert [event.error for event in Driven().tell(CallbackFailed(error)).seen(Error)] == [error]
