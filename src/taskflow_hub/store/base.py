"""The store's specification. One object implements every protocol here; users of it ask for the smallest that serves.

What goes in and out is in store/values.py.

Words that hold for every method:
- **Atomic**: a call is one transaction, or part of one that gathers several calls; when it returns, its effects are
  committed, as durably as the database commits. When it raises, nothing of it happened.
- **Items**: methods that take many give each item its own outcome, in the order given; a bad item never fails its neighbours.
  An item that cannot be done is answered with an error from domain/errors.py *as a value*.
- **Time**: all times are made here, from the database's clock (SQLite: the one clock it was given).
- **rev** rises by one in every statement that changes a public field of a task.
- **Account**: methods for people take the account; another account's id is as good as unknown.
- **by**: who asked for it. What is really changed is written to the audit in the same transaction, an entry for each thing;
  what was so before is not. None: nobody but the hub itself, of which nothing is written.
- **Threads**: every method may be awaited on any event loop of the process (heartbeats come from a thread of their own).
- Raises StoreUnavailable when the database cannot be reached or written (StoreFull when there is no space); a later call may
  succeed again, nothing needs to be reopened by the caller.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import UNSET, UnsetType

from taskflow_hub.domain import moves
from taskflow_hub.domain.access import Key, Role, User
from taskflow_hub.domain.audit import Act, By
from taskflow_hub.domain.buckets import Charge
from taskflow_hub.domain.errors import TaskflowError
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Held, Logged, Progressed, Register
from taskflow_hub.domain.model import (
    Attempt,
    LimitInUse,
    LimitRow,
    LimitUse,
    LogLine,
    Queue,
    QueueUse,
    ResultRef,
    Task,
    TaskError,
    TaskType,
    Worker,
)
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.domain.quota import Quota, QuotaUse
from taskflow_hub.domain.why import LimitState
from taskflow_hub.store.base_failures import FailureStore
from taskflow_hub.store.base_schedules import ScheduleStore
from taskflow_hub.store.base_steps import StepStore
from taskflow_hub.store.base_trends import TrendStore
from taskflow_hub.store.base_workflows import WorkflowStore
from taskflow_hub.store.values import (
    AuditFilter,
    AuditPage,
    Beat,
    Bucket,
    Bulk,
    BulkAction,
    Count,
    Depth,
    Described,
    Due,
    Entries,
    Leased,
    NewKey,
    News,
    NewUser,
    OnFollowed,
    OnTransaction,
    Orphan,
    Page,
    Pruned,
    Rate,
    Submit,
    Submitted,
    TaskFilter,
)

# --- moves ---------------------------------------------------------------------------------------------------------


class TaskStore(Protocol):
    """The moves: what changes a task. domain/lifecycle.py says which are allowed; all others change nothing."""

    async def submit(self, submits: Sequence[Submit]) -> list[Submitted | TaskflowError]:
        """Insert tasks; each Submit is all or nothing and has its own outcome.

        Order of checks: idempotency key (IdempotencyMismatch; TaskGone if any task of it is pruned; else replay), call
        (LeaseLost when the parent attempt does not own its task), unique keys (UniqueConflict for `reject`, or `replace` with
        a running holder; `replace` cancels an unstarted holder in the same transaction), then the account's quotas
        (QuotaExceeded; counts tasks that are made, by minute and day of the database's clock, and queued and scheduled ones;
        errors name the index within the Submit: "/tasks/3"), then `max_size` of each queue (QueueFull; counts queued and
        scheduled tasks; errors name "/tasks/3/queue").
        Limits: the numbers a task states become those of its keys, when it is inserted; what is left out stays, and so do those
        that are pinned. Invalid for a key that is unknown and is given none ("/tasks/3/limits/0/running").
        Tasks become leasable in the order of the sequence. Repeating a call with the same ids (a commit whose answer was lost)
        changes nothing and answers the same.
        """
        ...

    async def lease(self, workers: Collection[str] | None, limit: int) -> Leased:
        """Open the next attempts for these workers (None: any alive worker), at most `limit` in all, and at most a wave: half
        of what they all may have, or 250 if that is more.

        A worker gets at most slots + window − what it runs now, only of queues it serves, types it registered, queues not
        paused, tasks not expired, and nothing when it is draining, dead or unknown. Higher priority first, then `seq`, across
        all the queues of a worker, so that no queue can starve another of equal priority. But accounts take turns, in the ratio
        of their weights (`QuotaStore`), as each process that leases remembers them: whoever comes late waits for one start of
        each other account, however much they have waiting. The owner is written in the same statement; `attempt` rises by one.
        A task with two crashes or more is leased alone: when it is first in line for a worker, that worker gets nothing
        new until it is empty, then this task, then nothing until that ends.
        Ready tasks met in the scan that no alive worker can run get hold `no_worker` and leave the ready index. While no
        worker is alive at all nothing is scanned, so nothing is held.
        Limits: of one account's tasks with one key never more than `running` run, whoever leases, and at most a second's worth
        (at least one) starts beyond `per_second`. Ready tasks met in the scan that a limit holds back get hold `limit:KEY` or
        `rate:KEY` and leave the ready index; every lease looks at held ones again, and those that may start have their old
        place in the line. So a full limit delays nobody else. The limits of a queue and of an account (`limits` of the account
        '', keys queue:NAME and account:ID) hold in the same way, for their whole lines: what they hold back is not looked at.
        """
        ...

    async def succeed(self, items: Sequence[moves.Succeed]) -> list[Verdict]:
        """running → success. A standing cancel request does not stop it. `started_at` becomes now − ran_s if not yet set."""
        ...

    async def retry(self, items: Sequence[moves.Retry]) -> list[Verdict]:
        """running → scheduled, with an attempt row; → cancelled (ABORTED) when a cancel is requested."""
        ...

    async def snooze(self, items: Sequence[moves.Snooze]) -> list[Verdict]:
        """running → scheduled, with an attempt row; → cancelled when a cancel is requested.

        Of `events` each wakes it: see store/base_steps.py.
        """
        ...

    async def fail(self, items: Sequence[moves.Fail]) -> list[Verdict]:
        """running → failed. A standing cancel request does not stop it."""
        ...

    async def release(self, items: Sequence[moves.Release]) -> list[Verdict]:
        """running → queued with its old `seq`, with an attempt row; → cancelled when a cancel is requested.

        As with `lose`, the row of an attempt that had not started has no `started_at`.
        """
        ...

    async def lose(self, items: Sequence[moves.Lose]) -> list[Verdict]:
        """running → queued with its old `seq`, with an attempt row; → cancelled when a cancel is requested.

        Also fenced by the owner: a task that has another owner by now is STALE.
        """
        ...

    async def abort(self, items: Sequence[moves.Abort]) -> list[Verdict]:
        """running → cancelled; STALE when no cancel was requested."""
        ...

    async def promote_due(self, limit: int) -> Due:
        """scheduled → queued for every task whose `run_at` has come, earliest first."""
        ...

    async def expire_due(self, limit: int) -> Due:
        """scheduled, blocked, queued → failed (reason `expired`) for every task whose `expires_at` has passed."""
        ...

    async def cancel(self, account: str, ids: Sequence[str], *, by: By | None = None) -> list[Task | None]:
        """Unstarted → cancelled; running: `cancel_requested_at` is set, once. Answers each task as it is afterwards.

        None: unknown. A task that had ended is answered as it is; cancelling twice changes nothing (not even `rev`).
        """
        ...

    async def redrive(
        self, account: str, ids: Sequence[str], *, by: By | None = None
    ) -> list[Task | TaskflowError]:
        """failed, cancelled → queued, anew: the attempt row of the ending attempt is written first (if there was an attempt),
        then `retry_count`, `crashes`, transits, times, result, reason, error, progress and cancel request are cleared.

        `expires_at` is cleared when it has passed. A unique key is taken again, or UniqueConflict. NotFound, NotAllowed.
        """
        ...

    async def promote(self, account: str, task_id: str, *, by: By | None = None) -> Task | TaskflowError:
        """scheduled → queued, now. NotAllowed in any other state."""
        ...

    async def update(
        self,
        account: str,
        task_id: str,
        *,
        priority: int | None = None,
        run_at: datetime | None = None,
        queue: str | None = None,
        by: By | None = None,
    ) -> Task | TaskflowError:
        """Change an unstarted task; `run_at` only while `scheduled`. None leaves a field. NotAllowed once it runs or ended."""
        ...

    async def delete(
        self, account: str, ids: Sequence[str], *, by: By | None = None
    ) -> list[TaskflowError | None]:
        """Remove finished tasks with their attempts and logs. NotFound, NotAllowed (unfinished); None: removed."""
        ...

    # The next four are made by workflows (store/advance.py), in the transactions that end other tasks. By themselves they tell
    # no workflow of what they do.

    async def unblock(self, ids: Sequence[str]) -> list[bool]:
        """blocked → queued. True where it moved."""
        ...

    async def skip(self, ids: Sequence[str]) -> list[bool]:
        """blocked → skipped. True where it moved."""
        ...

    async def reject(self, items: Sequence[tuple[str, TaskError]]) -> list[bool]:
        """blocked → failed (reason `reference`), with this error. True where it moved."""
        ...

    async def reset(self, ids: Sequence[str]) -> list[bool]:
        """failed, cancelled, skipped → blocked, as if new: what `redrive` says of attempts and counters holds here, too.
        True where it moved."""
        ...

    async def progress(self, items: Sequence[Progressed]) -> list[Verdict]:
        """Write the progress of a running attempt. Of an attempt the highest `n` wins, in whatever order they come, and by
        whatever process: an earlier one changes nothing, and is APPLIED."""
        ...

    async def log(self, items: Sequence[Logged]) -> None:
        """Keep log lines, once per (task, attempt, n); late ones too, as long as the task exists. At most 1 000 an attempt."""
        ...


# --- workers -------------------------------------------------------------------------------------------------------


class WorkerStore(Protocol):
    async def register(self, worker: Register) -> None:
        """Add a worker and what its types declare; clears `no_worker` holds it can serve, first in line first (if there are
        thousands, the rest with the next leases: see `Leased.more`), and moves tasks of a newly
        registered type that were submitted without a queue to its home queue. Twice with the same id: one registration.

        `previous` is marked dead, and crashes counted for it are taken back; from what has ended, too, but without a new
        revision, and what failed as poison stays failed. What it still runs by the books will be lost without counting:
        `orphans` shows one crash fewer, and a Fail for POISON is STALE.
        """
        ...

    async def heartbeat(
        self,
        worker: str,
        held: Sequence[Held],
        *,
        stuck: Sequence[str] = (),
        loop_lag_s: float = 0.0,
    ) -> Beat:
        """Count a beat, and compare what the worker holds with what the store says it runs.

        `known` False (and nothing is written) for a dead or unknown id. `stop` lists held attempts it no longer owns (stale)
        or that should be cancelled. `started_at` is written the first time an attempt is listed as started.
        `undelivered` lists attempts leased more than 10 s ago that two successive heartbeats, made later than 10 s after the
        lease, did not hold; the caller decides and loses them.
        """
        ...

    async def drain(self, worker: str, *, by: By | None = None) -> Worker | None:
        """alive → draining. None: unknown or dead; draining twice changes nothing."""
        ...

    async def retire(self, worker: str) -> None:
        """The worker has left in good order: mark it dead. Whatever it still owns is an orphan."""
        ...

    async def bury(self, worker: str) -> bool:
        """Mark a worker dead, under its row lock. From then on it is refused everywhere. False: it was dead or unknown."""
        ...

    async def orphans(self, limit: int) -> list[Orphan]:
        """Running attempts whose owner is dead or absent, those of one worker together."""
        ...

    async def workers(self, *, dead: bool = False) -> list[Worker]:
        """Alive and draining workers with what each runs, oldest first; `dead` adds those not yet pruned."""
        ...

    async def task_types(self) -> list[TaskType]:
        """Every type a worker has ever registered, by name."""
        ...


# --- queues --------------------------------------------------------------------------------------------------------


class QueueStore(Protocol):
    async def queues(self) -> list[Queue]:
        """Every queue that has a policy or an unfinished task, by name."""
        ...

    async def pause(self, queue: str, *, by: By | None = None) -> Queue:
        """No new lease from this queue; survives restarts. Makes the queue's row if there is none. Twice: no change."""
        ...

    async def resume(self, queue: str, *, by: By | None = None) -> Queue: ...

    async def update_queue(
        self,
        queue: str,
        *,
        max_size: int | UnsetType | None = UNSET,
        running: int | UnsetType | None = UNSET,
        per_second: float | UnsetType | None = UNSET,
        by: By | None = None,
    ) -> Queue:
        """Set the numbers that are given (None: none; UNSET: as it is): how many tasks may wait, how many may run at a time,
        and how many may start per second, whosever they are.

        What waits already is kept, what runs is not touched; what is held may start at once if it may now. Unavailable as for
        `set_limit`.
        """
        ...

    async def queue_uses(self) -> list[QueueUse]:
        """How many tasks of all accounts wait in queues with a `max_size`, and run in those with a `running`."""
        ...

    async def purge(
        self, account: str, queue: str, limit: int, *, waiting: int = 0, by: By | None = None
    ) -> tuple[str, ...]:
        """Cancel up to `limit` unstarted tasks of a queue, oldest first; returns their ids. Empty: done.

        `waiting`: how many there were when the purge began, of which this is the first part; its entry tells of the whole.
        """
        ...

    async def depths(self, account: str | None) -> list[Depth]:
        """How many unfinished tasks an account has (None: all have together), by queue, type, status and hold."""
        ...

    async def rates(self, account: str | None, since: datetime) -> list[Rate]:
        """Minute rollups of an account (None: of all together) from `since` on, oldest first."""
        ...


