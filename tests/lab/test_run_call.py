"""Single calls: everything that a caller can do, and what becomes of it in the log."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from engine.lab.scenario.scenario import ScenarioFile
from engine.lab.scenario.scenario_file import ScenarioError, read_scenario
from engine.lab.simulate.results import SessionResult
from engine.lab.simulate.run_call import CallSpec
from engine.lab.simulate.virtual import run_call_virtually
from engine.latency.assemble import turns_of
from engine.latency.log import SessionLog, read_log
from engine.latency.turns import TurnRecord
from engine.local.speech.placeholder_synthesizer import tones

HEAD = 'name = "one call"\n'
TAIL = """
[tool.get_order_status]
parameters = ["order_number"]
latency_ms = 800
result = { status = "on its way", delivery = "on Thursday" }
"""


def hold(tmp_path: Path, turns: str, head: str = "") -> tuple[SessionResult, SessionLog, tuple[TurnRecord, ...]]:
    """One call whose caller does `turns`."""
    file = ScenarioFile(read_scenario(f"{HEAD}{head}{turns}{TAIL}", "call.toml"), tmp_path / "call.toml")
    path = tmp_path / "s0001.jsonl"
    result = run_call_virtually(CallSpec(file=file, seed=1, number=0, intended_start_ns=0, virtual=True, logs_to=path))
    log = read_log(path)
    return result, log, turns_of(log)


def turn(says: str, **more: str) -> str:
    return f'[[turn]]\nsays = "{says}"\n' + "".join(f"{key} = {value}\n" for key, value in more.items())


def test_the_agent_greets_and_the_caller_is_polite(tmp_path: Path) -> None:
    result, log, turns = hold(tmp_path, turn("Where is my order?", pause_ms="700"))
    assert result.outcome == "completed"
    assert log.partial is None
    greeting, spoken = turns
    assert greeting.opened_by == "call"
    assert spoken.user_text == "where is my order"
    assert spoken.purpose == "turn"
    assert spoken.began - greeting.playout_stop == pytest.approx(700e6, abs=21e6)  # type: ignore[operator]
    assert spoken.playout_source == "measured"


def test_nobody_greets_where_nobody_should(tmp_path: Path) -> None:
    _, _, turns = hold(tmp_path, turn("Where is my order?"), "[caller]\ngreeted = false\n")
    assert [each.opened_by for each in turns] == ["speech"]


def test_the_truth_is_where_the_sound_is(tmp_path: Path) -> None:
    text = "Where is my order?"
    _, _, turns = hold(tmp_path, turn(text))
    spoken = turns[1]
    length_ms = (spoken.user_speech_end_truth - spoken.user_speech_start_truth) / 1e6  # type: ignore[operator]
    last_word_ends_ms = len(tones(text.rstrip("?"))) / 48 - 45
    assert length_ms == pytest.approx(last_word_ends_ms, abs=10)
    assert spoken.user_speech_end_truth_ms == spoken.user_speech_end_truth / 1e6  # type: ignore[operator]


def test_a_barge_in_at_a_moment(tmp_path: Path) -> None:
    _, _, turns = hold(tmp_path, turn("Can you explain how returns work?") + turn("Stop.", cuts_in_ms="1200"))
    cut, barge_in = turns[1], turns[2]
    assert cut.interruption is not None
    assert cut.interruption.cause == "user"
    assert barge_in.purpose == "barge_in"
    into = (barge_in.user_speech_start_truth - cut.playout_audible) / 1e6  # type: ignore[operator]
    assert 1200 <= into <= 1221


def test_a_barge_in_on_an_event(tmp_path: Path) -> None:
    says = turn("Where is order four seven one two?", answer='"Done."', calls='{ tool = "get_order_status" }')
    _, log, _ = hold(tmp_path, says + turn("Hurry up.", on='"tool_start"', after_ms="100", answer='"I do."'))
    started = next(instant.t for instant in log.instants if instant.kind == "tool.started")
    spoken = [instant.t for instant in log.instants if instant.kind == "user.speech.start.truth"]
    assert spoken[1] - started == pytest.approx(100e6, abs=21e6)


def test_a_backchannel_wants_no_answer(tmp_path: Path) -> None:
    says = turn("Can you explain how returns work?") + turn("mm-hm", cuts_in_ms="900", backchannel="true")
    _, _, turns = hold(tmp_path, says + turn("Thank you, goodbye."))
    assert [each.purpose for each in turns] == [None, "turn", "backchannel", "turn"]


def test_typing_and_silence(tmp_path: Path) -> None:
    says = '[[turn]]\ntypes = "Where is order 4712?"\n[[turn]]\nsilence_s = 3\n' + turn("Thank you.")
    result, _, turns = hold(tmp_path, says)
    assert [each.opened_by for each in turns] == ["call", "text", "speech"]
    assert turns[2].began - turns[1].playout_stop >= 3e9  # type: ignore[operator]
    assert result.turns == 2


def test_a_file_is_played(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "order.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(tones("Where is my order?"))
    _, _, turns = hold(tmp_path, '[[turn]]\nwav = "order.wav"\nsays = "Where is my order?"\n')
    assert turns[1].user_text == "where is my order"


def test_a_file_that_is_missing_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"nothing\.wav"):
        hold(tmp_path, '[[turn]]\nwav = "nothing.wav"\n')


def test_a_caller_who_repeats_is_hung_up_on(tmp_path: Path) -> None:
    head = "[sessions]\nseconds = 60\n[caller]\nrepeats = true\n"
    result, log, turns = hold(tmp_path, turn("Where is my order?"), head)
    assert result.lasted_ns == 60_000_000_000
    assert len(turns) > 6
    assert log.partial is None


def test_words_are_heard_whole_although_the_network_stalls(tmp_path: Path) -> None:
    network = "[network]\ndelay_ms = 120\nstall_every_s = 2\nstall_ms = 700\n"
    says = turn("Where is my order?") + turn("My order number is four seven one two.")
    _, _, turns = hold(tmp_path, f"{says}{network}")
    assert [each.user_text for each in turns[1:]] == ["where is my order", "my order number is four seven one two"]


def test_noise_on_the_line_is_no_speech(tmp_path: Path) -> None:
    _, log, turns = hold(tmp_path, turn("Where is my order?"), "[caller]\nnoise_dbfs = -52\n")
    assert len(turns) == 2
    assert sum(instant.kind == "server.speech_started" for instant in log.instants) == 1


def test_an_application_s_own_agent(tmp_path: Path) -> None:
    own = '[agent]\nuse = "engine.cli.demo:customer_service"\ncontext = "engine.cli.demo:Shop.open"\n'
    says = turn("Where is my order?") + turn("My order number is four seven one two.")
    result, _, turns = hold(tmp_path, f"{says}{own}")
    assert result.outcome == "completed"
    assert [span.name for span in turns[2].tools] == ["get_order_status"]


def test_an_agent_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be imported"):
        hold(tmp_path, turn("Hello.") + '[agent]\nuse = "engine.cli.demo:nobody"\n')
    with pytest.raises(ScenarioError, match="expected module:name of a RealtimeAgent"):
        hold(tmp_path, turn("Hello.") + '[agent]\nuse = "engine.cli.demo:Shop"\n')


def test_tools_that_fail_as_often_as_they_should(tmp_path: Path) -> None:
    says = turn("Where is order four seven one two?", answer='"Done."', calls='{ tool = "shaky" }')
    _, _, turns = hold(tmp_path, f"{says}[tool.shaky]\nfails = 1.0\n")
    assert [span.outcome for span in turns[1].tools] == ["error"]


def test_slow_first_audio_is_late_by_as_much(tmp_path: Path) -> None:
    _, _, quick = hold(tmp_path, turn("Where is my order?"))
    (tmp_path / "s0001.jsonl").unlink()
    _, _, slow = hold(tmp_path, turn("Where is my order?"), "[model]\nfirst_audio_ms = 80\n")
    times = [each[1].audio_first_received - each[1].first_token for each in (quick, slow)]  # type: ignore[operator]
    assert times == [0, 80_000_000]
    waits = [each[1].first_token - each[1].committed for each in (quick, slow)]  # type: ignore[operator]
    assert waits == [200_000_000] * 2
