"""Secret: a text that is opened only where bytes go to the wire, and is `***` to everybody else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn, Self
from urllib.parse import parse_qsl, unquote, urlsplit

HIDDEN = "***"

SHOWN_PARAMETERS = frozenset({"model", "deployment", "intent", "api-version", "call_id"})
"""Names of query parameters that say what is talked to, not who talks: their values are no secrets."""


class Secret:
    """A key, a header's value, a token. `reveal` gives its text, and nothing else does.

    It prints as `***` in every way, has no JSON form, and cannot be pickled. It equals its text, so that it can be
    looked for.
    """

    __slots__ = ("_text",)
    _text: str

    def __init__(self, text: str | Secret) -> None:
        """Raises TypeError if `text` is no text; the message does not repeat it."""
        if isinstance(text, Secret):
            text = text._text
        if not isinstance(text, str):
            kind = type(text).__name__
            del text
            raise TypeError(f"a secret is a text, not {kind}")
        self._text = text

    @classmethod
    def of(cls, text: str | Secret) -> Self:
        """Return the text as a secret: itself, if it is one of this kind."""
        return text if isinstance(text, cls) else cls(text)

    def reveal(self) -> str:
        """Return the text. For whoever writes it to the wire: keep it in no variable that a traceback could show."""
        return self._text

    def shown(self) -> str:
        """Return what may be printed of it."""
        return HIDDEN

    def __repr__(self) -> str:
        return self.shown()

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(self.shown(), spec)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Secret):
            return self._text == other._text
        return self._text == other if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled: hand the other process a function that gets the key")


class SecretUrl(Secret):
    """A URL whose user name, password, fragment and query may hold secrets: what prints is the rest."""

    __slots__ = ()

    def shown(self) -> str:
        """Return the URL with `***` for what it may keep to itself; all of it, if it has no host."""
        try:
            scheme, netloc, path, query, fragment = urlsplit(self._text)
        except ValueError:
            return HIDDEN
        if not (scheme and netloc):
            return HIDDEN
        user, _, host = netloc.rpartition("@")
        pairs = "&".join(
            f"{name}={value}" if name in SHOWN_PARAMETERS else f"{name}={HIDDEN}" if value else HIDDEN
            for name, value in parse_qsl(query, keep_blank_values=True)
        )
        return "".join(
            (
                f"{scheme}://",
                f"{HIDDEN}@" if user else "",
                host,
                path,
                f"?{pairs or HIDDEN}" if query else "",
                f"#{HIDDEN}" if fragment else "",
            )
        )

    def __repr__(self) -> str:
        return repr(self.shown())

    def secrets(self) -> frozenset[Secret]:
        """Return what in it is secret, each part by itself, as it is written and as it is meant."""
        try:
            parts = urlsplit(self._text)
        except ValueError:
            return frozenset({Secret(self._text)})
        written = [pair.partition("=") for pair in parts.query.split("&")]
        found = [parts.username, parts.password, parts.fragment]
        found += [unquote(each) for each in found if each]
        found += [value or name for name, _, value in written if name not in SHOWN_PARAMETERS]
        found += [
            value or name
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
            if name not in SHOWN_PARAMETERS
        ]
        return frozenset(Secret(each) for each in found if each)


KeyFunction = Callable[[], "str | Secret"] | Callable[[], Awaitable["str | Secret"]]


class SecretFunction:
    """A function that gets a key. It prints as `***`: what it is made of may hold the key."""

    __slots__ = ("_function",)

    def __init__(self, function: KeyFunction) -> None:
        self._function = function

    async def get(self) -> object:
        """Call the function, and return what it gives: a text as a `Secret`, bytes and everything else as its type."""
        return _sealed_result(await _awaited(self._function))

    def __repr__(self) -> str:
        return HIDDEN


async def _awaited(function: KeyFunction) -> object:
    made = function()
    return await made if isinstance(made, Awaitable) else made


def _sealed_result(made: object) -> object:
    return Secret(made) if isinstance(made, str | Secret) else type(made)


# ------------------------------------------------------------------------------------------------ inside other data
_DEEPEST = 254
"""Levels that orjson writes."""


def sealed_headers(headers: Mapping[str, str | Secret]) -> dict[str, Secret]:
    """Return headers with every value as a `Secret`; what is no text stays as it is, for whoever checks it."""
    return {name: Secret(value) if isinstance(value, str) else value for name, value in headers.items()}


def sealed(value: object, levels: int = _DEEPEST) -> object:
    """Return JSON data with every text in it as a `Secret`; the keys of objects stay as they are.

    Raises RecursionError if it is nested deeper than JSON can be written.
    """
    if isinstance(value, str):
        return Secret(value)
    if not isinstance(value, Mapping | list | tuple):
        return value
    if not levels:
        raise RecursionError("nested too deeply, or contains itself")
    if isinstance(value, Mapping):
        return {name: sealed(each, levels - 1) for name, each in value.items()}
    return [sealed(each, levels - 1) for each in value]


def shown(value: Any) -> Any:
    """Return JSON data with every secret in it as what may be printed of it."""
    if isinstance(value, Secret):
        return value.shown()
    if isinstance(value, Mapping):
        return {name: shown(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [shown(each) for each in value]
    return value


def opened(value: Any) -> Any:
    """Return JSON data with the texts of its secrets, for a comparison; see `Secret.reveal`."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {name: opened(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [opened(each) for each in value]
    return value


def secrets_in(value: object) -> frozenset[Secret]:
    """Return every secret in JSON data."""
    if isinstance(value, SecretUrl):
        return value.secrets()
    if isinstance(value, Secret):
        return frozenset({value})
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return frozenset().union(*map(secrets_in, inner))