# --- limits --------------------------------------------------------------------------------------------------------


class LimitStore(Protocol):
    """What operators see of limits, and say about them. Tasks state theirs at submit."""

    async def limits(
        self, account: str | None, *, after: tuple[str, str] = ("", ""), limit: int
    ) -> list[LimitUse]:
        """The limits of an account (None: of all) after (account, key), by account and key, with what they do now."""
        ...

    async def limits_in_use(self) -> list[LimitInUse]:
        """Of all accounts, the limits of how many run that running tasks name, in no order: never more than tasks run."""
        ...

    async def set_limit(
        self,
        account: str,
        key: str,
        running: int | UnsetType | None,
        per_second: float | UnsetType | None,
        *,
        pinned: bool = True,
        by: By | None = None,
    ) -> LimitRow:
        """Set the numbers of a key, which may be new (None: no such limit; UNSET: as it is), and pin them, or let tasks state
        them again. What runs is not touched; what is held may start at once if it may now.

        A key without numbers that is not pinned is forgotten: whoever names it next must state some. Unavailable while a
        transaction of somebody else's that changes its numbers stays open.
        """
        ...


# --- quotas --------------------------------------------------------------------------------------------------------


class QuotaStore(Protocol):
    """What accounts may have. A submit keeps to it (`TaskStore.submit`), and to `running` and `weight` a lease."""

    async def quota(self, account: str) -> QuotaUse:
        """What an account may have, and what it uses now. One that nobody has given a quota may have all it likes."""
        ...

    async def quotas(self, *, after: str = "", limit: int) -> list[Quota]:
        """Of the accounts that have any, after one of them, by id."""
        ...

    async def set_quota(
        self,
        account: str,
        *,
        per_minute: int | UnsetType | None = UNSET,
        per_day: int | UnsetType | None = UNSET,
        queued: int | UnsetType | None = UNSET,
        running: int | UnsetType | None = UNSET,
        weight: float | UnsetType | None = UNSET,
        by: By | None = None,
    ) -> Quota:
        """Set the numbers that are given (None: none, for `weight` the usual; UNSET: as it is).

        What waits and runs is not touched; what is held may start at once if it may now. Unavailable as for `set_limit`.
        """
        ...


