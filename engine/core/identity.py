"""Identity: the name that each response, item and call has inside, whatever the server calls it.

Servers use ids again: gateways count calls and items from 0 in each response, others call every response the same, or
give no ids at all. Inside, and to the application, everything has one name that nothing else has:

    told                                        name
    an id that nothing had before               the id
    an id that something else had before        `id~2`, `id~3`, ...
    a call without an id                        the id of its item
    a response or an item without an id         `response~1`, `item~1`, ...

A response is whatever its server began; an item is (response, id), or (response, index) where it has no id; a call is
(response, id). Items of the user's, and outputs of calls, have ids of their own kind: a response cannot take them over.
What the client sends names things as the server does (`told`). As long as nothing was renamed, names are ids.
"""

from __future__ import annotations

from typing import TypeVar

REMEMBERED_NAMES = 8192
"""How many names of each kind are remembered: some hours of conversation."""

USERS = "user"
"""Who owns the items that no response makes: what the user says and the program writes."""

STARTED, COMMITTED, ADDED = range(3)
"""How far the server has told an item of the user's: each is told once, in this order."""

K = TypeVar("K")
V = TypeVar("V")


class Names:
    """Names of one kind of thing, each given once."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._names: dict[tuple[str, str], str] = {}
        self._told: dict[str, str] = {}
        self._uses: dict[str, int] = {}

    def known(self, owner: str, key: str) -> str | None:
        """Return the name of what `owner` has under this key, if it has been given one."""
        return self._names.get((owner, key))

    def give(self, owner: str, key: str, told: str) -> str:
        """Give a new name to something that the server calls `told` ("": nothing), under a key of its owner's."""
        use = self._uses.get(told, 0) + 1
        name = told if told and use == 1 else f"{told or self._kind}~{use}"
        while name in self._told:
            use += 1
            name = f"{told or self._kind}~{use}"
        self._uses[told], self._told[name] = use, told
        self.also(owner, key, name)
        _bound(self._uses)
        _bound(self._told)
        return name

    def also(self, owner: str, key: str, name: str) -> None:
        """Note that `owner` has something with a name under another key, too."""
        self._names[owner, key] = name
        _bound(self._names)

    def told(self, name: str) -> str:
        """Return what the server calls something: "" if it has no id there."""
        return self._told.get(name, name)

    def set_told(self, name: str, told: str) -> None:
        """Note that the server has an id for something that came without one."""
        self._told[name] = told


