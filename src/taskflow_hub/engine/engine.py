"""The engine, put together: use cases for the faces, loops that keep tasks moving."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from typing import Final

from taskflow_hub.broker.base import EngineSide
from taskflow_hub.domain.clock import Clock, Monotonic, new_id, utc_now
from taskflow_hub.domain.model import Worker
from taskflow_hub.engine.accounts.accounts import Accounts
from taskflow_hub.engine.audit import Audit
from taskflow_hub.engine.bulk import BulkOperations
from taskflow_hub.engine.depths import depths_of
from taskflow_hub.engine.failures import FailureQueries
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.engine.inputs import NodeInputs
from taskflow_hub.engine.limits import Limits
from taskflow_hub.engine.loop import Loop
from taskflow_hub.engine.loops.bulk import BulkRunner
from taskflow_hub.engine.loops.collector import Collector
from taskflow_hub.engine.loops.cron import Cron
from taskflow_hub.engine.loops.dispatcher import Dispatcher
from taskflow_hub.engine.loops.lag import Lag
from taskflow_hub.engine.loops.latencies import Latencies
from taskflow_hub.engine.loops.listener import Listener
from taskflow_hub.engine.loops.promoter import Promoter
from taskflow_hub.engine.loops.pruner import Pruner
from taskflow_hub.engine.loops.reaper import Reaper
from taskflow_hub.engine.loops.renewals import Renewals
from taskflow_hub.engine.loops.sampler import Sampler
from taskflow_hub.engine.metrics import Metrics
from taskflow_hub.engine.overview import Overviews
from taskflow_hub.engine.payloads import Format
from taskflow_hub.engine.queries import Queries
from taskflow_hub.engine.queues import Queues
from taskflow_hub.engine.quotas import Quotas
from taskflow_hub.engine.results import FolderResults
from taskflow_hub.engine.schedule_works import ScheduleWorks
from taskflow_hub.engine.schedules import Schedules
from taskflow_hub.engine.scrape import Scrape
from taskflow_hub.engine.settings import AuthSettings, EngineSettings, QuotaSettings, RetentionSettings
from taskflow_hub.engine.steps import Steps
from taskflow_hub.engine.task_types import TaskTypes
from taskflow_hub.engine.tasks import Tasks
from taskflow_hub.engine.workers import Workers
from taskflow_hub.engine.workflows import Workflows
from taskflow_hub.secrets.keyring import NO_KEYS, Keyring
from taskflow_hub.store.base import Store

_OPEN: Final = AuthSettings()
_ANY: Final = QuotaSettings()


class Engine:
    """Use cases work as soon as it exists; between `start` and `stop` tasks also move."""

    def __init__(
        self,
        store: Store,
        broker: EngineSide,
        *,
        settings: EngineSettings,
        results: FolderResults,
        retention: RetentionSettings,
        auth: AuthSettings = _OPEN,
        quotas: QuotaSettings = _ANY,
        version: str,
        formats: Mapping[str, Format],
        provably_dead: Callable[[Worker], bool],
        on_buried: Callable[[Worker], None] = lambda _: None,
        clock: Clock = utc_now,
        monotonic: Monotonic = time.monotonic,
        new_id: Callable[[], str] = new_id,
        chance: Callable[[], float] = random.random,
        keyring: Keyring = NO_KEYS,
    ) -> None:
        self.store, self.broker, self.version = store, broker, version
        self.hints, self.metrics = Hints(lambda: store.workflow_decisions), Metrics(version)
        store.measure(self.metrics.transaction, self.metrics.followed)
        self.results = results
        self.types = TaskTypes(
            store,
            self.hints,
            formats=formats,
            strict=settings.strict_types,
            new_id=new_id,
            keyring=keyring,
        )
        self.tasks = Tasks(store, broker, self.types, self.results, self.hints, self.metrics, keyring)
        self.steps = Steps(store, self.hints)
        self.workflows = Workflows(store, broker, self.types, self.hints, self.metrics, new_id, keyring)
        self.queues = Queues(store, broker, self.hints, self.metrics)
        self.limits = Limits(store, self.hints)
        self.quotas = Quotas(store, self.hints)
        works = ScheduleWorks(self.types, new_id, keyring)
        self.schedules = Schedules(store, works, self.hints, self.metrics, clock=clock, new_id=new_id)
        self.workers = Workers(
            store,
            broker,
            self.tasks,
            self.steps,
            NodeInputs(store, self.results),
            self.schedules,
            self.hints,
            self.metrics,
            dead_after_s=settings.dead_after,
            keyring=keyring,
        )
        self.bulk = BulkOperations(store, self.hints, new_id)
        self.accounts = Accounts(store, auth, quotas=quotas, clock=clock, new_id=new_id, monotonic=monotonic)
        self.audit = Audit(store)
        renewals = Renewals()
        depths = depths_of(store, clock, renewals.soon)
        self.queries = Queries(store, clock, depths, retention.by_state())
        self.scrape = Scrape(store, clock, depths, self.metrics)
        self.overviews = Overviews(store, clock, depths, renewals.soon)
        self.failures = FailureQueries(store, clock)
        self.hints.on(Topic.QUEUES, self.queries.forget)
        self.hints.on(Topic.WORKERS, self.queries.forget)
        latencies = Latencies(store, new_id(), on_waited=self.metrics.waited)
        self.loops: tuple[Loop, ...] = (
            Reaper(
                store,
                broker,
                self.hints,
                self.metrics,
                dead_after_s=settings.dead_after,
                provably_dead=provably_dead,
                on_buried=on_buried,
                monotonic=monotonic,
            ),
            Promoter(store, broker, self.hints, self.metrics),
            Cron(store, self.schedules, works, self.hints, self.metrics, monotonic=monotonic),
            Dispatcher(store, broker, self.hints, self.metrics),
            BulkRunner(store, self.tasks, self.hints),
            Pruner(store, self.results, self.hints, retention),
            Listener(store, self.hints),
            Sampler(store),
            renewals,
            Lag(self.metrics),
            Collector(
                store,
                broker,
                self.results,
                self.hints,
                self.metrics,
                result_ttl_s=retention.success or None,
                chance=chance,
                on_ended=latencies.ended,
            ),
            latencies,
        )

        for loop in self.loops:
            loop.on_failure = self.metrics.loop_errors.labels(type(loop).__name__.lower()).inc

    async def start(self) -> None:
        """Twice is harmless."""
        self.hints.bind()
        self.tasks.bind()
        await self.broker.serve(self.workers.answer)
        for loop in self.loops:
            await loop.start()

    async def listen(self) -> None:
        """Only hear of changes that other processes make: for a process that submits and waits, and does no work."""
        self.hints.bind()
        for loop in self.loops:
            if isinstance(loop, Listener):
                await loop.start()

    async def stop(self) -> None:
        """The collector goes after all others, so that what workers reported before is stored; then what it has ended is
        counted. Twice is harmless."""
        *movers, collector, latencies = self.loops
        await asyncio.gather(*(loop.stop() for loop in movers))
        await collector.stop()
        await latencies.stop()
        await self.tasks.close()
        await self.scrape.close()
