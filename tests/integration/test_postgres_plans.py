"""Statements go by their index and never walk over a table of tasks: a plan that changes fails here, not in production."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from taskflow_hub.domain.clock import new_id
from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot

READY, HELD, RUNNING, BLOCKED = "tasks_ready", "tasks_held", "tasks_running", "tasks_blocked"
LIMITED_HELD, LIMITED_RUNNING, LIMITS = "tasks_limited_held", "tasks_limited_running", "limits_pkey"
SCHEDULED_QUEUE, UNROUTED, TASKS = "tasks_scheduled_queue", "tasks_unrouted", "tasks_pkey"
WAITING = "tasks_waiting"
ID = new_id()
Ask = Callable[[Snapshot, str, Sequence[Any]], Awaitable[str]]
LONG_AGO, DAY = datetime(2001, 1, 1, tzinfo=UTC), timedelta(days=1)

# What each statement is given, and the indexes of `tasks` and of what else may be large that it must go by.
USES: dict[str, tuple[tuple[Any, ...], set[str]]] = {
    "depths": (("a",), {READY, HELD, RUNNING, SCHEDULED_QUEUE, BLOCKED}),
    "queues": ((), {READY, HELD, RUNNING, SCHEDULED_QUEUE, BLOCKED}),
    "waiting": ((["q"],), {READY, HELD, SCHEDULED_QUEUE}),
    "only/allowance": ((None, ["a"], "1s"), {WAITING, READY, HELD, SCHEDULED_QUEUE}),
    "quota": ((None, "a"), {WAITING, READY, HELD, SCHEDULED_QUEUE, RUNNING}),
    "queue_uses": ((), {READY, HELD, SCHEDULED_QUEUE, RUNNING}),
    "purge": (("q", "a", 5), {TASKS}),
    "rates": (("a", LONG_AGO), {"rollups_pkey"}),
    "orphans": ((10,), {RUNNING}),
    "workers": ((False, None), {RUNNING}),
    "take_back": (("w",), {RUNNING}),
    "route": ((["t"], ["q"]), {UNROUTED}),
    "only/register_lock": (("w", ["t"]), {RUNNING, UNROUTED, TASKS}),
    "lease_look": ((True, ["w"], [0], [ID], 3, True), {LIMITED_HELD, RUNNING, TASKS}),
    "only/lease_line": ((None, "q", "t", 5, "a", 1, 5, "w", 3, 99, None), {READY, TASKS}),
    "held_lanes": ((), {HELD, UNROUTED, LIMITED_HELD}),
    "lease_held": ((None, [ID]), {TASKS}),
    "limit_groups": ((["q"], ["t"], [""], [""], 5), {LIMITED_HELD}),
    "limit_first": ((None, ["q"], ["t"], ["a"], ['["k"]'], [5]), {LIMITED_HELD}),
    "limit_ahead": ((None, ["q"], ["t"], [5], ["a"], [1], 5), {READY}),
    "limit_hold": (([ID], ["limit:k"]), {TASKS}),
    "limit_running": ((["a"],), {LIMITED_RUNNING}),
    "limit_standing": ((), {RUNNING}),
    "hold_unserved": ((["q"], ["t"], 5), {READY, TASKS}),
    "only/ready_lines": ((), {READY}),
    "only/lease_merge": ((None, ["q"], ["t"], ["a"], [1], 5, 5), {READY}),
    "limits_of": ((None, ID, [], 5), {TASKS, LIMITED_RUNNING, RUNNING, LIMITS}),
    "ahead": ((ID, 5), {TASKS, READY}),
    "limit_rows": ((None, ["a"], ["k"]), {LIMITS}),
    "only/limit_lock": ((None, ["a"], ["k"]), {LIMITS}),
    "limit_spend": ((["a"], ["k"], [1.0], [LONG_AGO]), {LIMITS}),
    "limit_state": ((["a"], ["k"], [1], [1.0]), {LIMITS}),
    "only/limit_drop": ((["a"], ["k"]), {LIMITS}),
    "limit_held": (("a",), {LIMITED_HELD}),
    "limit_forget": (("a", "k"), {LIMITS}),
    "prune_idempotency_keys": ((None, 5), {"idempotency_keys_by_age"}),
    "only/prune_unique_lock": ((None, 5), {"unique_keys_by_age", TASKS}),
    "prune_unique_keys": ((None, ["a"], ["t"], ["k"]), {"unique_keys_pkey", TASKS}),
    "prune_workers": ((None, DAY, 5), {RUNNING}),
    "prune_rollups": ((None, DAY, 5), {"rollups_by_age"}),
    "owners": (([ID], LONG_AGO), {TASKS}),
    "login": (("a@b",), {"account_users_address"}),
    "session": ((None, "s"), {"logins_pkey", "account_users_pkey"}),
    "end_sessions": (("u",), {"logins_user"}),
    "key": ((None, "d"), {"api_keys_digest"}),
    "buckets": ((None, ["b"]), {"buckets_pkey"}),
    "spend": ((None, ["b"], [1.0]), {"buckets_pkey"}),
    "prune_sessions": ((None, 5), {"logins_by_age"}),
    "prune_buckets": ((None, 5), {"buckets_by_age"}),
}


@pytest_asyncio.fixture
async def store(postgres_tables_url: str) -> AsyncIterator[PostgresStore]:
    store = await PostgresStore.open(postgres_tables_url)
    yield store
    await store.close()


async def plan_for_values(snapshot: Snapshot, name: str, values: Sequence[Any]) -> str:
    rows = await snapshot.fetch(f"EXPLAIN {statement(name)}", *values)
    return "\n".join([row[0] for row in rows])


async def plan_kept(snapshot: Snapshot, name: str, values: Sequence[Any]) -> str:
    """The one for any values, which is what a connection of the store makes once and goes by."""
    await snapshot.connection.execute(f"PREPARE it AS {statement(name)}")
    given = f"({', '.join(['NULL'] * len(values))})" if values else ""
    rows = await snapshot.fetch(f"EXPLAIN EXECUTE it {given}")
    await snapshot.connection.execute("DEALLOCATE it")
    return "\n".join([row[0] for row in rows])


@pytest.mark.parametrize("ask", [plan_for_values, plan_kept])
@pytest.mark.parametrize("name", USES)
async def test_it_goes_by_its_index(store: PostgresStore, name: str, ask: Ask) -> None:
    values, indexes = USES[name]
    plan = await store._readers.read(lambda snapshot: ask(snapshot, name, values))
    used = set(re.findall(r" using (\w+)", plan)) | set(re.findall(r"Bitmap Index Scan on (\w+)", plan))
    assert indexes <= used, plan
    assert {index for index in used if index.startswith("tasks_")} <= indexes | {TASKS}, plan
    assert not re.search(
        r"Seq Scan on (tasks|limits|finished_\w+|attempts_\w+|unique_keys|idempotency_keys)\b", plan
    ), plan
