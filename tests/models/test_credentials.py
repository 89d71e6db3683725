from __future__ import annotations

import pytest

from engine.errors import AuthenticationError, SettingsError
from engine.models.credentials import headers_for
from engine.secret.redaction import Redaction
from engine.secret.value import Secret, SecretUrl
from engine.transport.known_secrets import known_secrets

AGENT = {"User-Agent": "engine"}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", " sk-environment\n")


async def slowly() -> str:
    return "sk-async"


async def test_where_a_key_comes_from() -> None:
    for api_key, sent in [
        ("sk-given", "sk-given"),
        (" sk-file\n", "sk-file"),
        (lambda: "sk-made", "sk-made"),
        (slowly, "sk-async"),
        (None, "sk-environment"),
    ]:
        headers = await headers_for(None, api_key, openai=True)
        assert headers == {"Authorization": f"Bearer {sent}", **AGENT}


async def test_the_environments_key_goes_to_openai_only() -> None:
    assert await headers_for(None, None, openai=False) == AGENT
    assert await headers_for(None, "sk-given", openai=False) == {"Authorization": "Bearer sk-given", **AGENT}


@pytest.mark.parametrize("name", ["Authorization", "authorization", "api-key", "X-API-Key"])
async def test_headers_that_authenticate_replace_the_key(name: str) -> None:
    def never() -> str:
        raise AssertionError("asked for a key that is not needed")

    given = {name: "mine", "OpenAI-Project": "p"}
    assert await headers_for(given, never, openai=True) == {**given, **AGENT}


async def test_other_headers_go_along_with_the_key() -> None:
    headers = await headers_for({"OpenAI-Safety-Identifier": "u", "user-agent": "mine"}, "sk-given", openai=True)
    assert headers == {
        "OpenAI-Safety-Identifier": "u",
        "user-agent": "mine",
        "Authorization": "Bearer sk-given",
    }


async def test_no_key_is_said_before_anything_is_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(AuthenticationError, match="OPENAI_API_KEY"):
        await headers_for(None, None, openai=True)
    with pytest.raises(AuthenticationError, match="empty"):
        await headers_for(None, " ", openai=True)


async def test_a_function_must_return_a_key() -> None:
    with pytest.raises(SettingsError, match="returned NoneType"):
        await headers_for(None, lambda: None, openai=True)  # type: ignore[arg-type, return-value]


def test_keys_are_taken_out_of_what_is_shown() -> None:
    headers = {"Authorization": Secret("Bearer abc-123"), "api-key": Secret("xyz"), "User-Agent": Secret("seen")}
    known = known_secrets(SecretUrl("wss://example.test/"), headers)
    shown = known.words("seen abc-123 xyz; Incorrect API key provided: sk-pr…**7Q. ek_0123456789, sk-test")
    assert shown == "seen [key] [key]; Incorrect API key provided: [key] [key], [key]"
    assert Redaction().words("ask_someone, task-list, risk-free") == "ask_someone, task-list, risk-free"
