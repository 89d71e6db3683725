"""Scenarios from TOML: read as meant, and refused with the place of what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.lab.scenario.distributions import LogNormal, Uniform
from engine.lab.scenario.scenario_file import (
    ScenarioError,
    from_plain,
    load_scenario,
    plain,
    read_scenario,
    shipped_scenarios,
)
from tests.lab.calls import SHORT, short

TURN = '[[turn]]\nsays = "Hello."\n'


def problem(text: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        read_scenario(text, "call.toml")
    return str(caught.value)


def test_what_is_written_is_what_is_read() -> None:
    scenario = short().scenario
    assert scenario.name == "short"
    assert scenario.sessions.count == 3
    assert [turn.says for turn in scenario.turn] == ["Where is my order?", "Stop, thank you. Goodbye."]
    assert scenario.turn[1].cuts_in_ms == Uniform(low=300, high=900)
    assert scenario.tool["get_order_status"].latency_ms == LogNormal(median=200, sigma=0.5)
    assert scenario.model.created_ms == 15.0, "what is not written is as usual"


def test_a_scenario_survives_being_made_plain() -> None:
    scenario = short().scenario
    assert from_plain(plain(scenario)) == scenario


@pytest.mark.parametrize("name", sorted(shipped_scenarios()))
def test_those_that_ship_are_found_by_name(name: str) -> None:
    file = load_scenario(name)
    assert file.scenario.budgets
    assert file.scenario.about


def test_a_file_is_found_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SHORT)
    file = load_scenario(path)
    assert file.scenario == short().scenario
    assert file.folder == tmp_path


def test_no_scenario_of_that_name() -> None:
    with pytest.raises(ScenarioError, match="did you mean 'support_call'"):
        load_scenario("suport_call")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('name = "x"\n[[turn]\n', ("call.toml:2: not TOML",)),
        (TURN, ("name: missing",)),
        ('name = "x"\n', ("turn: missing",)),
        ('name = "x"\nturn = []\n', ("call.toml:2: turn:", "add [[turn]]")),
        (f'name = "x"\n{TURN}[modle]\n', ("call.toml:4: modle: unknown key", "did you mean 'model'?")),
        (f'name = "x"\n{TURN}[model]\n\nfirst_tokenms = 3\n', ("call.toml:6:", "did you mean 'first_token_ms'?")),
        (f'name = "x"\n{TURN}[model]\npace = "fast"\n', ("call.toml:5: model.pace: expected a number",)),
        (f'name = "x"\n{TURN}{TURN}saiz = 1\n', ("call.toml:6: turn[1].saiz",)),
        (f'name = "x"\n{TURN}types = "Hello."\n', ("call.toml:4: turn[0].types", "cannot have types too")),
        ('name = "x"\n[[turn]]\npause_ms = 3\n', ("call.toml:2: turn[0].says: missing",)),
        (f'name = "x"\n{TURN}on = "tool_strat"\n', ("call.toml:4:", "'tool_start'")),
        (
            f'name = "x"\n{TURN}pause_ms = {{ type = "lognormal", median = 3, sgima = 1 }}\n',
            ("call.toml:4: turn[0].pause_ms.sgima", "did you mean 'sigma'?"),
        ),
        (f'name = "x"\n{TURN}pause_ms = {{ type = "gauss" }}\n', ("call.toml:4:", "'uniform'", "'lognormal'")),
        (f'name = "x"\n{TURN}calls = {{ tool = "look_up" }}\n', ("call.toml:4:", "there is no tool 'look_up'")),
        (f'name = "x"\n[sessions]\narrive = "poisson"\n{TURN}', ("call.toml:2:", "per_minute: missing")),
        (f'name = "x"\n[caller]\nrepeats = true\n{TURN}', ("sessions.seconds: missing",)),
        (f'name = "x"\nbudgets = ["turn_gab p95 < 3 s"]\n{TURN}', ("call.toml:2:", "did you mean 'turn_gap'?")),
        (f'name = "x"\n[sessions]\ncount = 0\n{TURN}', ("call.toml:3: sessions.count",)),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, words: tuple[str, ...]) -> None:
    message = problem(text)
    for word in words:
        assert word in message
