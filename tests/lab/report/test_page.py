"""The page of a run: whole, self-contained, and it says what must be said."""

from __future__ import annotations

import base64
import gzip
import json
import re
import wave
from io import BytesIO
from itertools import accumulate
from pathlib import Path

import attrs
import pytest

from engine.lab.report import turn_data
from engine.lab.report.page import page
from engine.lab.report.worst import MOST, MOST_UNANSWERED, excerpt_of, worst_of
from engine.lab.simulate.results import load
from engine.latency.log import SessionLog
from tests.lab.report.calls import write_run
from tests.lab.report.html_check import checked
from tests.lab.report.runs import run_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "a", sessions=30, audio=30)


@pytest.fixture(scope="module")
def html(folder: Path) -> str:
    return page(load(folder))


def test_the_page_is_whole_and_fetches_nothing(html: str) -> None:
    found = checked(html)
    assert found.count("h1") == 1
    assert found.count("svg") == 4


def test_it_says_what_was_run_and_that_it_was_virtual(html: str) -> None:
    words = checked(html).words
    for said in ("virtual time", "support call", "scenarios/support_call.toml", "3.11.7", "Xeon, 2 cores",
                 "30 completed, of 30 planned"):  # fmt: skip
        assert said in words


def test_rates_stand_beside_latencies_and_every_number_has_its_n(html: str) -> None:
    words = checked(html).words
    assert "answered" in words
    assert re.search(r"\d+ of \d+", words)
    assert re.search(r"turn gap, p95.*n = \d+", words)
    assert words.count("n = ") >= 8
    assert "which no log here can see" in words


def test_a_p99_of_too_few_turns_is_refused(html: str) -> None:
    words = checked(html).words
    assert "needs 300" in words


def test_budgets_are_judged(html: str) -> None:
    assert "NOT HELD" in checked(html).words


def test_other_peoples_definitions_are_there(html: str) -> None:
    words = checked(html).words
    for said in ("Full-Duplex-Bench 1.0", "tau-voice", "pipecat", "LiveKit"):
        assert said in words


def test_the_worst_ten_can_be_heard(html: str) -> None:
    players = [given for tag, given in checked(html).elements if tag == "audio"]
    assert len(players) == MOST
    for player in players:
        source = player["src"]
        assert source is not None
        with wave.open(BytesIO(base64.b64decode(source.partition(",")[2]))) as sound:
            assert (sound.getnchannels(), sound.getframerate()) == (2, 8000)
            assert 8000 <= sound.getnframes() <= 80_000
            left = sound.readframes(sound.getnframes())[::4]
            assert any(left)
    assert len(html) < 10_000_000


def test_the_worst_are_the_unanswered_and_then_the_slowest() -> None:
    run = run_of(sessions=40)
    worst = worst_of(run.turns)
    assert len(worst) == MOST
    unanswered = [each for each in worst if each.gap_s is None]
    assert worst[: len(unanswered)] == tuple(unanswered)
    gaps = [each.gap_s for each in worst if each.gap_s is not None]
    assert gaps == sorted(gaps, reverse=True)
    silent = tuple(
        attrs.evolve(turn, playout_start=None, playout_audible=None, first_token=None) for turn in run.turns[:8]
    )
    assert sum(each.gap_s is None for each in worst_of((*silent, *run.turns[8:]))) == MOST_UNANSWERED
    assert len(worst_of(silent)) == 8
    assert worst_of([]) == ()


def test_the_excerpt_holds_both_ends_of_the_gap() -> None:
    turn = run_of(sessions=1).turns[0]

    def with_times(began: float, said: float, audible: float | None, stop: float) -> tuple[float, float]:
        ns = {"began": began, "user_speech_end_truth": said, "playout_audible": audible, "playout_stop": stop}
        given = {name: None if at is None else round(at * 1e9) for name, at in ns.items()}
        return excerpt_of(attrs.evolve(turn, over=round(stop * 1e9), **given))

    assert with_times(10, 12, 13, 16) == (9.5, pytest.approx(7.0))  # the whole turn
    assert with_times(10, 12, 13, 40) == (9.5, pytest.approx(10.0))  # a long answer: its beginning
    assert with_times(10, 30, 31, 40) == (pytest.approx(22.5), pytest.approx(10.0))  # a long question: its end
    assert with_times(10, 12, 24, 30) == (pytest.approx(10.5), pytest.approx(15.0))  # a long gap: all of it
    assert with_times(10, 12, 60, 70) == (pytest.approx(10.5), pytest.approx(20.0))  # a gap that is too long
    assert with_times(10, 12, None, 40) == (9.5, pytest.approx(10.0))  # nobody answered


