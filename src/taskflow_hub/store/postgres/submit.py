"""How tasks come in: learn and lock what a batch depends on, decide all of it in memory, then write all of it.

So a batch costs the same few statements however many keys it carries, and a Submit that is refused has written nothing but
claims, which are taken back. Locks are taken in one order: idempotency keys, unique keys, quotas, limits, queues, tasks.
"""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg
from msgspec import Struct

from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import Invalid, LeaseLost, TaskflowError, TaskGone
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import DEFAULT_QUEUE, Task
from taskflow_hub.store import refusals
from taskflow_hub.store.births import Birth, birth_of
from taskflow_hub.store.cursor import earliest_finish
from taskflow_hub.store.documents import decoder, policy_text, to_json
from taskflow_hub.store.keys import Answer, in_order, maybe_known, replayed
from taskflow_hub.store.postgres.allowance import allowance, use
from taskflow_hub.store.postgres.faults import UNSTORABLE, Collision
from taskflow_hub.store.postgres.few import Few
from taskflow_hub.store.postgres.idempotency import IdempotencyKeys
from taskflow_hub.store.postgres.part import read_tasks
from taskflow_hub.store.postgres.shard import SHARD
from taskflow_hub.store.postgres.stated import StatedLimits
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Transaction, columns
from taskflow_hub.store.postgres.unique import UniqueKeys, Wanted
from taskflow_hub.store.postgres.writer import Verb
from taskflow_hub.store.rooms import Rooms
from taskflow_hub.store.stated import keys_of
from taskflow_hub.store.values import Call, News, Submit, Submitted

SUBMIT_LOOK: Final = statement("submit_look")
KNOWN: Final = statement("known")
FINISHED: Final = statement("only/finished")
BOUNDS_LOCK: Final = statement("only/bounds_lock")
SUBMIT_LOCK: Final = statement("only/submit_lock")
WAITING: Final = statement("waiting")
CALL_FIND: Final = statement("call_find")
CALL_KEEP: Final = statement("call_keep")
TAG: Final = statement("tag")
CANCEL_UNSTARTED: Final = statement("cancel_unstarted")

PATIENCE_MS: Final = 2_000  # for so long a batch waits for keys that others are just using
SHORT_PATIENCE_MS: Final = 50  # and those who did, once more, each by itself

# A key is in use in a transaction that stays open: somebody submits within a transaction of their own (within.py).
_BUSY: Final = asyncpg.LockNotAvailableError

COLUMNS: Final = (
    "id",
    "status",
    "type",
    "queue",
    "priority",
    "seq",
    "expires_at",
    "timeout",
    "max_retries",
    "created_at",
    "tags",
    "traceparent",
    "account_id",
    "user_id",
    "run_at",
    "retry",
    "unrouted",
    "unique_key",
    "parent_id",
    "schedule_id",
    "workflow_id",
    "octets",
    "limits",
    "payload",
)


class Intake:
    """What a store submits with. Remembers the newest id that was submitted here.

    Whatever is newer has never been submitted, for the ids that a process makes only grow. All else, which is what comes
    again after a lost answer, is first looked for among the tasks.
    """

    def __init__(self) -> None:
        self._newest = new_id()
        self._few = Few()
        self.verb: Final = Verb(self.submit, single=self._may_be_single)

    def _may_be_single(self, submits: Sequence[Submit]) -> bool:
        return self._few.may_take(submits, self._newest)

    async def submit(self, tx: Transaction, submits: Sequence[Submit]) -> list[Submitted | TaskflowError]:
        twice, old = maybe_known(submits, self._newest)
        # Before anything is written: should this run again, all of it is old.
        self._newest = max(self._newest, max((new.id for one in submits for new in one.tasks), default=""))
        if tx.single:
            return await self._few.submit(tx, submits)
        try:
            batch = Batch(tx, submits, twice, old, PATIENCE_MS)
            outcomes = await batch.run()
        except (*UNSTORABLE, _BUSY):
            await tx.start_over()
            return [await _alone(tx, request) for request in submits]
        self._few.took_long(submits, bounded=bool(batch.bounded), quoted=batch.quoted)
        return outcomes


