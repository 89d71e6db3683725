"""Who may speak next: when `response.create` goes to the server, and what becomes of every request for it.

The server runs one response of the default conversation at a time and refuses a second one. Three facts decide:

    running   the response it runs, as far as we have heard (its id)
    sent      the request on its way: neither created nor refused yet
    pending   requests that wait, in order

    input                     rule
    request                   out of band: send at once. Otherwise wait in `pending`. A follow-up (a reply that the
                              engine itself wants, after tools or a guardrail) joins any request that waits already.
    user starts speaking      hold everything; follow-ups are dropped (what they would answer is answered with the
                              user's turn); what is on its way is cancelled when it turns up
    user stops                hold a little longer if the server will respond by itself; if a response still runs,
                              the server may fail to: wait for one of its own, then ask
    created, with our token   `sent` -> `running`
    created, without          the server's own: `running`; waiting follow-ups are answered by it, and dropped
    begun, but never told     `running`, as long as something of it comes every UNTOLD_NS: then it blocks nothing
    done                      `running` ends
    refused: active response  back to the front of `pending`; tried again after the next `done`, or after RETRY_NS
    refused otherwise         the request fails
    otherwise                 nothing running, nothing sent, nobody speaking: send the first of `pending`

Requests are recognised by a token in the response's metadata, because the protocol acknowledges no event id.
Servers that have never echoed metadata get the next best rule: a response that nobody else can have asked for is ours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import attrs

from engine.core.agent_spec import ToolSpec
from engine.wire.client_events import ResponseCreate
from engine.wire.response import Response, ResponseParams
from engine.wire.struct import UNSET, UnsetType, evolve
from engine.wire.units import NS_PER_S

TOKEN = "engine_request"
"""The metadata key that carries a request's token."""

OWN_RESPONSE_NS = 2 * NS_PER_S
"""How long to wait for a response that the server announced by its settings: an order of magnitude more than the
round trip and the 10-20 ms that servers take (protocol notes, server-side think time)."""

UNTOLD_NS = 2 * NS_PER_S
"""How long a response whose beginning was not told is believed to run although nothing more comes of it."""

RETRY_NS = NS_PER_S
"""When a refused request is tried again although no response was seen to end."""

CONFLICT = "conversation_already_has_active_response"


@attrs.frozen
class Request:
    """One wish for a response."""

    token: str
    params: ResponseParams | UnsetType = UNSET
    handle_id: int | None = None
    follow_up: bool = False
    tools: Mapping[str, ToolSpec] | None = None
    """The tools of this response, where it has its own."""

    @property
    def out_of_band(self) -> bool:
        """It leaves the conversation alone, so it need not wait for anybody."""
        return not isinstance(self.params, UnsetType) and self.params.conversation == "none"

    def event(self) -> ResponseCreate:
        """The client event, with the token in its metadata and as its event id."""
        params = ResponseParams() if isinstance(self.params, UnsetType) else self.params
        metadata = {} if isinstance(params.metadata, UnsetType) or params.metadata is None else dict(params.metadata)
        return ResponseCreate(response=evolve(params, metadata={**metadata, TOKEN: self.token}), event_id=self.token)


