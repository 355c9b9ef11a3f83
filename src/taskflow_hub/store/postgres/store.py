"""The store on PostgreSQL: every protocol of store/base.py, put together."""

from datetime import datetime
from typing import Self

from taskflow_hub.domain.clock import Clock
from taskflow_hub.store.postgres.access import Access
from taskflow_hub.store.postgres.audit import Audit
from taskflow_hub.store.postgres.bulk import Bulks
from taskflow_hub.store.postgres.dispatch import Dispatch
from taskflow_hub.store.postgres.door import refusal
from taskflow_hub.store.postgres.due import Front
from taskflow_hub.store.postgres.ends import Endings
from taskflow_hub.store.postgres.failures import Failures
from taskflow_hub.store.postgres.faults import Fault, fault_of
from taskflow_hub.store.postgres.known import KnownTrees
from taskflow_hub.store.postgres.limit_admin import LimitAdmin
from taskflow_hub.store.postgres.link import Link
from taskflow_hub.store.postgres.listen import Company
from taskflow_hub.store.postgres.partitions import make_days
from taskflow_hub.store.postgres.queues import Queues
from taskflow_hub.store.postgres.quotas import Quotas
from taskflow_hub.store.postgres.readers import Readers
from taskflow_hub.store.postgres.reads import Reads
from taskflow_hub.store.postgres.running import OfWorkflows
from taskflow_hub.store.postgres.schedules import Schedules
from taskflow_hub.store.postgres.schema import bring_up
from taskflow_hub.store.postgres.steps import StepPart
from taskflow_hub.store.postgres.submit import Intake
from taskflow_hub.store.postgres.tasks import Tasks
from taskflow_hub.store.postgres.transaction import Transaction
from taskflow_hub.store.postgres.trends import Trends
from taskflow_hub.store.postgres.upkeep import Upkeep
from taskflow_hub.store.postgres.url import parse_url
from taskflow_hub.store.postgres.workers import Workers
from taskflow_hub.store.postgres.workflow_reads import WorkflowReads
from taskflow_hub.store.postgres.workflows import Workflows
from taskflow_hub.store.postgres.writer import Writer
from taskflow_hub.store.values import OnFollowed, OnTransaction


class PostgresStore(
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
    """Made by `open`. Any number of processes may open one database."""

    def __init__(self, link: Link, clock: Clock | None, survey_s: float, listen_url: str | None) -> None:
        self._link, self._clock = link, clock
        self._intake = Intake()
        of_workflows = OfWorkflows()
        self._trees = KnownTrees()
        self._endings = Endings(of_workflows, self._trees)
        self._front = Front()
        self._seen = {}
        self._writer = Writer(link, clock, on_commit=self._committed, make_days=self._make_days)
        self._readers = Readers(link, clock)
        self._dispatch = Dispatch(
            link, self._readers, self._writer, of_workflows, survey_s=survey_s, on_found=self._found
        )
        self._company = Company(link, self._dispatch, listen_url=listen_url)

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        clock: Clock | None = None,
        migrate: bool = True,
        survey_s: float = 1.0,
        listen_url: str | None = None,
    ) -> Self:
        """Connect; with `migrate`, make the tables, or bring them to our schema.

        `clock` None: the database's. `survey_s`: how often at most a lease that found too little looks whether there is more
        than the hints have told it. `listen_url`: where to LISTEN, when the URL goes through a pooler.
        Raises Misconfigured (the URL, the user, a missing database), SchemaMismatch (newer; or older, without `migrate`),
        StoreUnavailable.
        """
        target = parse_url(url)
        await bring_up(target, change=migrate)
        link = Link(target)
        await link.open()
        store = cls(link, clock, survey_s, listen_url)
        try:
            await link.run(store._begin)
        except BaseException as error:
            await link.close()
            if isinstance(error, Exception) and fault_of(error) is not Fault.OURS:
                raise await refusal(error, target) from error
            raise
        return store

    async def _begin(self) -> None:
        await self._make_days(None if self._clock is None else self._clock())
        self._company.start()

    def measure(self, on_transaction: OnTransaction, on_followed: OnFollowed) -> None:
        self._writer.on_transaction = self._readers.on_transaction = on_transaction
        self._writer.on_followed = on_followed

    def _committed(self, tx: Transaction) -> None:
        if tx.ready:
            self._dispatch.lower(tx.ready)
        if tx.held:
            self._dispatch.limited()
        for lesson in tx.lessons:
            self._trees.learn(lesson)
        if tx.news:
            self._company.tell(tx.news, tx.ready, held=tx.held)

    def _found(self) -> None:
        self._company.wake()

    async def _make_days(self, now: datetime | None) -> None:
        async with self._link.connection() as connection:
            await make_days(connection, now)

    async def close(self) -> None:
        if self._link.closed:
            return
        await self._link.run(self._company.stop)
        await self._link.run(self._dispatch.stop)
        await self._link.run(self._writer.settle)
        await self._link.close()