# --- reads ---------------------------------------------------------------------------------------------------------


class Reads(Protocol):
    """For people. Reads by id look at live and finished tasks in one statement, so a finish in between hides nothing."""

    async def task(self, account: str, task_id: str) -> Task | None: ...

    async def tasks(self, ids: Sequence[str]) -> dict[str, Task]:
        """For the engine: any account; unknown ids are absent."""
        ...

    async def result_refs(self, ids: Sequence[str]) -> list[ResultRef]:
        """For the engine: the results of these tasks that lie outside the store; cheap."""
        ...

    async def revs(self, ids: Sequence[str]) -> dict[str, int]:
        """The `rev` of each task that exists; cheap, for watchers."""
        ...

    async def search(
        self, account: str | None, where: TaskFilter, *, limit: int, cursor: str | None = None
    ) -> Page:
        """Newest first (by id); `account` None: of all accounts. A cursor stays good while tasks come, change and go.
        Invalid for a cursor we did not make.

        A page ends before its `limit` with the task by which payloads, results and errors have PAGE_OCTETS together
        (domain/limits.py); `next_cursor` goes on.
        """
        ...

    async def entries(
        self, account: str, where: TaskFilter, *, limit: int, cursor: str | None = None
    ) -> Entries:
        """The same list, cheap: for who does something to many tasks and need not see them. Cursors are those of `search`."""
        ...

    async def count(self, account: str, where: TaskFilter) -> int: ...

    async def counts(self, account: str | None, where: TaskFilter, *, at_most: int) -> dict[State, Count]:
        """How many tasks of each state match, of one moment; of all states, or of those in `where.status`. `where` has no
        `error`: errors are not read for a number.

        Each is counted to `at_most`, and exact so far. Beyond, it is what the database's statistics say, if they say more than
        `at_most`; where it keeps none, it is `at_most`. A database that would count for long, because no index leads to what is
        asked for, may answer from its statistics alone.
        """
        ...

    async def attempts(self, account: str, task_id: str) -> list[Attempt] | None:
        """A row for every attempt there was, in order, the running or last one included. None: unknown task.

        The newest ATTEMPTS_SHOWN of them (domain/limits.py), for a task that snoozes without end has any number. They are
        counted from 1 without a gap, so the first one's number says how many there were before it.
        """
        ...

    async def logs(
        self, account: str, task_id: str, *, after: tuple[int, int] = (0, 0), limit: int
    ) -> list[LogLine] | None:
        """Lines after (attempt, n), in order. None: unknown task."""
        ...

    async def ahead(self, task_id: str, at_most: int) -> int:
        """How many ready tasks come before a queued one in its queue, of any type: those of higher priority; of the same, those
        of its account with a lower `seq`, and of each other account as many as have turns until then (by weight, with all of
        them coming up now). Counted to `at_most` and no further; 0 for a task that is not queued.

        What is on hold is not counted; a task on hold is given the place it kept.
        """
        ...

    async def limits_of(self, task_id: str, *, queues: Collection[str] = (), shown: int) -> list[LimitState]:
        """The limits of an unfinished task's queue and account, and those it names, in its order, as the next lease would find
        them; nothing is locked.

        `tasks` of each are at most `shown` of those that run under it, the longest first, of its account alone, and only those
        in one of `queues` (none: in any). Empty for a task that has ended or never was.
        """
        ...


