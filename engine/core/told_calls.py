"""What the events of one response have told of its tool calls.

A call has a name, an id and arguments. Servers tell each of them in the item as it begins, in the end of the arguments,
of the item or of the response, or in all of these. What has come once is kept until the call is whole.
"""

from __future__ import annotations

import attrs

from engine.core.conversation import Words
from engine.outside.json_text import BeyondLimits, NotJson, parse_json
from engine.wire.items import FunctionCall
from engine.wire.struct import evolve


@attrs.define
class _ToldCall:
    item_id: str
    name: str = ""
    call_id: str = ""
    arguments: str = ""
    pieces: Words = attrs.field(factory=Words)
    ended: bool = False
    """The server has said that the arguments are all there."""
    cut: bool = False
    """The server has said that the call is incomplete."""

    def whole(self) -> FunctionCall:
        arguments = self.arguments or self.pieces.read()
        return FunctionCall(self.item_id, self.name, self.call_id, arguments)


class ToldCalls:
    """The calls of one response, by the ids of their items."""

    def __init__(self) -> None:
        self._calls: dict[str, _ToldCall] = {}

    def grow(self, item_id: str, call_id: str, delta: str) -> None:
        """Add arguments."""
        self._of(item_id, call_id).pieces.pieces.append(delta)

    def end(self, item_id: str, call_id: str, name: str | None, arguments: str) -> FunctionCall:
        """Set all arguments. Returns the call as far as it has been told."""
        call = self._of(item_id, call_id)
        call.name = name or call.name
        call.arguments = arguments or call.arguments
        call.ended = True
        return call.whole()

    def is_told(self, call: FunctionCall) -> bool:
        """Return whether a finished call can run: its name is known, and its arguments, or it has none. What has not
        been told may come with the end of the response."""
        return bool(call.name) and (bool(call.arguments) or self._of(_id_of(call), call.call_id).ended)

    def tell(self, item: FunctionCall) -> FunctionCall:
        """Take in the item of a call. Returns it with what only earlier events have told."""
        call = self._of(_id_of(item), item.call_id)
        call.name = item.name or call.name
        call.arguments = item.arguments or call.arguments
        call.cut = call.cut or item.status == "incomplete"
        whole = call.whole()
        return evolve(item, name=whole.name, call_id=whole.call_id, arguments=whole.arguments)

    def uncut(self) -> list[FunctionCall]:
        """Return the calls, but for those of which the server has said that they are incomplete."""
        return [call.whole() for call in self._calls.values() if not call.cut]

    def _of(self, item_id: str, call_id: str) -> _ToldCall:
        call = self._calls.setdefault(item_id or call_id, _ToldCall(item_id))
        call.call_id = call_id or call.call_id
        return call


def _id_of(item: FunctionCall) -> str:
    return item.id if isinstance(item.id, str) else ""


def is_whole_object(text: str) -> bool:
    """Return whether arguments are a JSON object, from brace to brace. One that is beyond what is read here is whole if
    its last brace is there: that it cannot be read is what the model is to be told."""
    try:
        return isinstance(parse_json(text), dict)
    except BeyondLimits:
        return text.strip()[-1:] == "}"
    except NotJson:
        return False
