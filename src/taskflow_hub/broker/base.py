"""The broker's specification: two small faces, one for the engine and one for a worker.

The engine leases in the store first and then publishes, so a broker never redelivers: an attempt number is published
once, and what gets lost on the way is found by heartbeats. Reports are numbered by their worker, acknowledged after
the collector's commit, and resent until then; calls are at-least-once and idempotent.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol

from taskflow_hub.domain.messages import (
    Assignment,
    Control,
    Inbound,
    Reply,
    Report,
    Request,
)


class ReportBatch(Protocol):
    @property
    def reports(self) -> Sequence[Report]:
        """In the order each worker sent them. A report may come again; the moves tell a duplicate from a stale one."""
        ...

    async def ack(self, but: Collection[Report] = ()) -> None:
        """These reports are stored, except `but`: tell each worker the highest number up to which all are.

        What is not acknowledged comes again when its worker sends it again.
        """
        ...


Answer = Callable[[Request], Awaitable[Reply]]


class EngineSide(Protocol):
    async def reachable(self) -> Sequence[str] | None:
        """The workers this engine can publish to; None: every worker in the store."""
        ...

    async def publish(
        self, worker: str, assignments: Sequence[Assignment], *, leased_at: float | None = None
    ) -> None:
        """Put assignments in the worker's inbox, in order. Raises Unavailable if it is known that they did not get there.

        `leased_at`, by `time.monotonic()` before their lease: where heartbeats may come by another way, nothing gets there so
        late that these may have missed it already. A process that was stopped in between would start what others run by now.
        """
        ...

    async def collect(self, limit: int, wait_s: float) -> ReportBatch:
        """Up to `limit` reports; waits for the first of them at most `wait_s`. Called again before ack: the next ones."""
        ...

    async def serve(self, answer: Answer) -> None:
        """From now on answer calls with this. `answer` may be awaited on any event loop of the process."""
        ...

    async def tell(self, worker: str, message: Control) -> None:
        """A hint, through the inbox. Lost when the worker is unknown or gone; the heartbeat's answer says the same."""
        ...


class WorkerSide(Protocol):
    async def open(self, worker: str) -> None:
        """Make the inbox of this worker id; before register. Reports sent from here on are this worker's."""
        ...

    async def take(self, limit: int, wait_s: float) -> Sequence[Inbound]:
        """What has come into the inbox, in order; waits for the first at most `wait_s`, then answers empty."""
        ...

    async def report(self, reports: Sequence[Report]) -> None:
        """Send. Returning says nothing about storage: keep each ending report until `acknowledged` has passed its number."""
        ...

    @property
    def acknowledged(self) -> int:
        """All reports numbered up to this are stored."""
        ...

    async def until_acknowledged(self, n: int) -> None:
        """Wait, for ever if need be, until `acknowledged` is at least n. A broker that is away makes it wait longer."""
        ...

    async def call(self, request: Request, timeout_s: float = 10.0) -> Reply:
        """Ask the engine; may be awaited on any event loop. Raises Unavailable after `timeout_s`, or when nobody serves."""
        ...

    async def close(self) -> None:
        """Remove the inbox. Twice is harmless."""
        ...