# --- bulk ----------------------------------------------------------------------------------------------------------


class BulkStore(Protocol):
    async def create_bulk(
        self,
        bulk_id: str,
        account: str,
        action: BulkAction,
        where: TaskFilter,
        total: int,
        *,
        by: By | None = None,
    ) -> Bulk: ...

    async def bulk(self, account: str | None, bulk_id: str) -> Bulk | None:
        """None: unknown, for this account (None: for all)."""
        ...

    async def running_bulks(self) -> list[Bulk]:
        """Unfinished operations, oldest first."""
        ...

    async def advance_bulk(
        self,
        bulk_id: str,
        *,
        expected: str | None,
        cursor: str | None,
        done: int,
        skipped: int,
    ) -> bool:
        """Add to the counts and move the cursor on from `expected`; `cursor` None: finished, status DONE.

        One that was aborted stays as it ended: the counts of the chunk that was in flight are added, once, for its work is
        committed. False then: there is nothing to go on with. False, and nothing is written, when another process has moved it.
        """
        ...

    async def abort_bulk(self, account: str | None, bulk_id: str, *, by: By | None = None) -> Bulk | None:
        """running → aborted; what is done stays done, and a chunk in flight is still counted (`advance_bulk`)."""
        ...


# --- access --------------------------------------------------------------------------------------------------------


