"""Redaction: takes the secrets of one connection out of what others say.

A server may repeat a key: in an error, in the reason of a close, in the answer to a handshake, whole, cut short or
starred out in the middle. It is found by its value, in each form that the value takes in a text: as it is, in base64,
percent-encoded, as a string of JSON or HTML. In words for people, pieces of it are taken out, too.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from html import escape
from json import dumps
from urllib.parse import quote, quote_plus

import orjson

from engine._messages import without_keys
from engine.secret.value import Secret, SecretUrl

REPLACEMENT = "[key]"

PIECE = 8
"""Characters of a secret in a row that are enough to be taken out of words for people."""

_SHORTEST = 3
"""Characters of the shortest secret that is looked for. Below `PIECE` only whole words are."""

_SCHEMES = frozenset({"bearer", "basic", "digest", "token", "negotiate", "apikey", "key"})
_DIVIDERS = re.compile(r"[\s,;=\"']+")

_WORDS_FOR_PEOPLE = frozenset({"message", "reason", "error", "detail", "details", "description", "param", "output"})
"""Keys of JSON whose values are read by people."""

_NEVER = frozenset({"type", "object", "status", "role", "event_id"})
"""Keys of JSON whose values are the protocol's own words."""

_CODES = re.compile(r"[a-z_]+(?:\.[a-z_]+)*")
"""What is made of codes alone, as the reasons of some closes are, means something: no piece of it is taken out."""

_MASK = re.compile(r"\*{2,}|[•●…]+|\.{3,}|[xX]{4,}|#{3,}")
_TOKEN = re.compile(r"[^\s\"'<>(){}\[\],;]+")
_LEAST_OF_MASKED = 2
"""Characters beside a mask that must be those of a secret."""


class Redaction:
    """What is known of a connection's secrets. It learns of each when it is used."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._words: set[str] = set()
        self._short: set[str] = set()
        self._forms: list[str] = []
        """All forms that are long enough to be looked for anywhere, the longest first."""
        self._pieces: set[str] = set()
        for secret in secrets:
            self.learn(secret)

    def __repr__(self) -> str:
        return f"Redaction({len(self._words)} words)"

    def learn(self, secret: Secret) -> None:
        """Look for a secret from now on; of a URL, for what in it is secret."""
        if isinstance(secret, SecretUrl):
            for part in secret.secrets():
                self.learn(part)
            return
        new = set(_words_of(secret)) - self._words
        if not new:
            return
        self._words |= new
        self._short |= {word for word in new if len(word) < PIECE}
        forms = {form for word in new for form in _forms_of(word) if len(form) >= PIECE}
        self._forms = sorted(forms.union(self._forms), key=lambda form: (-len(form), form))
        self._pieces.update(piece for form in forms for piece in _pieces_of(form.lower()))

    def open(self, secret: Secret) -> str:
        """Return a secret's text, for the wire, and look for it from now on."""
        self.learn(secret)
        return secret.reveal()

    def occurs_in(self, text: str) -> bool:
        """Tell whether a secret stands in a text as a whole, in one of its forms."""
        return any(form in text for form in self._forms)

    def words(self, text: str) -> str:
        """Return words for people without secrets, without pieces of them, and without what looks like a key."""
        if _CODES.fullmatch(text):
            return self._whole(text)
        if self._words:
            text = self._without_pieces(text)
            for word in self._short:
                if word in text:
                    text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", REPLACEMENT, text)
            if _MASK.search(text):
                text = _TOKEN.sub(self._without_masked, text)
        return without_keys(text)

    def data(self, text: str | bytes) -> str:
        """Return a text of JSON without secrets in its values; what is no JSON is taken for words."""
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            return self.words(text if isinstance(text, str) else text.decode(errors="replace"))
        return orjson.dumps(self._in_value(value, "")).decode()

    def line(self, line: bytes) -> bytes:
        """Return a line of JSON that is to be written to a file: as it is, unless a secret stands in it."""
        if not self._forms:
            return line
        text = line.decode(errors="replace")
        return self.data(text).encode() if self.occurs_in(text) else line

    def _in_value(self, value: object, key: str) -> object:
        if isinstance(value, str):
            if key in _NEVER:
                return value
            return self.words(value) if key in _WORDS_FOR_PEOPLE else self._whole(value)
        if isinstance(value, dict):
            return {name: self._in_value(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [self._in_value(each, key) for each in value]
        return value

    def _whole(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, REPLACEMENT)
        return text

    def _without_pieces(self, text: str) -> str:
        if not self._pieces:
            return text
        lower = text.lower()
        if len(lower) != len(text):
            lower = text
        kept: list[str] = []
        at = begin = 0
        while at <= len(text) - PIECE:
            if lower[at : at + PIECE] not in self._pieces:
                at += 1
                continue
            kept += (text[begin:at], REPLACEMENT)
            while lower[at : at + PIECE] in self._pieces:
                at += 1
            at = begin = at + PIECE - 1
        return "".join((*kept, text[begin:])) if kept else text

    def _without_masked(self, match: re.Match[str]) -> str:
        token = match[0]
        masks = list(_MASK.finditer(token))
        if not masks:
            return token
        before, after = token[: masks[0].start()], token[masks[-1].end() :].rstrip(".:!?")
        before = before.rpartition("=")[2].rpartition(":")[2]
        for word in self._words:
            if (len(before) >= _LEAST_OF_MASKED and word.startswith(before)) or (
                len(after) >= _LEAST_OF_MASKED and word.endswith(after)
            ):
                return token.replace(before + token[masks[0].start() : masks[-1].end()] + after, REPLACEMENT)
        return token


def _words_of(secret: Secret) -> Iterator[str]:
    """Give what is looked for of a secret: all of it, and each part of a value that has several."""
    text = secret.reveal().strip()
    scheme, _, rest = text.partition(" ")
    if scheme.lower() in _SCHEMES and rest:
        text = rest.strip()
    for word in (text, *_DIVIDERS.split(text)):
        if len(word) >= _SHORTEST:
            yield word
            yield from _credentials_in(word)


def _credentials_in(word: str) -> Iterator[str]:
    """Give the name and the password of HTTP's basic authentication, if that is what a word is."""
    try:
        plain = b64decode(word, validate=True).decode()
    except ValueError:
        return
    if plain.isprintable() and ":" in plain:
        yield from (part for part in (plain, *plain.split(":", 1)) if len(part) >= _SHORTEST)


def _forms_of(word: str) -> Iterator[str]:
    yield word
    for encoded in (quote(word, safe=""), quote_plus(word), quote(word)):
        yield from (encoded, re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), encoded))
    yield from (dumps(word)[1:-1], dumps(word, ensure_ascii=False)[1:-1], repr(word)[1:-1], escape(word))
    yield dumps(word)[1:-1].replace("/", "\\/")
    raw = word.encode(errors="replace")
    if len(raw) < PIECE - 2:
        return
    for shift in range(3):
        # Where a word stands in what is encoded decides how its bytes fall into base64's groups of three.
        first = -(-shift * 8 // 6)
        groups = (shift + len(raw)) * 8 // 6
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(b"\0" * shift + raw).decode()[first:groups]


def _pieces_of(form: str) -> Iterator[str]:
    return (form[at : at + PIECE] for at in range(len(form) - PIECE + 1))
