"""What a server means when it closes: by close code, codes and words, before there is a session and in the middle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import (
    AuthenticationError,
    ConnectRefused,
    ModelNotFound,
    SessionExpired,
    TransportClosed,
    TransportLost,
)
from engine.models.refusals import cut_off, turned_away
from engine.wire.server_session import ErrorDetail

KEY_CODES = ["invalid_api_key", "authentication_error", "ephemeral_token_expired", "auth_error", "unauthorized", "401"]
MODEL_CODES = ["missing_model", "invalid_model", "model_not_found", "DeploymentNotFound"]
ABOUT_KEYS = [
    "Incorrect API key provided: sk-proj-abcd1234.",
    "Missing bearer or basic authentication in header",
    "Ephemeral token expired",
    "You didn't provide an API key.",
    "Invalid or missing API key",
    "Invalid api_key",
    "litellm.AuthenticationError: OpenAIException - no",
    "Authentication Error, Invalid proxy server token passed",
    "HTTP 401: Unauthorized",
    "The API key is not valid",
    "API key has been revoked",
    "not authorized to use this endpoint",
]
ABOUT_OTHERS = [
    "",
    "keepalive ping timeout",
    "out of memory",
    "policy",
    "invalid value for tools[0].name",
    "Unexpected token < in JSON",
    "max_output_tokens: invalid",
    "Rate limit reached",
    "the session is going away",
]
codes = st.sampled_from([1000, 1001, 1008, 1011, 4000, 4001, 4999])
plain_codes = st.sampled_from([None, "server_error", "invalid_value", "rate_limit_exceeded"])


def closed(code: int, reason: str = "") -> TransportClosed:
    return TransportClosed(code=code, reason=reason)


@given(st.sampled_from(ABOUT_OTHERS), st.sampled_from(ABOUT_OTHERS), plain_codes)
def test_the_code_for_keys_needs_no_words(message: str, reason: str, code: str | None) -> None:
    for error in ([], [ErrorDetail("server_error", message, code)]):
        assert type(cut_off(error, closed(3000, reason))) is AuthenticationError
        assert type(turned_away(error, closed(3000, reason))) is AuthenticationError
        assert type(cut_off(error, closed(4004, reason))) is ModelNotFound


@given(st.sampled_from(KEY_CODES), st.booleans(), st.sampled_from(ABOUT_OTHERS), codes)
def test_a_code_is_enough_whatever_the_close_says(word: str, as_type: bool, message: str, code: int) -> None:
    error = [ErrorDetail(word, message) if as_type else ErrorDetail("invalid_request_error", message, word)]
    assert type(cut_off(error, closed(code))) is AuthenticationError
    assert type(cut_off([], closed(code, f"invalid_request_error.{word}"))) is AuthenticationError
    assert type(cut_off(error, TransportLost("the connection broke"))) is AuthenticationError


@given(st.sampled_from(MODEL_CODES), codes)
def test_so_it_is_for_models(word: str, code: int) -> None:
    assert type(cut_off([ErrorDetail("invalid_request_error", "no", word)], closed(code))) is ModelNotFound
    assert type(turned_away([], closed(code, f"invalid_request_error.{word}"))) is ModelNotFound


@pytest.mark.parametrize("words", ABOUT_KEYS)
def test_words_about_keys(words: str) -> None:
    for lost, error in (
        (closed(1008, words), []),
        (closed(1011), [ErrorDetail("server_error", words), ErrorDetail("server_error", "upstream gone")]),
        (TransportLost("the connection broke"), [ErrorDetail("", f'{{"error":"{words}"}}')]),
    ):
        refusal = cut_off(error, lost)
        assert type(refusal) is AuthenticationError
        assert refusal.__cause__ is lost
        assert "sk-proj" not in str(refusal)
        assert type(turned_away(error, lost)) is AuthenticationError


@given(st.sampled_from(ABOUT_OTHERS), st.sampled_from(ABOUT_OTHERS), plain_codes, codes)
def test_any_other_end_is_no_refusal(message: str, reason: str, word: str | None, code: int) -> None:
    error = [ErrorDetail("server_error", message, word)]
    assert cut_off(error, closed(code, reason)) is None
    assert cut_off([], closed(code, reason)) is None
    assert type(turned_away(error, closed(code, reason))) is ConnectRefused


def test_a_session_that_grew_too_old_is_not_about_its_token() -> None:
    assert cut_off([ErrorDetail("x", "token expired")], SessionExpired("too old", code=1001)) is None