class AccessStore(Protocol):
    """Users, logins and keys. Here nothing is decided but what has to be decided in one transaction."""

    async def register_user(
        self, user: NewUser, *, closed: bool, quota: Quota | None = None, by: By | None = None
    ) -> User | TaskflowError:
        """Add a user with an account of their own, whose id is the user's; the very first becomes admin of the account
        `default`, where everything is that was there before. EmailTaken; RegistrationClosed if `closed`, but for the first.

        Of several that come first at once, on however many processes, one becomes admin. `quota`: of the account of their own.
        """
        ...

    async def add_user(
        self, user: NewUser, account: str, role: Role, *, by: By | None = None
    ) -> User | TaskflowError:
        """Add a user to an account, which may be new. EmailTaken."""
        ...

    async def any_user(self) -> bool: ...

    async def user(self, user_id: str) -> User | None: ...

    async def login(self, email: str) -> tuple[User, str] | None:
        """The user with this address (compared by domain/access.py, `address_key`), and the hash of their password."""
        ...

    async def users(
        self, account: str | None, *, after: str | None = None, limit: int | None = None
    ) -> list[User]:
        """Those of an account (None: all), oldest first, which is by id; at most `limit`, after the one with the id `after`."""
        ...

    async def set_role(self, user_id: str, role: Role, *, by: By | None = None) -> User | TaskflowError:
        """NotFound; LastAdmin when nobody else is admin. Takes effect with the next look at a session. Twice: no change."""
        ...

    async def set_password(
        self, user_id: str, password_hash: str, *, was: str | None = None, by: By | None = None
    ) -> User | None:
        """Replace the hash, and end every session of the user.

        None, and nothing is changed: unknown, or the hash is not (any more) what it `was`, if that is given.
        """
        ...

    async def begin_session(
        self,
        session_id: str,
        user_id: str,
        ttl_s: float,
        *,
        password_hash: str | None = None,
        by: By | None = None,
    ) -> bool:
        """A login of generation 1, which ends after `ttl_s` without a refresh.

        False: there is no such user, or their password has changed since `password_hash` was compared (None: was not).
        """
        ...

    async def refresh_session(
        self, session_id: str, generation: int, ttl_s: float, *, by: By | None = None
    ) -> User | None:
        """Go on to the next generation, for another `ttl_s`, if `generation` is the present one.

        None otherwise; and if it is an earlier one, somebody has used a refresh token twice, so the session ends, for
        nobody can tell which of the two was the thief (RFC 9700, 4.14). Of several at once exactly one goes on. Such an
        end is what the audit is told, and not that a login goes on.
        """
        ...

    async def end_session(self, session_id: str, *, by: By | None = None) -> None:
        """Twice is harmless."""
        ...

    async def session(self, session_id: str) -> User | None:
        """The user as of now; None: it has ended, has run out, or never was."""
        ...

    async def create_key(self, key: NewKey, *, by: By | None = None) -> Key: ...

    async def key(self, digest: str) -> Key | None:
        """The key whose secret has this digest, unless it is revoked or has expired."""
        ...

    async def use_keys(self, ids: Collection[str]) -> None:
        """Write down that they were used now. A hint for people: may be called rarely."""
        ...

    async def keys(
        self, account: str | None, *, before: str | None = None, limit: int | None = None
    ) -> list[Key]:
        """Those of an account (None: all), revoked and expired ones included; newest first, which is by id; at most `limit`,
        before the one with the id `before`."""
        ...

    async def revoke_key(self, account: str | None, key_id: str, *, by: By | None = None) -> Key | None:
        """From now on `key` does not find it. None: unknown, for this account. Twice: no change."""
        ...

    async def spend(self, buckets: Sequence[Bucket]) -> float:
        """Take one token from each of these, or from none. Answers 0, or the seconds (above 0) until there is one in each."""
        ...

    async def refund(self, name: str) -> None:
        """Fill a bucket up again."""
        ...

    async def charge(self, charges: Mapping[str, Charge]) -> dict[str, float]:
        """Take from each of these buckets what has been granted already, even if it was not there: a bucket may be in debt.

        Answers in how many seconds each is full; below 0: for how long it has been.
        """
        ...

    async def owners(self, ids: Sequence[str]) -> dict[str, str]:
        """The account of each task that exists; cheap, for those who may look into all."""
        ...


