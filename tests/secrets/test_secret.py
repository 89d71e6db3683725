"""The type that a secret is held in: what prints it, what refuses it, what is found of it in others' words."""

from __future__ import annotations

import copy
import json
import pickle
from base64 import b64encode
from string import printable
from urllib.parse import quote

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Secret
from engine.errors import SettingsError
from engine.secret.discretion import discreet
from engine.secret.redaction import PIECE, REPLACEMENT, Redaction
from engine.secret.value import SecretUrl
from engine.wire.converter import converter
from tests.secrets.printing import Paper

KEY = "Zx9Qw8Er7Ty6Ui5Op4"
keys = st.text(alphabet=printable, min_size=12, max_size=60).filter(lambda text: len(text.strip()) >= 12)


def test_a_secret_prints_as_stars_and_has_no_other_form() -> None:
    secret = Secret(KEY)
    assert {repr(secret), str(secret), f"{secret}", f"{secret!r}", format(secret)} == {"***"}
    assert f"{secret:>5}" == "  ***"
    assert converter.unstructure(secret) is secret
    assert copy.deepcopy([secret])[0] is secret
    for refuses in (pickle.dumps, orjson.dumps, json.dumps, msgspec.json.encode):
        with pytest.raises(TypeError) as refused:
            refuses(secret)
        assert KEY not in str(refused.value)


def test_a_secret_is_its_text() -> None:
    assert Secret(KEY) == KEY == Secret(Secret(KEY)).reveal()
    assert {Secret(KEY)} == {KEY}
    assert not Secret("")
    with pytest.raises(TypeError, match="a secret is a text, not bytes"):
        Secret(KEY.encode())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("wss://host.test/v1?model=gpt", "wss://host.test/v1?model=gpt"),
        ("wss://a:b@host.test:8/v1?model=gpt&key=k&flag#f", "wss://***@host.test:8/v1?model=gpt&key=***&***#***"),
        ("wss://[::1]:8/", "wss://[::1]:8/"),
        (KEY, "***"),
        ("wss://[::1", "***"),
    ],
)
def test_a_url_prints_without_what_may_be_secret(url: str, shown: str) -> None:
    assert str(SecretUrl(url)) == shown
    assert repr(SecretUrl(url)) == repr(shown)


@given(key=keys, before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_key_is_found_in_every_form(key: str, before: str, after: str) -> None:
    redaction = Redaction([Secret(key)])
    key = key.strip()
    for form in (key, quote(key), quote(key, safe=""), json.dumps(key)[1:-1], b64encode(f"u:{key}".encode()).decode()):
        said = redaction.words(f"{before} {form} {after}")
        left = [key[at : at + PIECE] for at in range(len(key) - PIECE + 1)]
        assert not any(piece in said and piece not in f"{before} {after}" for piece in left)


def test_the_protocol_is_left_alone() -> None:
    redaction = Redaction([Secret("bad_api_key"), Secret("session.updated"), Secret("invalid_request_error")])
    assert redaction.words("invalid_api_key") == "invalid_api_key"
    line = b'{"type":"session.updated","status":"completed"}'
    assert redaction.line(line) == line


def test_a_short_key_is_taken_out_as_a_word_only() -> None:
    assert Redaction([Secret("none")]).words("none of nonetheless") == f"{REPLACEMENT} of nonetheless"


def test_errors_of_a_discreet_function_show_none_of_its_arguments() -> None:
    @discreet
    def refuses(key: str) -> None:
        try:
            raise ValueError(key[:0])
        except ValueError as error:
            raise SettingsError("no") from error

    with pytest.raises(SettingsError) as refused:
        refuses(KEY)
    paper = Paper()
    for frame in refused.traceback[1:]:
        paper.add("frame", repr(frame.locals))
    assert len(refused.traceback) == 2
    assert not paper.holds([KEY])
    assert isinstance(refused.value.__cause__, ValueError)
    assert refused.value.__cause__.__traceback__ is None