def test_the_data_of_the_timelines(html: str, folder: Path) -> None:
    run = load(folder)
    element = next(given for tag, given in checked(html).elements if tag == "script" and given.get("id") == "data")
    assert element["type"] == "application/json"
    data = json.loads(checked(html).scripts[0])
    assert len(data["turns"]) == len(run.turns)
    session, index, _, said, fate, _, metrics, gap, steps, shape = data["turns"][0]
    assert (data["texts"][session], index, data["texts"][said]) == ("s0001", 0, "Where is my order?")
    assert data["texts"][fate] in ("answered", "interrupted by user")
    assert metrics[0] == gap[1] - gap[0]
    times = list(accumulate(steps))
    spans = {
        (data["lanes"][lane], data["texts"][name]): (times[start] / 10, times[stop] / 10)
        for lane, name, start, stop, _ in data["shapes"][shape]
        if stop >= 0
    }
    turn = run.turns[0]
    assert turn.user_speech_start_truth is not None
    assert turn.user_speech_end_truth is not None
    length = (turn.user_speech_end_truth - turn.user_speech_start_truth) / 1e6
    assert spans["caller", "speaks"] == (0.0, pytest.approx(length, abs=0.1))
    assert {("model", "hears speech"), ("speaker", "plays")} <= spans.keys()


def test_a_large_run_is_compressed(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = run_of(sessions=2).turns
    plain = turn_data.packed(turns)
    assert not plain.compressed
    monkeypatch.setattr(turn_data, "COMPRESSED_ABOVE", 100)
    small = turn_data.packed(turns)
    assert small.compressed
    assert gzip.decompress(base64.b64decode(small.text)).decode() == plain.text
    assert "application/gzip+base64" in page(run_of(sessions=2))


def test_what_people_say_cannot_break_the_page() -> None:
    run = run_of(sessions=2)
    evil = '</script><script>alert("x")</script><img src=//evil onerror=1>&<!--'
    turns = tuple(attrs.evolve(turn, user_text=evil) for turn in run.turns)
    info = attrs.evolve(run.info, scenario={"name": evil}, model=evil)
    html = page(attrs.evolve(run, turns=turns, info=info))
    found = checked(html.replace("//evil", "evil"))
    assert found.count("script") == 2
    assert found.count("img") == 0
    assert evil.replace("//evil", "evil") in found.words


def test_a_run_that_is_not_whole_says_so(tmp_path: Path) -> None:
    run = load(write_run(tmp_path / "cut", sessions=3, interrupted="Ctrl-C"))
    words = checked(page(run)).words
    assert "This run is partial: Ctrl-C: 3 of 8 sessions" in words


def test_runs_of_next_to_nothing_have_a_page() -> None:
    one = run_of(sessions=1)
    assert "one session: no interval" in checked(page(one)).words
    none = attrs.evolve(one, sessions=(), turns=())
    assert checked(page(none)).count("svg") == 0
    silent = attrs.evolve(one, sessions=(SessionLog(one.sessions[0].header, ()),), turns=())
    assert checked(page(silent)).count("svg") == 0


def test_the_same_run_is_the_same_page(folder: Path, html: str) -> None:
    assert page(load(folder)) == html


def test_plots_can_be_told_apart_without_colour(html: str) -> None:
    """Lines have dashes of their own, and markers."""
    assert len(set(re.findall(r"stroke-dasharray: ([\d., ]+)", html))) >= 2
    assert "currentColor" in html
    assert not re.search(r"#(0072b2|d55e00|123456|abcdef)", html.partition("</style>")[2])
