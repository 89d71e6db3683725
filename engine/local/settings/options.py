"""Settings of the local model and of the server around it."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from engine.local.settings.faults import NO_FAULTS, Faults
from engine.local.settings.latencies import USUAL, Latencies
from engine.local.settings.quotas import USUAL_QUOTAS, Quotas
from engine.secret.value import Secret


def _sealed(keys: Iterable[str | Secret] | None) -> frozenset[Secret] | None:
    return None if keys is None else frozenset(map(Secret, keys))


@attrs.frozen(kw_only=True)
class LocalOptions:
    """How the local model behaves. Everything is deterministic for a `seed` and the same client."""

    seed: int = 0
    latencies: Latencies = USUAL
    faults: Faults = NO_FAULTS
    audio_delta_ms: tuple[int, ...] = attrs.field(default=(100, 150, 250), validator=attrs.validators.min_len(1))
    """Lengths of the audio deltas; the last one repeats. 250 ms are 12,000 bytes of PCM."""
    session_seconds: float = attrs.field(default=3600.0, validator=attrs.validators.gt(0))
    """After this long a session ends: `session_expired`, then close 1001."""
    null_previous_when_done: bool = True
    """The service's `conversation.item.done` of a model's item names no previous item if that is the
    conversation's first. True: do as it does."""
    kept_audio_seconds: float = attrs.field(default=300.0, validator=attrs.validators.gt(0))
    """How much audio of committed items is held for `conversation.item.retrieve`."""
    uncommitted_seconds: float = attrs.field(default=600.0, validator=attrs.validators.gt(0))
    """How much audio may wait for a commit when there is no turn detection."""
    quotas: Quotas = USUAL_QUOTAS
    """How much one client may ask for, and what happens then."""
    history_items: int = attrs.field(default=60, validator=attrs.validators.gt(0))
    """How many items of the conversation the model looks back on."""
    ping_seconds: float = attrs.field(default=20.0, validator=attrs.validators.gt(0))
    """How often the server pings a WebSocket, as the service does."""
    unix_seconds: int | None = None
    """What the wall clock shows in identifiers and `expires_at` when a session starts; None: the real
    time."""
    api_keys: frozenset[Secret] | None = attrs.field(default=None, converter=_sealed)
    """Keys that are accepted; None: any, or none at all."""
    models: frozenset[str] | None = None
    """Models that exist; None: any name, and none at all is the usual one."""
    refuse_beta: bool = False
    """Refuse clients that send the header of the beta protocol, as the service does."""