async def submit_here(tx: Transaction, submits: Sequence[Submit]) -> list[Submitted | TaskflowError]:
    """Of tasks with new ids, within a transaction that has done other things: those stay when some of this cannot be stored."""
    await tx.connection.execute("SAVEPOINT here")
    try:
        outcomes = await Batch(tx, submits, set(), [], PATIENCE_MS).run()
    except (*UNSTORABLE, _BUSY):
        await tx.connection.execute("ROLLBACK TO here; RELEASE here")
        return [await _alone(tx, request) for request in submits]
    await tx.connection.execute("RELEASE here")
    return outcomes


async def _alone(tx: Transaction, request: Submit) -> Submitted | TaskflowError:
    """One of a batch in which something cannot be done."""
    await tx.connection.execute("SAVEPOINT one")
    ids = [new.id for new in request.tasks]
    try:
        (outcome,) = await Batch(tx, [request], set(ids), ids, SHORT_PATIENCE_MS).run()
    except UNSTORABLE as error:
        refusal: TaskflowError = Invalid(f"It cannot be stored: {error}")
    except _BUSY:
        refusal = refusals.key_busy()
    else:
        await tx.connection.execute("RELEASE one")
        return outcome
    await tx.connection.execute("ROLLBACK TO one; RELEASE one")
    return refusal


class _Fate(Struct):
    """What becomes of one Submit that is not refused: these tasks answer, and these make way."""

    answer: Answer
    again: bool = False  # answered by what a key or a call was answered with before
    replaced: tuple[str, ...] = ()


