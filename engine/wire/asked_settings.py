"""What a client event asks of the settings of a session, also where the application composed it itself."""

from __future__ import annotations

import orjson
from cattrs import BaseValidationError

from engine.wire.client_events import ClientEvent, RawClientEvent, SessionUpdate
from engine.wire.codec import encode_client
from engine.wire.converter import converter
from engine.wire.merge import merge
from engine.wire.session import AnySession, Session, TranscriptionSession

_UPDATES = frozenset({SessionUpdate.type, "transcription_session.update"})


def settings_asked(event: ClientEvent) -> AnySession | None:
    """Return the settings that an event asks for; None if it changes none.

    Of a raw event, what is not understood is left out. Raises TypeError for one that has no JSON form.
    """
    if isinstance(event, SessionUpdate):
        return event.session
    if not isinstance(event, RawClientEvent) or event.type not in _UPDATES:
        return None
    given = orjson.loads(encode_client(event)).get("session")
    if not isinstance(given, dict) or given.pop("type", Session.type) != Session.type:
        return TranscriptionSession()
    asked = Session()
    for key, value in given.items():
        try:
            asked = merge(asked, converter.structure({key: value}, Session))
        except (BaseValidationError, TypeError, ValueError):
            continue
    return asked
