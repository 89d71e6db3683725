"""Queues between the tasks of a session: their names, capacities, behaviour when full, and counters.

    name        from          to           capacity             when full
    inbox       everybody     router       64 batches           the sender waits
    wire        router        connection   1,024 events,        `send_message` and whatever else brings content waits;
                                           8 MiB of content     16 times that: TransportLost ends it (the server talks
                                                                and does not read)
    microphone  application   pump         30 s of audio        `send_audio` waits
    uplink      pump          connection   1 write, of at most  the pump waits; always behind `wire`
                                           1 s of audio
    events      router        application  20,000 events,       nobody reads: SlowConsumer ends the session
                                           32 MiB of content
    tools       router        executor     256 batches          SessionFailed ends the session (it never waits)
    checks      router        debouncer    256 batches          the same
    hooks       executor      hook runner  256 hooks            one is left out, with an `error` event

What else a session keeps has bounds, too:

    pongs       connection    socket       16 KiB unsent        pings are not answered (`transport.sansio`)
    images      history       application  32 MiB of URIs       the oldest become `data:,` (`core.images`)
    unseen      router        router       256 ids              the oldest count as read (`core.unseen`)
    requests    router        router       256 as sent          the oldest is forgotten (`core.machine`)

`inbox`, `tools`, `checks` and `hooks` are trio memory channels (`mailbox`, `inbox`). `microphone` cuts audio into
frames, `outbound` holds `wire` and `uplink` with two urgencies, `event_queue` takes the audio of an interrupted
response back: no channel can do that. The direct paths past the queues are in `direct`.

What the server says goes into no queue: the router routes it as soon as it is read. The router never waits for
anybody, so the graph of waiting senders has no cycle. Control never stands behind audio: `wire` overtakes `uplink`,
which holds a second of audio at most, and an interruption takes queued audio out of `events`.
"""

from engine.mailboxes.direct import DirectAudio, DirectWrite
from engine.mailboxes.event_queue import MAX_EVENT_BYTES, MAX_EVENTS, TAKES_PER_CHECKPOINT, EventQueue
from engine.mailboxes.idle_timer import IdleTimer
from engine.mailboxes.inbox import Inbox
from engine.mailboxes.inline_event import InlineEvent
from engine.mailboxes.mailbox import Mailbox
from engine.mailboxes.microphone import Microphone
from engine.mailboxes.outbound import WIRE_EVENTS, Batch, Outbound
from engine.mailboxes.statistics import MailboxStatistics

__all__ = [
    "INBOX_BATCHES",
    "LONGEST_WRITE_MS",
    "MAX_EVENTS",
    "MAX_EVENT_BYTES",
    "MICROPHONE_SECONDS",
    "TAKES_PER_CHECKPOINT",
    "WAITING_HOOKS",
    "WIRE_EVENTS",
    "WORK_BATCHES",
    "Batch",
    "DirectAudio",
    "DirectWrite",
    "EventQueue",
    "IdleTimer",
    "Inbox",
    "InlineEvent",
    "Mailbox",
    "MailboxStatistics",
    "Microphone",
    "Outbound",
]

INBOX_BATCHES = 64
MICROPHONE_SECONDS = 30
LONGEST_WRITE_MS = 1000
"""No write carries more audio, so that control never waits long behind it; the protocol allows 15 MiB an append."""
WORK_BATCHES = 256
WAITING_HOOKS = 256