class Batch:
    def __init__(
        self,
        tx: Transaction,
        submits: Sequence[Submit],
        twice: set[str],
        old: Sequence[str],
        patience_ms: int,
    ) -> None:
        """`twice`: ids that come twice in it. `old`: those that may have been submitted before."""
        self.tx, self.submits, self.twice, self.old, self.patience_ms = tx, submits, twice, old, patience_ms
        self.births: list[Birth] = []
        self.replaced: set[str] = set()
        self.called: dict[tuple[str, int], Answer] = {}  # by parent and number, answered now
        self.calls: dict[tuple[str, int], Answer] = {}  # answered before
        self.running: dict[str, int] = {}  # which attempt a parent runs

    async def run(self) -> list[Submitted | TaskflowError]:
        await self._learn()
        fates = [self._decided(request) for request in self.submits]
        # What is there already is read before anything is written, for it may be gone.
        fresh = {birth.new.id: birth.task(self.now) for birth in self.births}
        answering = [id for fate in fates if isinstance(fate, _Fate) for id, _ in fate.answer]
        found = fresh | await read_tasks(self.tx, [id for id in answering if id not in fresh])
        for fate in fates:
            if isinstance(fate, _Fate) and not fate.again and any(id not in found for id, _ in fate.answer):
                raise Collision("a task that was to answer is gone")
        await self._write()
        found |= await read_tasks(self.tx, self.replaced & fresh.keys())
        return [
            self._outcome(request, fate, found) for request, fate in zip(self.submits, fates, strict=True)
        ]

    # --- learn -----------------------------------------------------------------------------------------------------------

    async def _learn(self) -> None:
        await self._look()
        self.known = set(await self._known())
        self.idempotency = IdempotencyKeys(self.submits, self.now)
        self.unique = UniqueKeys(self.submits, self.now)
        self.limits = StatedLimits(self.submits)
        await self.idempotency.claim(self.tx)
        await self.unique.claim(self.tx)
        self.allowance = await allowance(self.tx, self.quoted, self.now, self.patience_ms)
        await self.limits.claim(self.tx)
        bounds: dict[str, int] = {}
        if self.bounded:
            bounds.update(await self.tx.fetch(BOUNDS_LOCK, self.bounded))  # type: ignore[arg-type]
        await self._lock()
        self.rooms = Rooms(bounds, self.homes)
        if bounds:
            self.rooms.waiting.update(await self.tx.fetch(WAITING, list(bounds)))  # type: ignore[arg-type]

    async def _look(self) -> None:
        types, queues, accounts, count = set(), set(), set(), 0
        for request in self.submits:
            for new in request.tasks:
                count += 1
                accounts.add(new.account_id)
                if new.queue is None:
                    types.add(new.type)
                else:
                    queues.add(new.queue)
        if types:
            queues.add(DEFAULT_QUEUE)
        row = await self.tx.row(
            SUBMIT_LOOK,
            self.tx.now,
            list(types),
            list(queues),
            count,
            f"{self.patience_ms}ms",
            list(accounts),
        )
        assert row is not None
        self.now, homes, self.bounded, self.quoted, self.places, _ = row
        self.homes: dict[str, str] = dict(homes)

    async def _known(self) -> list[str]:
        if not self.old:
            return []
        return [row["id"] for row in await self.tx.fetch(KNOWN, self.old, earliest_finish(self.old))]

    async def _lock(self) -> None:
        """Parents, so that their attempts own them until the commit, and who may have to make way for another."""
        calls = [request.call for request in self.submits if request.call is not None]
        making_way = self.unique.making_way()
        if not calls and not making_way:
            return
        rows = await self.tx.fetch(SUBMIT_LOCK, list({*making_way, *(call.parent.id for call in calls)}))
        tasks = {row["id"]: row for row in rows}
        self.unique.found(tasks)
        if calls:
            self.running = {
                id: task["attempt"] for id, task in tasks.items() if task["status"] == State.RUNNING
            }
            wanted = columns([(call.parent.id, call.number) for call in calls])
            for id, number, answer in await self.tx.fetch(CALL_FIND, *wanted):
                self.calls[id, number] = decoder(Answer).decode(answer)

    # --- decide ----------------------------------------------------------------------------------------------------------

    def _decided(self, request: Submit) -> _Fate | TaskflowError:
        """All of it, or nothing and the reason."""
        waiting, mark = self.rooms.waiting.copy(), self.limits.numbers.mark()
        allowed = self.allowance.mark()
        try:
            return self._fate(request)
        except TaskflowError as error:
            self.rooms.waiting = waiting
            self.limits.numbers.undo(mark)
            self.allowance.undo(allowed)
            return error

    def _fate(self, request: Submit) -> _Fate:
        before = self.idempotency.answered(request.idempotency)
        if before is None and request.call is not None:
            before = self._called(request.call)
        if before is not None:
            return _Fate(before, again=True)
        known = {new.id for new in request.tasks if new.id in self.known} if self.known else set()
        fate = self._repeated(request, known) if known else self._created(request)
        self.idempotency.keep(request.idempotency, fate.answer)
        if request.call is not None:
            self.called[request.call.parent.id, request.call.number] = fate.answer
        return fate

    def _called(self, call: Call) -> Answer | None:
        if self.running.get(call.parent.id) != call.parent.attempt:
            raise LeaseLost
        place = (call.parent.id, call.number)
        return self.calls[place] if place in self.calls else self.called.get(place)

    def _repeated(self, request: Submit, known: set[str]) -> _Fate:
        """Ids that are there already: the call was committed and only its answer was lost."""
        wanted = self.unique.wanted()
        answer: Answer = []
        for new in request.tasks:
            holder = None if new.id in known else wanted.holder(new)
            if holder is not None:
                answer.append((holder.id, False))
            elif new.id in known:
                answer.append((new.id, True))
            else:
                raise refusals.gone_since_submit(new.id)
        return _Fate(answer)

    def _created(self, request: Submit) -> _Fate:
        wanted = self.unique.wanted()
        births: list[Birth] = []
        answer: Answer = []
        for index, new in enumerate(request.tasks):
            birth = birth_of(new, index, self.homes, self.now)
            if new.unique is not None:
                holder = self._conflict(wanted, birth, index)
                if holder is not None:
                    answer.append((holder, False))
                    continue
            if new.limits:
                self.limits.numbers.state(new, index)
            self.allowance.take(request, index, birth)
            self.rooms.take(request, index, birth)
            births.append(birth)
            answer.append((new.id, True))
        self.unique.take(wanted)
        self.births += births
        if self.twice:
            self.known.update(new.id for new in request.tasks)
        replaced = tuple([holder.id for holder in wanted.replaced])
        self.replaced.update(replaced)
        return _Fate(answer, replaced=replaced)

    def _conflict(self, wanted: Wanted, birth: Birth, index: int) -> str | None:
        """The task that answers instead; None: it may be made, and takes its key."""
        replaced = len(wanted.replaced)
        holder = wanted.answering(birth.new, index)
        if holder is None:
            wanted.take(birth)
            for making_way in wanted.replaced[replaced:]:
                if making_way.status is not State.BLOCKED:
                    self.allowance.leave(birth.new.account_id)
                    if making_way.queue in self.rooms.waiting:
                        self.rooms.waiting[making_way.queue] -= 1
        return holder

    # --- write -----------------------------------------------------------------------------------------------------------

    async def _write(self) -> None:
        if self.births:
            await self._insert()
        if self.replaced:
            self.tx.note(News.TASKS)
            await self.tx.run(CANCEL_UNSTARTED, self.tx.now, SHARD, list(self.replaced), [])
        await self.unique.settle(self.tx)
        await use(self.tx, self.allowance)
        await self.limits.settle(self.tx)
        await self.idempotency.settle(self.tx)
        if self.called:
            rows = [(*call, to_json(answer)) for call, answer in self.called.items()]
            await self.tx.run(CALL_KEEP, self.tx.now, *columns(rows))

    async def _insert(self) -> None:
        """By COPY: half the time of an INSERT, and less than half of the driver's. It cannot pass over a task that is there."""
        births = list({birth.new.id: birth for birth in self.births}.values()) if self.twice else self.births
        places = iter(self.places)
        rows = [self._row(birth, next(places) if birth.status is State.QUEUED else None) for birth in births]
        try:
            await self.tx.connection.copy_records_to_table("tasks", records=rows, columns=COLUMNS)
        except asyncpg.UniqueViolationError as error:
            raise Collision("a task with one of these ids came in just now") from error
        await self._check_again([birth.new.id for birth in births])
        tags = [(birth.new.account_id, tag, birth.new.id) for birth in births for tag in birth.new.tags]
        if tags:
            await self.tx.run(TAG, *columns(tags))
        self.tx.note_ready((row[3], row[2], row[4], row[12], row[5]) for row in rows if row[5] is not None)
        if any(birth.status is State.SCHEDULED or birth.new.expires_at for birth in births):
            self.tx.note(News.OTHER)

    async def _check_again(self, ids: Sequence[str]) -> None:
        """A commit whose answer was lost may have been under way when ids were looked for, and its tasks have ended by now."""
        old = set(self.old).intersection(ids)
        if old and await self.tx.fetch(FINISHED, list(old), earliest_finish(old)):
            raise Collision("a task with one of these ids came in, and ended, just now")

    def _row(self, birth: Birth, seq: int | None) -> tuple[Any, ...]:
        """In the order of COLUMNS."""
        new = birth.new
        return (
            new.id,
            birth.status,
            new.type,
            birth.queue,
            new.priority,
            seq,
            new.expires_at,
            new.timeout,
            new.max_retries,
            self.now,
            new.tags,
            new.traceparent,
            new.account_id,
            new.user_id,
            birth.run_at,
            policy_text(new.retry),
            birth.unrouted,
            None if new.unique is None else new.unique.key,
            new.parent_id,
            new.schedule_id,
            new.workflow_id,
            len(new.payload),
            to_json(keys_of(new)) if new.limits else None,
            birth.payload,
        )

    # --- answer ----------------------------------------------------------------------------------------------------------

    def _outcome(
        self, request: Submit, fate: _Fate | TaskflowError, found: dict[str, Task]
    ) -> Submitted | TaskflowError:
        if isinstance(fate, TaskflowError):
            return fate
        try:
            if fate.again:
                return replayed(request, fate.answer, found)
            tasks = in_order(fate.answer, found)
        except TaskGone as error:
            return error
        return Submitted(tasks, tuple([created for _, created in fate.answer]), replaced=fate.replaced)
