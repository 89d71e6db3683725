"""Every event that a server sends (protocol facts, section 3): one class for each GA type, named after it.

The beta's `conversation.item.created` is `ConversationItemAdded`; other beta names map one to one (`engine.wire.beta`).
The union at the end of each group's module is the one list of its events; what is made of all events is made of these.
"""

from typing import get_args

from engine.wire.server_base import *  # noqa: F403
from engine.wire.server_base import MalformedEvent, ServerEventBase, UnknownEvent
from engine.wire.server_conversation import *  # noqa: F403
from engine.wire.server_conversation import ConversationEvent
from engine.wire.server_response import *  # noqa: F403
from engine.wire.server_response import ResponseEvent
from engine.wire.server_session import *  # noqa: F403
from engine.wire.server_session import SessionEvent

KnownServerEvent = SessionEvent | ConversationEvent | ResponseEvent
ServerEvent = KnownServerEvent | UnknownEvent | MalformedEvent

SERVER_EVENTS: tuple[type[ServerEventBase], ...] = get_args(KnownServerEvent)
"""All classes of the catalogue."""