class Identity:
    """What everything in one session is called, inside and by the server."""

    def __init__(self) -> None:
        self.renamed = False
        """Something has a name that is not its id. Until then nothing has to be translated."""
        self._responses = Names("response")
        self._items = Names("item")
        self._calls = Names("call")
        self._latest: dict[tuple[bool, str], str] = {}
        """The item that has an id now, by whether it is the user's."""
        self._last: dict[str, str] = {}
        """The item that was the last to be given an id, whoever's it is."""
        self._before: dict[str, str] = {}
        """The item that had an id before another one was given it."""
        self._owners: dict[str, str] = {}
        self._steps: dict[str, int] = {}
        """How far the server has told an item of the user's."""
        self._call_of: dict[str, str] = {}
        """The call that an item makes or answers."""
        self._answering = _OnTheWay()
        """Calls whose outputs were sent."""
        self._deleting = _OnTheWay()
        """Items that the server was asked to delete."""
        self._strays: dict[str, None] = {}
        """Unknown responses that the application knows of."""

    # --- responses

    def begin_response(self, told: str) -> str:
        """Name a response that begins."""
        name = self._responses.give("", told, told)
        self._note(name, told)
        self._strays.pop("", None)
        return name

    def response(self, told: str) -> str | None:
        """Return the name of the latest response with an id; None if there was none."""
        return self._responses.known("", told) if told else None

    def adopt_response(self, name: str, told: str) -> None:
        """Note the id of a response that began without one."""
        self._responses.also("", told, name)
        self._responses.set_told(name, told)
        self.renamed = True

    def id_of_response(self, name: str) -> str:
        """Return the server's id of a response: "" if it has none."""
        return self._responses.told(name)

    # --- items

    def item(self, owner: str, told: str, index: int, call: str = "", *, in_conversation: bool = True) -> str:
        """Name an item of a response, told by an event about that response.

        Args:
            owner: the response's name.
            told: the item's id, or "".
            index: its place in the response, by which it is known if it has no id.
            call: the id of the call it makes, if it does and that is told: places are not always.
            in_conversation: the conversation may tell of it, too, by its id.
        """
        key = told or f"#{index}/{call}"
        if (name := self._items.known(owner, key)) is not None:
            return name
        known = self._latest.get((False, told))
        if not in_conversation:
            name = self._items.give(owner, key, told)
            self._note(name, told)
        elif known is not None and known not in self._owners:
            name = known  # the conversation told it before its response did
            self._items.also(owner, key, name)
        else:
            name = self._name_item(owner, key, told, users=False)
        self._own(name, owner)
        return name

    def has_item(self, owner: str, told: str) -> bool:
        """Return whether a response has told an item with this id."""
        return self._items.known(owner, told) is not None

    def owner(self, told: str) -> str | None:
        """Return the response that owns the item with an id; None if no response does."""
        name = self._latest.get((False, told)) if told else None
        return None if name is None else self._owners.get(name)

    def told_item(self, told: str, *, users: bool, running: str) -> str:
        """Name an item that the conversation tells: of the user's (or a call's output), or one that responses make.

        An item without an id is the last one of the response that is `running`, or of the user's, if that has not been
        told yet; else it is another."""
        name = self._latest.get((users, told))
        if name is None or (not told and not self._is_to_come(name, running)):
            name = self._name_item(USERS if users else "", told, told, users=users)
        if not told:
            self._steps[name] = ADDED
        return name

    def _is_to_come(self, name: str, running: str) -> bool:
        owner = self._owners.get(name)
        return self._steps.get(name, 0) < ADDED and owner in (None, running)

    def done_item(self, told: str, *, users: bool, running: str) -> str:
        """Name an item that the conversation says is final: the latest, if there is one."""
        return self._latest.get((users, told)) or self.told_item(told, users=users, running=running)

    def speech(self, told: str, step: int) -> str:
        """Name the item of what the user says, at one of the steps in which it is told: a turn that begins after the
        commit of an item with the same id makes another item."""
        name = self._latest.get((True, told))
        before = -1 if name is None else self._steps.get(name, -1)
        again = before >= (COMMITTED if step == STARTED else ADDED if told else step)
        if name is None or again:
            name = self._name_item(USERS, told, told, users=True)
        self._steps[name] = max(self._steps.get(name, -1), step)
        _bound(self._steps)
        return name

    def spoken(self, told: str) -> str:
        """Name the item in which the user said something."""
        return self._latest.get((True, told)) or self.any_item(told)

    def any_item(self, told: str) -> str:
        """Name the latest item with an id, whoever's it is; the id itself if nothing has it."""
        return self._last.get(told, told)

    def before_item(self, told: str | None, name: str) -> str | None:
        """Name the item before another one, which may have taken over its id."""
        if told is None:
            return None
        previous = self.any_item(told)
        return self._before.get(name, told) if previous == name else previous

    def item_sent(self, told: str, *, users: bool) -> None:
        """Note that the client creates an item with this id: nothing else is meant by it."""
        if self._latest.get((users, told)) is None:
            name = self._name_item(USERS, told, told, users=users)
            self._own(name, USERS)
            self._steps[name] = ADDED
            _bound(self._steps)

    def _name_item(self, owner: str, key: str, told: str, *, users: bool) -> str:
        name = self._items.give(owner, key, told)
        if (before := self._last.get(told)) is not None:
            self._before[name] = before
            _bound(self._before)
        self._latest[users, told] = self._last[told] = name
        _bound(self._latest)
        _bound(self._last)
        self._note(name, told)
        return name

    def _own(self, name: str, owner: str) -> None:
        self._owners[name] = owner
        _bound(self._owners)

    def id_of_item(self, name: str) -> str:
        """Return the server's id of an item: "" if it has none."""
        return self._items.told(name)

    def deletion_sent(self, name: str) -> None:
        """Note that the server is asked to delete an item."""
        self._deleting.sent(self._items.told(name), name)

    def deleted_item(self, told: str) -> str:
        """Name an item that the server has deleted: the first that it was asked to, else the latest."""
        return self._deleting.answered(told) or self.any_item(told)

    # --- calls

    def call(self, owner: str, told: str, item: str) -> str:
        """Name a call that an item of a response makes. Without an id it is called as its item is."""
        told = told or self._items.told(item)
        key = told or item
        name = self._calls.known(owner, key)
        if name is None and (name := self._call_of.get(item)) is not None and self._calls.told(name) == told:
            self._calls.also(owner, key, name)  # the conversation told it before its response did
        elif name is None or self._calls.told(name) != told:
            name = self._calls.give(owner, key, told)
            self._calls.also("", told, name)
            self._note(name, told)
        self._call_of[item] = name
        _bound(self._call_of)
        return name

    def call_of(self, item: str, told: str, running: str) -> str:
        """Name the call of an item that the conversation tells: it is its response's, or the running one's."""
        if (name := self._call_of.get(item)) is not None:
            return name
        return self.call(self._owners.get(item) or running or item, told, item)

    def output_of(self, item: str, told: str) -> str:
        """Name the call that an item answers: the first whose output was sent and has not been told."""
        if (name := self._call_of.get(item)) is None:
            name = self._answering.answered(told) or self._calls.known("", told) or told
            self._call_of[item] = name
            _bound(self._call_of)
        return name

    def output_sent(self, name: str) -> str:
        """Note that a call's output is sent. Returns what the server calls the call."""
        told = self._calls.told(name) or name
        self._answering.sent(told, name)
        return told

    # --- strays

    def is_stray(self, response: str) -> bool:
        """Return whether events of an unknown response ("": of none) have come before, since a response began."""
        known = response in self._strays
        self._strays[response] = None
        _bound(self._strays)
        return known

    def _note(self, name: str, told: str) -> None:
        self.renamed = self.renamed or name != told


class _OnTheWay:
    """What was sent and the server has not answered, by the id that was sent: answers come in the same order."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}

    def sent(self, told: str, name: str) -> None:
        self._names.setdefault(told, []).append(name)
        _bound(self._names)

    def answered(self, told: str) -> str | None:
        names = self._names.get(told)
        if names is None:
            return None
        name = names.pop(0)
        if not names:
            del self._names[told]
        return name


def _bound(memory: dict[K, V]) -> None:
    """Forget the oldest entry of a memory that is full."""
    if len(memory) > REMEMBERED_NAMES:
        del memory[next(iter(memory))]
