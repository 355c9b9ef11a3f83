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
WORKFLOWS, NODES, WORK, WORK_TASK, WORKFLOWS_SUB = (
    *("workflows_pkey", "workflow_nodes_pkey", "workflow_tasks_pkey"),
    *("workflow_tasks_task", "workflows_sub"),
)
WAITING, STEPS, OF_SCHEDULE = "tasks_waiting", "task_steps_pkey", "tasks_of_schedule"
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
    "purge": (("q", "a", 5, ["w"]), {TASKS}),
    "rates": (("a", LONG_AGO), {"rollups_pkey"}),
    "outcomes": (("a", ["q"], LONG_AGO, 60), {"rollups_pkey"}),
    "ready_since": (("a", ["q"], 5), {READY}),
    "sample_counts": ((), {READY, HELD, RUNNING}),
    "sampled": ((None,), {"samples_pkey"}),
    "samples": (("a", ["q"], LONG_AGO, 60), {"samples_pkey"}),
    "latencies": (("a", ["q"], LONG_AGO, 60), {"durations_pkey"}),
    "durations": (("p", ["a"], ["q"], [60], [LONG_AGO]), {"durations_pkey"}),
    "prune_samples": ((None, DAY, 5, 60), {"samples_by_age"}),
    "prune_durations": ((None, DAY, 5, 60), {"durations_by_age"}),
    "missed_ticks": (("a", LONG_AGO, 5), {"schedule_fires_missed"}),
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
    "limits_in_use": ((), {LIMITED_RUNNING, LIMITS}),
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
    "keep_step": ((None, [ID], [1], ["step"], ["a"], [0.1], [None], ["1"], 1_000), {TASKS, STEPS}),
    "only/step_again": ((None, ID, "step", "a"), {STEPS}),
    "wait_event": ((None, [ID], ["a"], ["1"]), {STEPS}),
    "event": (([ID], ["a"]), {"task_events_pkey"}),
    "events_sent": ((ID,), {"task_events_pkey"}),
    "only/lock_tasks": (([ID],), {TASKS}),
    "awaited": ((ID, "a"), {TASKS, "task_waits_pkey"}),
    "lie_down": (([ID], [1], ["a"]), {TASKS, "task_events_pkey"}),
    "steps": ((None, ID, 0, 100, 1_000), {STEPS}),
    "owns": ((ID, 1), {TASKS}),
    "sleeping": ((ID,), {TASKS, STEPS, "task_waits_pkey"}),
    "delete_steps": (([ID],), {STEPS}),
    "delete_events": (([ID],), {"task_events_pkey"}),
    "delete_waits": (([ID],), {"task_waits_pkey"}),
    "owners": (([ID], LONG_AGO), {TASKS}),
    "login": (("a@b",), {"account_users_address"}),
    "session": ((None, "s"), {"logins_pkey", "account_users_pkey"}),
    "end_sessions": (("u",), {"logins_user"}),
    "key": ((None, "d"), {"api_keys_digest"}),
    "buckets": ((None, ["b"]), {"buckets_pkey"}),
    "spend": ((None, ["b"], [1.0]), {"buckets_pkey"}),
    "prune_sessions": ((None, 5), {"logins_by_age"}),
    "prune_buckets": ((None, 5), {"buckets_by_age"}),
    "schedule_named": (("a", "n"), {"schedules_name"}),
    "schedules_next": ((None, [ID]), {"schedules_due", OF_SCHEDULE}),
    "schedules_due": ((None, 5, [ID]), {"schedules_due"}),
    "schedules_ready": ((None, 5, [ID]), {OF_SCHEDULE}),
    "schedules_busy": (([ID],), {OF_SCHEDULE}),
    "fires": ((ID, LONG_AGO, "fired", 5), {"schedule_fires_pkey"}),
    "fires_other": ((ID, LONG_AGO, "missed", 5), {"schedule_fires_other"}),
    "fires_between": ((ID, LONG_AGO, LONG_AGO), {"schedule_fires_pkey"}),
    "fires_open": ((ID, LONG_AGO, 5), {"schedule_fires_open", TASKS}),
    "settle_starts": (([ID], [LONG_AGO], [LONG_AGO]), {"schedule_fires_pkey"}),
    "settle_fires": (
        (None, [ID], [LONG_AGO], ["fired"], ["x"], ["x"], [1], ["x"], [ID], [ID]),
        {"schedule_fires_pkey"},
    ),
    "delete_fires": ((ID, [LONG_AGO]), {"schedule_fires_pkey"}),
    "prune_fires": ((None, DAY, 5), {"schedule_fires_by_age"}),
    "prune_orphan_fires": ((5,), {"schedule_fires_pkey"}),
    "only/roots_lock": (([ID],), {TASKS, WORK_TASK, WORKFLOWS}),
    "only/workflows_lock": (([ID],), {WORKFLOWS}),
    "only/purge_roots": (("q", "a", 5), {TASKS}),
    "only/expired_roots": ((None, 5), {"tasks_expiring"}),
    "expire": ((None, 1, 5, ["w"], "s"), {"tasks_expiring", TASKS}),
    "in_workflows": (([ID], LONG_AGO), {TASKS, WORKFLOWS}),
    "workflow_rows": (([ID],), {WORKFLOWS}),
    "workflow_graph": ((ID,), {"workflow_graphs_pkey"}),
    "workflow_input": ((ID,), {WORKFLOWS}),
    "workflow_nodes": (([ID], ["n"]), {NODES, WORK}),
    "workflow_nodes_of": (([ID], ["failed"]), {NODES, WORK}),
    "workflow_broken": ((ID,), {NODES, WORK}),
    "workflow_work": (([ID],), {WORK_TASK}),
    "workflow_subs": ((ID,), {"workflows_tree"}),
    "workflow_live": (([ID],), {WORK, TASKS}),
    "workflow_undone": ((ID, "n", LONG_AGO), {WORK}),
    "workflow_missing": ((ID, LONG_AGO), {WORK, NODES, "workflows_tree"}),
    "workflow_undone_subs": ((ID, "n"), {WORKFLOWS_SUB}),
    "workflow_answers": ((None, ID, ["n"], 5, LONG_AGO), {WORK, WORKFLOWS_SUB}),
    "save_workflows": (
        (
            *(None, [ID], ["running"], [None], [1], [0], [None], [None], [None]),
            *([ID], ["n"], ["running"], [0], [0], [None], [1], [0], [0], [True], [None]),
            *([ID], [None]),
        ),
        {WORKFLOWS, NODES, TASKS},
    ),
    "only/succeed_foreseen": (
        (
            *(None, 1, [ID], [1], [ID], [1], [0.1], [None], [None]),
            *([ID], ["running"], [None], [1], [0], [None], [None], [None]),
            *([ID], ["n"], ["running"], [0], [0], [None], [1], [0], [0], [True], [None]),
            *([ID], [None]),
        ),
        {WORKFLOWS, NODES, TASKS},
    ),
    "drop_limits": (("a", ["k"]), {LIMITS}),
    "clone": ((ID, ID, LONG_AGO, None), set()),
    "set_aside": ((ID, "n", "m"), {WORK, WORKFLOWS_SUB}),
    "workflow": ((ID, "a"), {WORKFLOWS}),
    "workflow_look": ((ID, 5, LONG_AGO), {NODES, WORK, TASKS, WORKFLOWS_SUB}),
    "workflow_items": ((ID, ["n"]), {WORK, TASKS}),
    "workflow_counts": (([ID],), {NODES}),
    "workflow_owner": ((ID,), {WORKFLOWS}),
    "workflow_child": ((ID, 1), {TASKS, WORK_TASK, WORKFLOWS}),
    "node_items": ((ID, "n", -1, ["failed"], 5, 5, LONG_AGO), {WORK, TASKS, WORKFLOWS_SUB}),
    "next_deadline": ((None,), {"workflows_deadline"}),
    "workflows_late": ((None, 5, None), {"workflows_deadline"}),
    "ungrouped": ((5,), set()),
    "group_failed": (([ID], 1, [LONG_AGO], ["f"]), set()),
    "only/forget_failures": ((LONG_AGO, LONG_AGO), set()),
    "workflows_old": (("failed", LONG_AGO, 5), {"workflows_by_age"}),
    "workflow_tree": (([ID],), {WORKFLOWS, "workflows_tree"}),
    "workflow_task_ids": (([ID],), {WORK}),
    "delete_workflow_tasks": (([ID],), {WORK}),
    "delete_workflow_nodes": (([ID],), {NODES}),
    "delete_workflow_graphs": (([ID],), {"workflow_graphs_pkey"}),
    "delete_workflows": (([ID],), {WORKFLOWS}),
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
        r"Seq Scan on (tasks|limits|finished_\w+|attempts_\w+|unique_keys|idempotency_keys|task_\w+|workflow\w+)\b",
        plan,
    ), plan
