"""Every example runs as a newcomer runs it, and says what it should."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

SAYS = {
    "quickstart": ["assistant said:", "sunny in Tokyo"],
    "tools_and_approval": ["runs get_order_status", "approve refund_order", "refunded: ['4271']"],
    "handoffs": ["Front desk -> Billing", "Billing: Hello"],
    "guardrails": ["the model is told: It is sunny.", "stopped by no_secrets"],
    "images": ["input_image", "agent:"],
    "direct_model_access": ["retrieved an item", "response.output_audio.delta"],
    "custom_model": ["parrot: Pieces of eight!"],
    "push_to_talk": ["agent:"],
    "latency_lab_ticks": ["answered at most 250 ms after the question", "tokens of output"],
}


def test_every_example_is_tested() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(SAYS)


@pytest.mark.parametrize("name", SAYS)
def test_example(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / f"{name}.py"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for words in SAYS[name]:
        assert words in done.stdout, done.stdout + done.stderr


def test_the_readme_has_the_quickstart() -> None:
    readme = (EXAMPLES.parent / "README.md").read_text()
    program = (EXAMPLES / "quickstart.py").read_text().split('"""\n\n', 1)[1]
    body = program.replace('if __name__ == "__main__":\n    trio.run(main)\n', "trio.run(main)\n")
    assert body in readme
    assert len(body.splitlines()) <= 25
