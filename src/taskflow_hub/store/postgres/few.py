"""A few plain tasks are submitted by one statement, without BEGIN and COMMIT: who submits one alone waits for one round trip.

The long way (submit.py) is five of them. It is worth it for many tasks, and needed for what has to be learned and locked first.
Whether it is, the statement may find out itself: then it has written nothing, and the batch goes the long way.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

import asyncpg

from taskflow_hub.domain.errors import Invalid, TaskflowError
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Task
from taskflow_hub.store.births import Birth
from taskflow_hub.store.documents import json_text, policy_text, to_json
from taskflow_hub.store.keys import maybe_known
from taskflow_hub.store.postgres.faults import UNSTORABLE, Collision
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Transaction, columns
from taskflow_hub.store.values import News, NewTask, Submit, Submitted

SUBMIT_FEW: Final = statement("only/submit_few")

FEW: Final = 50  # from here on COPY saves more than the round trips cost
PATIENCE: Final = "50ms"  # with somebody who just uses the same key; the long way has more
MOST_REMEMBERED: Final = 1_000


class Few:
    """Remembers what was seen to go to a queue with a bound, or to be of an account with quotas: from then on it takes the long
    way."""

    def __init__(self) -> None:
        self._bounded: set[tuple[str | None, str]] = set()
        self._quoted: set[str] = set()

    def may_take(self, submits: Sequence[Submit], newest: str) -> bool:
        """`newest`: the newest id there is, see Intake."""
        if len(submits) > FEW or not 0 < sum([len(request.tasks) for request in submits]) <= FEW:
            return False
        if any(request.call is not None for request in submits):
            return False
        if len(submits) > 1 and any(request.idempotency is not None for request in submits):
            return False  # then nothing could be told apart
        tasks = _tasks(submits)
        if not all(map(_plain, tasks)) or not self._bounded.isdisjoint(map(_way, tasks)):
            return False
        if self._quoted and any(new.account_id in self._quoted for new in tasks):
            return False
        return not any(maybe_known(submits, newest))

    def _bounds(self, tasks: Sequence[NewTask]) -> None:
        """These go to queues that have a bound."""
        if len(self._bounded) >= MOST_REMEMBERED:
            self._bounded.clear()
        self._bounded.update(map(_way, tasks))

    def _quotas(self, tasks: Sequence[NewTask]) -> None:
        """These are of accounts that have quotas."""
        if len(self._quoted) >= MOST_REMEMBERED:
            self._quoted.clear()
        self._quoted.update(new.account_id for new in tasks)

    def took_long(self, submits: Sequence[Submit], *, bounded: bool, quoted: Collection[str]) -> None:
        """These went the long way, and met a bound or none, and these quotas: what else is remembered is out of date."""
        if self._bounded and not bounded:
            self._bounded.difference_update(map(_way, _tasks(submits)))
        if self._quoted:
            self._quoted -= {new.account_id for new in _tasks(submits)}.difference(quoted)

    async def submit(self, tx: Transaction, submits: Sequence[Submit]) -> list[Submitted | TaskflowError]:
        """Raises Collision when it has to go the long way: then nothing is written."""
        tasks = _tasks(submits)
        try:
            rows = await tx.fetch(
                SUBMIT_FEW, tx.now, *columns(map(_row, tasks)), *_kept(submits[0]), PATIENCE
            )
        except (*UNSTORABLE, Invalid, asyncpg.UniqueViolationError) as error:
            raise Collision("not all of it can be stored as it is") from error
        rows.sort(key=itemgetter("n"))
        found = list(zip(tasks, rows, strict=True))
        if rows[0]["seq"] is None:
            self._bounds([new for new, row in found if row["bounded"]])
            self._quotas([new for new, row in found if row["quoted"]])
            raise Collision("a key has been used, a queue has a bound, or an account has quotas")
        tx.note_ready(
            [(row["lane"], new.type, new.priority, new.account_id, row["seq"]) for new, row in found]
        )
        if any(new.expires_at for new in tasks):
            tx.note(News.OTHER)
        made = iter([_task(new, row) for new, row in found])
        return [
            Submitted(tuple([next(made) for _ in request.tasks]), (True,) * len(request.tasks))
            for request in submits
        ]


def _tasks(submits: Sequence[Submit]) -> list[NewTask]:
    return [new for request in submits for new in request.tasks]


def _way(new: NewTask) -> tuple[str | None, str]:
    """What decides which queue it goes to."""
    return (None, new.type) if new.queue is None else (new.queue, "")


def _plain(new: NewTask) -> bool:
    """Ready at once, and nothing but its type is to be looked up."""
    return not (
        new.blocked
        or new.run_at
        or new.delay_s
        or new.tags
        or new.unique
        or new.limits
        or new.parent_id
        or new.schedule_id
        or new.workflow_id
    )


def _row(new: NewTask) -> tuple[Any, ...]:
    """In the order of submit_few.sql. Raises Invalid when the payload is not JSON."""
    return (
        new.id,
        new.type,
        new.queue,
        new.priority,
        new.expires_at,
        new.timeout,
        new.max_retries,
        new.traceparent,
        new.account_id,
        new.user_id,
        policy_text(new.retry),
        len(new.payload),
        json_text(new.payload, "/payload"),
    )


def _kept(request: Submit) -> tuple[Any, ...]:
    """Its idempotency key, and what it is answered with from now on."""
    key = request.idempotency
    if key is None:
        return (None,) * 6
    answer = to_json([(new.id, True) for new in request.tasks])
    return key.account_id, key.route, key.key, key.fingerprint, answer, key.ttl_s


def _task(new: NewTask, row: asyncpg.Record) -> Task:
    birth = Birth(new, row["lane"], State.QUEUED, "", None, row["unrouted"])
    now: datetime = row["created_at"]
    return birth.task(now)