class Arbiter:
    """Decides when `response.create` is sent."""

    def __init__(self) -> None:
        self.running: str | None = None
        self._sent: Request | None = None
        self._cancel_sent = False
        self._overtaken = False
        """A response that is not ours began while our request was on its way."""
        self._lost_at: int | None = None
        """When a request that was overtaken counts as lost."""
        self._pending: deque[Request] = deque()
        self._echoes = False
        """Whether this server has been seen to echo metadata: then what comes without a token is not ours."""
        self._out_of_band: dict[str, Request] = {}
        self._cancel_out_of_band: set[str] = set()
        """Out-of-band requests that are to be cancelled when they turn up."""
        self._to_send: list[Request] = []
        self._dropped: list[Request] = []
        self._speaking = False
        self._own_until: int | None = None
        self._retry_at: int | None = None
        self.doubted_until: int | None = None
        """When a running response whose beginning was not told is believed no more to be running; None: it was told."""
        self._count = 0

    # --- wishes

    def follow_up(self) -> None:
        """The engine wants the model to go on."""
        self._wait(self._new(UNSET, None, follow_up=True))

    def ask(
        self,
        params: ResponseParams | UnsetType = UNSET,
        handle_id: int | None = None,
        tools: Mapping[str, ToolSpec] | None = None,
    ) -> None:
        """The application wants a response."""
        request = attrs.evolve(self._new(params, handle_id, follow_up=False), tools=tools)
        if request.out_of_band:
            self._out_of_band[request.token] = request
            self._to_send.append(request)
            return
        self._wait(request)

    def withdraw(self, handle_id: int) -> bool:
        """Forget a request that has not been sent. False if there is none: it may be on its way, or running."""
        for request in self._pending:
            if request.handle_id == handle_id:
                self._pending.remove(request)
                self._dropped.append(request)
                return True
        if self._sent is not None and self._sent.handle_id == handle_id:
            self._cancel_sent = True
        self._cancel_out_of_band.update(
            token for token, request in self._out_of_band.items() if request.handle_id == handle_id
        )
        return False

    def _wait(self, request: Request, *, first: bool = False) -> None:
        """Queue a request; a follow-up and one that reads the conversation as well become one."""
        if request.follow_up:
            if any(_reads_conversation(waiting) for waiting in self._pending):
                return
        elif _reads_conversation(request):
            self._drop_follow_ups()
        self._pending.insert(0 if first else len(self._pending), request)

    def _new(self, params: ResponseParams | UnsetType, handle_id: int | None, *, follow_up: bool) -> Request:
        self._count += 1
        return Request(f"req_{self._count}", params, handle_id, follow_up)

    # --- the user

    def user_speaks(self, *, server_cancels: bool) -> None:
        """Speech began. Where the server interrupts, nothing that was wanted for the old turn is wanted now."""
        self._speaking = True
        self._own_until = None
        if server_cancels:
            self._drop_follow_ups()
            self._cancel_sent = self._sent is not None

    def user_done(self, now: int, *, server_responds: bool) -> None:
        """Speech ended, or was committed or cleared."""
        self._speaking = False
        self._own_until = now + OWN_RESPONSE_NS if server_responds else None
        if server_responds and self.running is not None:
            # Servers may fail to create their own response while one runs: then we ask for it.
            self.follow_up()

    def interrupted(self) -> None:
        """The application or a guardrail interrupts: everything wanted so far is dropped."""
        self._dropped.extend(self._pending)
        self._pending.clear()
        self._cancel_sent = self._sent is not None

    def _drop_follow_ups(self) -> None:
        self._pending = deque(request for request in self._pending if not request.follow_up)

    # --- what the server says

    def created(self, response: Response) -> tuple[Request | None, bool]:
        """A response began. Returns the request behind it, and whether to cancel it at once."""
        token = (response.metadata or {}).get(TOKEN)
        self._echoes = self._echoes or token is not None
        if token is not None and (request := self._out_of_band.pop(token, None)):
            cancel = token in self._cancel_out_of_band
            self._cancel_out_of_band.discard(token)
            return request, cancel
        own = token is None and (self._echoes or self._own_until is not None)
        if token is None and response.conversation_id is None and self._sent is None and self.running is not None:
            return None, False
        self.running = response.id
        self._retry_at = self.doubted_until = None
        if self._sent is None or own or token not in (None, self._sent.token):
            self._overtaken = self._sent is not None
            self._own_until = None
            self._drop_follow_ups()
            return None, False
        request = self._sent
        cancel = self._cancel_sent
        self._forget_sent()
        return request, cancel

    def doubt(self, response_id: str, now: int) -> None:
        """Nobody has told that the running response began: without more of it, nothing waits for its end for long."""
        if self.running == response_id:
            self.doubted_until = now + UNTOLD_NS

    def believe(self, response_id: str) -> None:
        """The running response has been told to have begun."""
        if self.running == response_id:
            self.doubted_until = None

    def done(self, response_id: str, now: int) -> None:
        """A response ended."""
        if self.running == response_id:
            self.running = self.doubted_until = None
            if self._overtaken:
                # Servers answer in order: what has not even been refused a round trip from now, they have lost.
                self._lost_at = now + RETRY_NS
        self._retry_at = None
        if self._own_until is not None:
            self._own_until = now + OWN_RESPONSE_NS

    def refused(self, event_id: str | None, code: str | None, now: int) -> tuple[bool, Request | None]:
        """An error arrived. Returns whether it was about a request of ours, and that request if it has failed."""
        if code == CONFLICT and event_id is None:
            self._clashed(now)
            return True, None
        if code == CONFLICT and self._sent is not None and event_id == self._sent.token:
            self._requeue_sent()
            self._retry_at = now + RETRY_NS
            return True, None
        if event_id is not None and (request := self._out_of_band.pop(event_id, None)):
            return True, request
        if self._sent is not None and event_id == self._sent.token:
            request = self._sent
            self._forget_sent()
            return True, request
        return False, None

    def _clashed(self, now: int) -> None:
        """A response could not begin: one of the server's own, or ours at a server that does not say so."""
        if self._sent is None or not _reads_conversation(self._sent):
            self.follow_up()
        if self._sent is None:
            self._retry_at = now + RETRY_NS
        elif self.running is None:
            self._lost_at = now + RETRY_NS
        else:
            self._overtaken = True

    def _requeue_sent(self) -> None:
        if self._sent is not None:
            if self._cancel_sent:
                self._dropped.append(self._sent)
            else:
                self._wait(self._sent, first=True)
        self._forget_sent()

    def _forget_sent(self) -> None:
        self._sent, self._cancel_sent, self._overtaken, self._lost_at = None, False, False, None

    @property
    def on_its_way(self) -> str | None:
        """The token of the request that is sent and wanted, and has not begun."""
        return self._sent.token if self._sent is not None and not self._cancel_sent else None

    # --- what to do now

    @property
    def idle(self) -> bool:
        """Nothing is wanted, given up, or thought lost: `next` and `take_dropped` would return nothing."""
        return not (self._pending or self._to_send or self._dropped) and self._lost_at is None

    def next(self, now: int) -> list[Request]:
        """The requests to send now, in order."""
        sending, self._to_send = self._to_send, []
        if self._lost_at is not None and self._lost_at <= now:
            self._requeue_sent()
        if self._pending and self._free(now):
            self._sent = self._pending.popleft()
            self._cancel_sent = False
            self._own_until = self._retry_at = None
            sending.append(self._sent)
        return sending

    def take_dropped(self) -> list[Request]:
        """The requests that were given up since this was last asked."""
        dropped, self._dropped = self._dropped, []
        return dropped

    def wake_at(self) -> int | None:
        """When `next` has to be asked again although nothing happened."""
        if self._sent is not None:
            return self._lost_at
        if not self._pending or self._speaking or (self.running is not None and self.doubted_until is None):
            return None
        waits = [at for at in (self._retry_at, self._own_until, self.doubted_until) if at is not None]
        return max(waits) if waits else None

    def close(self) -> list[Request]:
        """Nothing will be sent any more; returns every request that has not begun."""
        left = [
            *self._to_send,
            *self._out_of_band.values(),
            *([self._sent] if self._sent else []),
            *self._pending,
        ]
        self._to_send, self._sent = [], None
        self._out_of_band.clear()
        self._pending.clear()
        return list(dict.fromkeys(left))

    def _free(self, now: int) -> bool:
        if (self.running is not None and self.doubted_until is None) or self._sent is not None or self._speaking:
            return False
        return all(at is None or at <= now for at in (self._own_until, self._retry_at, self.doubted_until))


def _reads_conversation(request: Request) -> bool:
    """Whether the response will see everything that is in the conversation by then."""
    return isinstance(request.params, UnsetType) or isinstance(request.params.input, UnsetType)
