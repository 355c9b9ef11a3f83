"""One attempt in a worker's hands, from its arrival until its ending report is acknowledged."""

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from msgspec import Raw

from taskflow_hub.about import About, trace_id
from taskflow_hub.domain.messages import Assignment
from taskflow_hub.domain.secret_fields import has_sealed
from taskflow_hub.net.client import GuardedClient
from taskflow_hub.secrets.keyring import NO_KEYS, Keyring
from taskflow_hub.worker.handler import Handler
from taskflow_hub.worker.hidden import NOTHING_HIDDEN, Hidden

if TYPE_CHECKING:
    from taskflow_hub.tracing.spans import Received
    from taskflow_hub.worker.sink import AttemptSink


class Stopping(StrEnum):
    """Why a running attempt was asked to stop; it decides what is reported."""

    CANCELLED = "cancelled"  # Aborted
    TIMEOUT = "timeout"  # Failed, how=TIMEOUT
    RELEASED = "released"  # Released: shutdown, or heartbeats are no longer accepted
    STALE = "stale"  # nothing: the lease is lost


class HeldAttempt:
    __slots__ = (
        "_keyring",
        "assignment",
        "deadline",
        "ended",
        "ended_n",
        "handler",
        "http",
        "job",
        "key",
        "secrets",
        "sink",
        "started_at",
        "stopping",
        "trace",
        "where",
        "worker",
    )  # fmt: skip

    def __init__(
        self,
        assignment: Assignment,
        handler: Handler,
        keyring: Keyring = NO_KEYS,
        http: GuardedClient | None = None,
    ) -> None:
        self.assignment, self.handler, self._keyring, self.http = assignment, handler, keyring, http
        self.secrets: Hidden = NOTHING_HIDDEN  # what it must not say, once its payload has been decrypted
        self.key = (assignment.id, assignment.attempt)
        self.started_at: float | None = None  # by the worker's monotonic clock; None: waiting
        self.deadline: float | None = None
        self.stopping: Stopping | None = None
        self.where: str | None = None  # the handler's stack when its time ran out
        self.ended = False  # reported (or forsaken); its code may still run: then it is stuck
        self.ended_n = 0  # the number of its ending report
        self.sink: AttemptSink | None = None  # made for a handler that takes a Context
        self.worker: str | None = None  # whose it is, once it has started
        self.trace: Received | None = None  # where traces are on
        self.job: Any = None  # the executor's own: a task, a thread, a child

    def about(self) -> About:
        """For the lines that are logged while it runs."""
        task = self.assignment
        return About(
            {
                "task_id": task.id,
                "attempt": task.attempt,
                "type": task.type,
                "worker": self.worker,
                "trace_id": trace_id(task.traceparent),
            },
            self.secrets.text,
        )

    def arguments(self) -> dict[str, Any]:
        """For the handler alone. Raises Invalid for a payload that does not fit, SecretUnreadable."""
        arguments = self.handler.read_payload(self._payload())
        if self.handler.secret:
            self.secrets = self.secrets.and_values(self.handler.secret_values(arguments))
        return arguments

    def _payload(self) -> Raw:
        """With its secrets, which the assignment has encrypted. Raises SecretUnreadable."""
        payload = self.assignment.payload
        if not has_sealed(bytes(payload)):
            return payload
        payload, found = self._keyring.open_payload(payload, type=self.assignment.type, id=self.assignment.id)
        self.secrets = Hidden.of_json(found)
        return payload

    def sealed_call(self, payload: Raw, number: int, type: str) -> Raw:
        """What its handler submits, as it goes to the engine."""
        return self._keyring.seal_call(payload, parent=self.assignment.id, number=number, type=type)
