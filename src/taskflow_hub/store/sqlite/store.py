"""The store on one SQLite file: every protocol of store/base.py, put together."""

import asyncio
from typing import Self

from taskflow_hub.domain.clock import Clock, utc_now
from taskflow_hub.store.sqlite.access import Access
from taskflow_hub.store.sqlite.audit import Audit
from taskflow_hub.store.sqlite.bulk import Bulks
from taskflow_hub.store.sqlite.failures import Failures
from taskflow_hub.store.sqlite.lease import Dispatch
from taskflow_hub.store.sqlite.limit_admin import LimitAdmin
from taskflow_hub.store.sqlite.queues import Queues
from taskflow_hub.store.sqlite.quotas import Quotas
from taskflow_hub.store.sqlite.readers import Readers
from taskflow_hub.store.sqlite.reads import Reads
from taskflow_hub.store.sqlite.schedules import Schedules
from taskflow_hub.store.sqlite.schema import bring_up
from taskflow_hub.store.sqlite.steps import StepPart
from taskflow_hub.store.sqlite.tasks import Tasks
from taskflow_hub.store.sqlite.trends import Trends
from taskflow_hub.store.sqlite.upkeep import Upkeep
from taskflow_hub.store.sqlite.url import Location, parse_url
from taskflow_hub.store.sqlite.workers import Workers
from taskflow_hub.store.sqlite.workflow_reads import WorkflowReads
from taskflow_hub.store.sqlite.workflows import Workflows
from taskflow_hub.store.sqlite.writer import Writer
from taskflow_hub.store.values import OnFollowed, OnTransaction


class SqliteStore(
    Tasks,
    StepPart,
    Workers,
    Queues,
    LimitAdmin,
    Quotas,
    Reads,
    Bulks,
    Failures,
    Schedules,
    Access,
    Audit,
    Upkeep,
    Trends,
    Workflows,
    WorkflowReads,
):
    """Made by `open`. Any number of processes may open one file, on one machine and on a local disk."""

    def __init__(self, location: Location, clock: Clock) -> None:
        self._clock = clock
        self._writer = Writer(location, clock)
        self._readers = Readers(location)
        self._dispatch = Dispatch()

    @classmethod
    async def open(cls, url: str, *, clock: Clock = utc_now, migrate: bool = True) -> Self:
        """Open the file and check that it can be written; with `migrate`, make it, or bring it to our schema.

        Raises Misconfigured (the URL, or a file that is not ours), SchemaMismatch (newer; or older, without `migrate`),
        StoreUnavailable (missing folder, no permission, damaged, full).
        """
        location = parse_url(url)
        store = cls(location, clock)
        await asyncio.to_thread(store._begin, location, migrate)
        return store

    def _begin(self, location: Location, migrate: bool) -> None:
        bring_up(location, change=migrate)
        self._writer.start()

    def measure(self, on_transaction: OnTransaction, on_followed: OnFollowed) -> None:
        self._writer.on_transaction = self._readers.on_transaction = on_transaction
        self._writer.on_followed = on_followed
