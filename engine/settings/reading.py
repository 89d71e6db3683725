"""Configuration objects: their fields are held against their annotations, and plain mappings stand for them."""

from collections.abc import Mapping
from typing import Any, TypeVar

import attrs

from engine.errors import SettingsError
from engine.settings.problems import check, check_keys, shown
from engine.wire.annotations import hints

ConfigT = TypeVar("ConfigT", bound=attrs.AttrsInstance)


def check_fields(config: attrs.AttrsInstance, name: str, *fields: str) -> None:
    """Raises SettingsError if one of `fields` does not hold what its annotation says."""
    annotations = hints(type(config))
    for field in fields:
        check(getattr(config, field), annotations[field], (name, field))


def read_config(value: object, cls: type[ConfigT], name: str) -> ConfigT:
    """`value` as a `cls`: as it is, or made of a mapping; None stands for all defaults. Raises SettingsError."""
    if isinstance(value, cls):
        return value
    if value is None:
        return cls()
    if not isinstance(value, Mapping):
        raise SettingsError(f"{name}: expected a {cls.__name__} or a mapping, got {shown(value)}")
    check_keys(value, tuple(field.name for field in attrs.fields(cls)), (name,))
    named: dict[str, Any] = dict(value)
    return cls(**named)
