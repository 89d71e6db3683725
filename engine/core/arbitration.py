"""Who may speak next: when `response.create` goes to the server, and what becomes of every request for it.

The server runs one response of the default conversation at a time and refuses a second one. Three facts decide:

    running   the response it runs, as far as we have heard (its id)
    sent      the request on its way: neither created nor refused yet
    pending   requests that wait, in order

    input                     rule
    request                   out of band: send at once. Otherwise wait in `pending`. A follow-up (a reply that the
                              engine itself wants, after a message, tools or a guardrail) joins any request that waits
                              already. One for a message that came during a response waits for that one's tool outputs.
    user starts speaking      hold everything. Where the server interrupts, what is on its way is cancelled when it
                              turns up, and held again if it is a follow-up
    user stops                hold a little longer if the server will respond by itself (`turn_response`); if a response
                              still runs, the server may fail to: wait for one of its own, then ask
    created, with our token   `sent` -> `running`
    created, without          the server's own: `running`; it ends the user's turn; waiting follow-ups are answered by
                              it, and dropped
    done                      `running` ends
    refused: active response  back to the front of `pending`; tried again after the next `done`, or after RETRY_NS; the
                              MOST_CONFLICTS-th time it fails
    refused: our metadata     asked for again without our token, as everything else from then on
    refused otherwise         the request fails
    a bound is reached        the table of `waits` says what then
    otherwise                 nothing running, nothing sent, nobody speaking: send the first of `pending`

Requests are recognised by a token in the response's metadata, because the protocol acknowledges no event id.
Servers that have never echoed metadata get the next best rule: a response that nobody else can have asked for is ours.
A request that was given up, or asked for a second time, is remembered: if its response turns up after all, it answers
the request that is still waited for, or is cancelled before anything of it is heard.

What the session waits for, how long, and what then, is the table of `engine.core.waits`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import attrs

from engine.core.agent_spec import ToolSpec
from engine.core.requests import (
    CONFLICT,
    MOST_PAIRS,
    TOKEN,
    Begun,
    GivenUp,
    Refused,
    Request,
    is_about_something_else,
    is_same_wish,
    names_metadata,
    reads_conversation,
)
from engine.core.waits import OVERTAKEN_REQUEST, RESPONSE_BEGIN, TURN_RESPONSE, UNCLEAR_REFUSAL, Wait, Waits
from engine.wire.response import Response, ResponseParams
from engine.wire.server_session import ErrorDetail
from engine.wire.struct import UNSET, UnsetType
from engine.wire.units import NS_PER_S

RETRY_NS = NS_PER_S
"""When a request that was refused because a response ran is tried again although none was seen to end."""

MOST_CONFLICTS = 30
"""How often a request is refused because a response runs that nobody has heard of, before it fails."""

MOST_COPIES = 2
"""How often a request is sent to a server that says nothing about it."""

REMEMBERED_REQUESTS = 64
"""How many requests are remembered that were given up or sent again."""


class Arbiter:
    """Decides when `response.create` is sent."""

    def __init__(self, waits: Waits | None = None) -> None:
        self._waits = waits or Waits()
        self.running: str | None = None
        self._sent: Request | None = None
        self._cancel_sent = False
        """The application, a guardrail or another answer has made the request on its way unwanted."""
        self._hold_sent = False
        """The user speaks since the request was sent: it is to wait for the end of the turn."""
        self._overtaken = False
        """A response that is not ours began while our request was on its way."""
        self._pending: deque[Request] = deque()
        self._awaited_outputs: set[str] = set()
        """Responses whose calls have no outputs yet: what came up during them waits."""
        self._echoes = False
        """This server has been seen to echo metadata: what comes without a token is not ours."""
        self._names_conversations = False
        """This server says in which conversation a response is: one without is out of band."""
        self._marks = True
        """Requests carry a token, which this server has not refused."""
        self._on_the_way: dict[str, None] = {}
        """The tokens of requests that are sent and neither created nor refused, in the order they were sent."""
        self._unclear: dict[str, ErrorDetail] = {}
        """Errors about no event, by the token of the request that was on its way then."""
        self._probably_refused: set[str] = set()
        """The requests of these errors, if the server answers in order."""
        self._late: dict[str, Request] = {}
        """Attempts that were given up or made again, by token: their responses may turn up all the same."""
        self._out_of_band: dict[str, Request] = {}
        self._cancel_out_of_band: set[str] = set()
        """Out-of-band requests that are to be cancelled when they turn up."""
        self._to_send: list[Request] = []
        self._dropped: list[Request] = []
        self._speaking = False
        self._own = False
        """The server has said by its settings that it will respond to the user by itself."""
        self._turn_committed = False
        self._retry_at: int | None = None
        self._count = 0

    # --- wishes

    def follow_up(self, after: str | None = None) -> None:
        """Note that the engine wants the model to go on.

        Args:
            after: the response that ran when the wish came up; its calls get their outputs first.
        """
        self._wait(attrs.evolve(self._new(UNSET, None, follow_up=True), after=after))

    def ask(
        self,
        params: ResponseParams | UnsetType = UNSET,
        handle_id: int | None = None,
        tools: Mapping[str, ToolSpec] | None = None,
    ) -> None:
        """Note that the application wants a response."""
        request = attrs.evolve(self._new(params, handle_id, follow_up=False), tools=tools)
        if request.out_of_band:
            self._send_out_of_band(request)
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
            if any(reads_conversation(waiting) for waiting in self._pending):
                return
        elif reads_conversation(request):
            self._drop_follow_ups()
        self._pending.insert(0 if first else len(self._pending), request)

    def _send_out_of_band(self, request: Request) -> None:
        self._out_of_band[request.token] = request
        self._to_send.append(request)

    def _new(self, params: ResponseParams | UnsetType, handle_id: int | None, *, follow_up: bool) -> Request:
        token = self._fresh_token()
        request = Request(token, params, handle_id, follow_up, wish=token)
        return attrs.evolve(request, marked=self._marks and len(request.metadata) < MOST_PAIRS)

    def _fresh_token(self) -> str:
        self._count += 1
        return f"req_{self._count}"

    # --- tool outputs

    def hold_for_outputs(self, response_id: str) -> None:
        """Hold what came up during a response until its calls have their outputs."""
        self._awaited_outputs.add(response_id)

    def release(self, response_id: str) -> None:
        """Hold nothing for the outputs of a response any more."""
        self._awaited_outputs.discard(response_id)

    # --- the user

    def user_speaks(self, *, server_cancels: bool) -> None:
        """Hold everything: speech began. Where the server interrupts, hold what is on its way, too."""
        self._speaking = True
        self._expect_nothing()
        if server_cancels:
            self._hold_sent = self._sent is not None

    def user_done(self, now: int, *, server_responds: bool, committed: bool = True) -> None:
        """Stop holding: speech ended, or was committed or cleared.

        Args:
            now: the time in nanoseconds.
            server_responds: the server will respond by itself.
            committed: what was said is in the conversation.
        """
        self._speaking = False
        self._expect_nothing()
        if not server_responds:
            return
        self._own, self._turn_committed = True, committed
        if self.running is not None:
            # Servers may fail to create their own response while one runs: then we ask for it.
            self.follow_up()
        else:
            self._waits.begin(TURN_RESPONSE, "", now)

    def own_response_missing(self) -> bool:
        """Expect no response of the server's own any more, and ask for one if the user's words are in the conversation.

        Returns whether they are.
        """
        committed = self._turn_committed
        self._expect_nothing()
        if committed:
            self.follow_up()
        return committed

    def user_is_done(self) -> None:
        """Stop holding for the user: the end of the turn was not told."""
        self._speaking = False

    def interrupted(self) -> None:
        """The application or a guardrail interrupts: everything wanted so far is dropped."""
        self._dropped.extend(self._pending)
        self._pending.clear()
        self._cancel_sent = self._sent is not None
        self._turn_committed = False

    def _expect_nothing(self) -> None:
        self._own = self._turn_committed = False
        self._waits.end(TURN_RESPONSE, "")

    def _drop_follow_ups(self) -> None:
        self._pending = deque(request for request in self._pending if not request.follow_up)

    # --- what the server says

    def created(self, response: Response) -> Begun:
        """Find out what a response that begins means."""
        token = (response.metadata or {}).get(TOKEN)
        self._echoes = self._echoes or token is not None
        sent = self._sent
        outside = token is None and self._is_outside(response)
        self._names_conversations = self._names_conversations or bool(response.conversation_id)
        if outside and (not self._echoes or self._first_without_mark() is not None):
            beside = self._first_without_mark() or next(iter(self._out_of_band.values()), None)
            token = beside.token if beside is not None else None
        if token is not None and (request := self._out_of_band.get(token)) is not None:
            stop = token in self._cancel_out_of_band
            self._forget(request)
            return Begun(request, stop)
        if outside:
            return Begun(None)
        if token is not None and (late := self._late.pop(token, None)) is not None:
            return self._turned_up(late, response.id)
        foreign = token is None and (self._own or (self._echoes and (sent is None or sent.marked)))
        self.running = response.id
        self._retry_at = None
        if sent is None or foreign or token not in (None, sent.token):
            self._answered_by_server()
            return Begun(None)
        stop, held = self._cancel_sent or self._hold_sent, self._hold_sent and not self._cancel_sent
        overtaken = self._overtaken
        if self._turn_committed:
            self._expect_nothing()  # it was created after the commit, and answers that
        if sent.copies > 1 and not sent.marked:
            self._marks = False  # it was the token that had been refused
        self._forget_sent()
        if held and sent.follow_up:
            self.follow_up(sent.after)
        return Begun(sent, stop and not overtaken, unwanted=stop and overtaken, for_user=held)

    def _first_without_mark(self) -> Request | None:
        """Return the out-of-band request without a token that the next response without one answers: servers answer in
        order, and some never say in which conversation a response is."""
        beside = next((request for request in self._out_of_band.values() if not request.marked), None)
        if beside is None or self._sent is None or self._names_conversations:
            return beside
        order = sorted(self._on_the_way, key=self._probably_refused.__contains__)
        return beside if order.index(beside.token) < order.index(self._sent.token) else None

    def _answered_by_server(self) -> None:
        """Note that the server's own response began: it ends the user's turn, and answers what waited."""
        self._overtaken = self._sent is not None
        self._hold_sent = self._speaking = False
        self._expect_nothing()
        self._drop_follow_ups()

    def nothing_missed(self) -> None:
        """Note that the server's own response has read all there is: a follow-up on its way has nothing to say."""
        if self._sent is not None and self._sent.follow_up:
            self._cancel_sent = True

    def _turned_up(self, late: Request, response_id: str) -> Begun:
        """Give the answer to an attempt that was thought lost to whoever still waits for it."""
        if late.out_of_band:
            copy = next((copy for copy in self._out_of_band.values() if copy.wish == late.wish), None)
            if copy is None:
                return Begun(None, unwanted=True)
            stop = copy.token in self._cancel_out_of_band
            self._forget(copy)
            self._remember(copy)
            return Begun(late, stop)
        self.running = response_id
        self._retry_at = None
        for copy in self._pending:
            if is_same_wish(copy, late):
                self._pending.remove(copy)
                return Begun(late)
        if self._sent is not None and is_same_wish(self._sent, late):
            stop = self._cancel_sent or self._hold_sent
            self._remember(self._sent)
            self._forget_sent()
            return Begun(late, stop)
        self._overtaken = self._sent is not None
        return Begun(None, unwanted=True)

    def _is_outside(self, response: Response) -> bool:
        """Return whether a response without a token is out of band: it names no conversation, though this server does
        that of others, or though a response of the conversation runs, or though only one out of band was asked for."""
        if response.conversation_id is not None:
            return False
        if self._names_conversations:
            return True
        if self._sent is not None:
            return self._first_without_mark() is not None
        if self._first_without_mark() is not None:
            return True
        asked_for = self._out_of_band and not self._echoes and not self._own
        return self.running is not None or bool(asked_for)

    def done(self, response_id: str, now: int) -> None:
        """A response ended."""
        if self.running == response_id:
            self.running = None
            if self._sent is not None and self._overtaken:
                self._await(OVERTAKEN_REQUEST, self._sent.token, now)
        self._retry_at = None
        if self._own:
            self._waits.begin(TURN_RESPONSE, "", now)

    def refused(self, error: ErrorDetail, now: int) -> Refused:
        """Find out whether an error is about a request of ours, and whether that has failed."""
        event_id, conflict = error.event_id or None, error.code == CONFLICT
        if conflict and event_id is None:
            self._clashed(now)
            return Refused(True)
        if event_id is None:
            return self._refused_unnamed(error, now)
        if (request := self._out_of_band.get(event_id)) is not None:
            return self._refused_request(request, error)
        if conflict and self._late.pop(event_id, None) is not None:
            return Refused(True)  # it was given up, and that has been told
        if self._sent is None or event_id != self._sent.token:
            return Refused(False)
        if not conflict:
            return self._refused_request(self._sent, error)
        self._retry(now)
        return Refused(True, self._requeue_sent())

    def _refused_unnamed(self, error: ErrorDetail, now: int) -> Refused:
        """Take an error that names no event as one about any request that is on its way."""
        under_way = [*self._out_of_band.values(), *([self._sent] if self._sent else [])]
        if not under_way or is_about_something_else(error):
            return Refused(False)
        if len(under_way) == 1 and (names_metadata(error) or (error.param or "").startswith("response")):
            return self._refused_request(under_way[0], error)
        self._probably_refused.update([each for each in self._on_the_way if each not in self._probably_refused][:1])
        for request in under_way:
            self._unclear[request.token] = error
            self._await(UNCLEAR_REFUSAL, request.token, now)
        return Refused(False)

    def _refused_request(self, request: Request, error: ErrorDetail) -> Refused:
        """Fail a request that the server refused, unless only our own token was refused."""
        self._forget(request)
        if not (request.marked and names_metadata(error)):
            return Refused(True, request)
        self._marks = False
        self._ask_again(attrs.evolve(request, marked=False, copies=request.copies + 1))
        return Refused(False)

    def _clashed(self, now: int) -> None:
        """A response could not begin: one of the server's own, or ours at a server that does not say so."""
        if self._sent is None or not reads_conversation(self._sent):
            self.follow_up()
        if self._sent is None:
            self._expect_nothing()
            self._retry(now)
        elif self.running is None:
            self._await(OVERTAKEN_REQUEST, self._sent.token, now)
        else:
            self._overtaken = True

    def _retry(self, now: int) -> None:
        self._retry_at = now + RETRY_NS
        self._waits.moved = True

    def _requeue_sent(self) -> Request | None:
        """Have the refused request wait again, first of all. Returns it if it has been refused too often."""
        sent, cancelled = self._sent, self._cancel_sent
        self._forget_sent()
        if sent is None:
            return None
        if cancelled:
            self._dropped.append(sent)
        elif sent.conflicts + 1 >= MOST_CONFLICTS:
            return sent
        else:
            self._wait(attrs.evolve(sent, conflicts=sent.conflicts + 1), first=True)
        return None

    def give_up(self, token: str) -> GivenUp | None:
        """Give up a request about which the server said nothing in time. Returns None if it is settled."""
        request = self._out_of_band.get(token)
        cancelled = token in self._cancel_out_of_band
        if request is None and self._sent is not None and self._sent.token == token:
            request, cancelled = self._sent, self._cancel_sent
        if request is None:
            return None
        error = self._unclear.get(token)
        self._forget(request)
        self._remember(request)
        if cancelled:
            self._dropped.append(request)
            return GivenUp(request, again=False, superseded=True)
        without_mark = error is not None and request.marked and not self._echoes
        if request.copies >= MOST_COPIES:
            return GivenUp(request, again=False, error=error)
        self._ask_again(
            attrs.evolve(
                request,
                token=self._fresh_token(),
                copies=request.copies + 1,
                marked=request.marked and not without_mark,
            )
        )
        return GivenUp(request, again=True, error=error)

    def _ask_again(self, request: Request) -> None:
        if request.out_of_band:
            self._send_out_of_band(request)
        else:
            self._wait(request, first=True)

    def _forget(self, request: Request) -> None:
        """Forget a request that was on its way."""
        if self._out_of_band.pop(request.token, None) is not None:
            self._heard_of(request.token)
            self._cancel_out_of_band.discard(request.token)
        else:
            self._forget_sent()

    def _forget_sent(self) -> None:
        if self._sent is not None:
            self._heard_of(self._sent.token)
        self._sent, self._cancel_sent, self._hold_sent, self._overtaken = None, False, False, False

    def _heard_of(self, token: str) -> None:
        """Count a request as on its way no more."""
        self._unclear.pop(token, None)
        self._probably_refused.discard(token)
        self._on_the_way.pop(token, None)
        self._await(None, token)

    def _await(self, wait: Wait | None, token: str, now: int = 0) -> None:
        """Wait for word of a request for as long as `wait` says, from now on; None: no longer."""
        for other in (RESPONSE_BEGIN, UNCLEAR_REFUSAL, OVERTAKEN_REQUEST):
            self._waits.end(other, token)
        if wait is not None:
            self._waits.begin(wait, token, now)

    def _remember(self, request: Request) -> None:
        self._late[request.token] = request
        if len(self._late) > REMEMBERED_REQUESTS:
            del self._late[next(iter(self._late))]

    @property
    def on_its_way(self) -> str | None:
        """The token of the request that is sent and wanted, and has not begun."""
        wanted = self._sent is not None and not self._cancel_sent and not self._hold_sent
        return self._sent.token if self._sent is not None and wanted else None

    # --- what to do now

    @property
    def idle(self) -> bool:
        """Nothing is wanted or given up: `next` and `take_dropped` would return nothing."""
        return not (self._pending or self._to_send or self._dropped)

    def next(self, now: int) -> list[Request]:
        """Return the requests to send now, in order."""
        sending, self._to_send = self._to_send, []
        if self._pending and self._free(now) and (request := self._first_that_may_go()) is not None:
            self._pending.remove(request)
            self._sent = request
            self._cancel_sent = self._hold_sent = False
            self._retry_at = None
            sending.append(request)
        for request in sending:
            self._on_the_way[request.token] = None
            self._waits.begin(RESPONSE_BEGIN, request.token, now)
        return sending

    def take_dropped(self) -> list[Request]:
        """Return the requests that were given up since this was last called."""
        dropped, self._dropped = self._dropped, []
        return dropped

    def wake_at(self) -> int | None:
        """Return when `next` has to be called again although nothing happened, in nanoseconds."""
        return None if self._held() or self._first_that_may_go() is None else self._retry_at

    def close(self) -> list[Request]:
        """Send nothing any more; returns every request that has not begun."""
        left = [
            *self._to_send,
            *self._out_of_band.values(),
            *([self._sent] if self._sent else []),
            *self._pending,
        ]
        self._to_send, self._sent = [], None
        self._out_of_band.clear()
        self._pending.clear()
        return list({request.token: request for request in left}.values())

    def _first_that_may_go(self) -> Request | None:
        return next((each for each in self._pending if each.after not in self._awaited_outputs), None)

    def _held(self) -> bool:
        return self.running is not None or self._sent is not None or self._speaking or self._own

    def _free(self, now: int) -> bool:
        return not self._held() and (self._retry_at is None or self._retry_at <= now)
