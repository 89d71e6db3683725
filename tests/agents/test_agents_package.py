"""The package's names, and what importing it costs."""

import subprocess
import sys

import pytest

import engine.agents


def loaded_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after the code."""
    program = f"{code}\nimport sys\nprint(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_every_name_is_there_and_is_listed() -> None:
    for name in engine.agents.__all__:
        assert getattr(engine.agents, name).__name__ == name
    with pytest.raises(AttributeError, match=r"module 'engine.agents' has no attribute 'Tool'"):
        engine.agents.Tool  # noqa: B018


def test_importing_the_package_imports_nothing_else() -> None:
    loaded = loaded_after("import engine.agents")
    assert not {"attrs", "attr", "msgspec", "engine.agents.agent"} & loaded


def test_agents_without_tools_need_no_libraries_of_tools() -> None:
    loaded = loaded_after(
        "from engine.agents import RealtimeAgent, function_tool; RealtimeAgent('x', instructions='y')"
    )
    assert not {"trio", "orjson", "cattrs", "docstring_parser", "difflib"} & loaded


def test_a_docstring_of_one_line_needs_no_parser() -> None:
    code = "from engine.agents import function_tool\n@function_tool\ndef f(a: int) -> None:\n    '''Do it.'''"
    loaded = loaded_after(code)
    assert not {"trio", "orjson", "cattrs", "docstring_parser"} & loaded