# --- audit ---------------------------------------------------------------------------------------------------------


class AuditStore(Protocol):
    """Entries are only ever added; the database itself refuses to change or to remove one."""

    async def append_audit(self, by: By, act: Act) -> None:
        """An entry of what changed nothing, such as a login that failed."""
        ...

    async def audit(self, where: AuditFilter, *, limit: int, cursor: str | None = None) -> AuditPage:
        """Newest first (by id). A cursor stays good while entries come. Invalid for a cursor we did not make."""
        ...


# --- upkeep --------------------------------------------------------------------------------------------------------


class Upkeep(Protocol):
    async def prune(self, retention_s: Mapping[State, float], limit: int) -> Pruned:
        """Remove finished tasks older than their outcome's retention (absent: kept) with attempts and logs, oldest first: each
        at the latest a day after its time, for a store may keep history by whole days. And remove what else has run out:
        idempotency and unique keys, sessions, buckets that are full again, workers dead for a day, rollups older than 30 days,
        samples and durations (TRENDS_KEPT in store/keeping.py), bulk operations finished for 7 days, what schedules did
        more than 30 days ago, or that are gone. And give fingerprints to tasks that failed under an older version
        (store/base_failures.py).

        One call does a bounded amount: about `limit` tasks (a day may go at once, and is told of in as many calls as it takes),
        and at most `limit` each of the rest. Any number of processes may prune at once.
        """
        ...

    async def warnings(self) -> list[str]:
        """What an operator should know about the database, a sentence each: what will become a problem if it lasts."""
        ...

    async def changed(self, wait_s: float) -> News:
        """Wait until another process may have changed something, or `wait_s` seconds: NOTHING. A hint, never the contract.

        WORK is told at once, if need be alone. For the rest there may be a pause after the last, in which more of it gathers.
        """
        ...

    def measure(self, on_transaction: OnTransaction, on_followed: OnFollowed) -> None:
        """From now on `on_transaction` is told of every transaction, and `on_followed` of every commit after which there is
        something to say, before the caller has its answer; in whatever thread it was made."""
        ...

    async def ping(self) -> None:
        """One cheap read; raises StoreUnavailable or SchemaMismatch."""
        ...

    async def describe(self) -> Described:
        """Which database this is, for people; one cheap read, raises as `ping` does."""
        ...

    async def close(self) -> None:
        """Finish what was asked and let go of everything. Twice is harmless; any other call afterwards raises ShuttingDown."""
        ...


class Store(
    TaskStore,
    StepStore,
    WorkerStore,
    QueueStore,
    LimitStore,
    QuotaStore,
    Reads,
    BulkStore,
    FailureStore,
    ScheduleStore,
    AccessStore,
    AuditStore,
    Upkeep,
    WorkflowStore,
    TrendStore,
    Protocol,
):
    """Everything. Only bootstrap, and tests, ask for so much."""
