from __future__ import annotations

import pytest

from engine.errors import SettingsError
from engine.models.address import dialled_url, is_openai


@pytest.mark.parametrize(
    ("base", "url"),
    [
        (None, "wss://api.openai.com/v1/realtime?model=m%201"),
        ("wss://eu.api.openai.com/v1/realtime", "wss://eu.api.openai.com/v1/realtime?model=m%201"),
        ("wss://host/any/path?x=1", "wss://host/any/path?x=1&model=m%201"),
        ("wss://host/v1/realtime?model=theirs", "wss://host/v1/realtime?model=theirs"),
        ("wss://host/v1/realtime?intent=transcription", "wss://host/v1/realtime?intent=transcription"),
        (
            "wss://r.openai.azure.com/openai/realtime?api-version=2025-04-01-preview&deployment=d",
            "wss://r.openai.azure.com/openai/realtime?api-version=2025-04-01-preview&deployment=d",
        ),
        ("https://host/v1", "wss://host/v1/realtime?model=m%201"),
        ("http://127.0.0.1:8000/v1/", "ws://127.0.0.1:8000/v1/realtime?model=m%201"),
        ("https://host", "wss://host/realtime?model=m%201"),
        ("https://host/v1/realtime", "wss://host/v1/realtime?model=m%201"),
        ("ws://host", "ws://host?model=m%201"),
    ],
)
def test_a_model_is_added_where_the_url_does_not_say_what_to_talk_to(base: str | None, url: str) -> None:
    assert dialled_url(base, "m 1", None) == url


@pytest.mark.parametrize(
    ("base", "url"),
    [
        (None, "wss://api.openai.com/v1/realtime?call_id=rtc_1%2F2"),
        ("wss://host/v1/realtime?x=1", "wss://host/v1/realtime?x=1&call_id=rtc_1%2F2"),
        ("wss://host/v1/realtime?call_id=other", "wss://host/v1/realtime?call_id=other"),
        ("wss://host/v1/realtime?model=theirs", "wss://host/v1/realtime?model=theirs&call_id=rtc_1%2F2"),
    ],
)
def test_a_call_needs_no_model(base: str | None, url: str) -> None:
    assert dialled_url(base, "m 1", "rtc_1/2") == url


@pytest.mark.parametrize("base", ["ftp://host", "host/path", "", "wss://[", "//host"])
def test_what_is_no_such_url_is_refused(base: str) -> None:
    with pytest.raises(SettingsError, match=r"model_config\.url"):
        dialled_url(base, "m", None)


def test_openai_is_known_by_its_whole_name_and_only_over_tls() -> None:
    assert is_openai("wss://api.openai.com/v1/realtime")
    assert is_openai("wss://eu.api.openai.com/v1/realtime")
    assert not is_openai("ws://api.openai.com/v1/realtime")
    assert not is_openai("wss://r.openai.azure.com/openai/v1/realtime")
    assert not is_openai("wss://notopenai.com/")
    assert not is_openai("wss://openai.com.example.org/")
    assert not is_openai("wss://example.org/openai.com")
