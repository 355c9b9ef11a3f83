"""What is put around messages on their way through Redis, and what only the transport says: the wire format, version 1.

tasks:calls          CallEntry: a Request, and where its answer shall go
tasks:replies:NAME   ReplyEntry: Answered, Unanswered, Stored
tasks:dead           DeadEntry
"""

from msgspec import Struct

from taskflow_hub.domain.messages import VERSION, Reply, Request


class CallEntry(Struct, frozen=True, kw_only=True, tag_field="kind", tag="call"):
    """`call` is the caller's own number for it. After `timeout_ms` nobody waits for the answer, and it must not be given:
    a heartbeat that says what was true a minute ago would be taken for news."""

    v: int = VERSION
    call: int
    reply_to: str  # the stream tasks:replies:{reply_to}
    timeout_ms: int
    request: Request


class Answered(Struct, frozen=True, kw_only=True, tag_field="kind", tag="answered"):
    v: int = VERSION
    call: int
    reply: Reply


class Unanswered(Struct, frozen=True, kw_only=True, tag_field="kind", tag="unanswered"):
    """The server could not do it now; nothing was changed, or it will be the same the second time. Ask again."""

    v: int = VERSION
    call: int
    detail: str


class Stored(Struct, frozen=True, kw_only=True, tag_field="kind", tag="stored"):
    """The reports of this worker from `first` to `last` are stored.

    Several servers store what they collected in any order, so the worker adds these up: acknowledged is the highest n up to
    which it has been told of all.
    """

    v: int = VERSION
    worker: str
    first: int
    last: int


ReplyEntry = Answered | Unanswered | Stored


class DeadEntry(Struct, frozen=True, kw_only=True, tag_field="kind", tag="dead"):
    """What could not be read: where it lay, what is wrong with it, and the beginning of it."""

    v: int = VERSION
    stream: str
    error: str
    data: str


Envelope = CallEntry | ReplyEntry | DeadEntry
