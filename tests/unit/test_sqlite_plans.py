"""Hot statements go by their index and never walk over a table: a plan that changes fails here, not in production."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec import Raw

from taskflow_hub.domain.clock import new_id, utc_now
from taskflow_hub.domain.lifecycle import FINAL, State
from taskflow_hub.domain.messages import Register
from taskflow_hub.domain.model import TaskType
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.submission import Limit
from taskflow_hub.domain.workflow_view import WorkflowState
from taskflow_hub.store.audit import question
from taskflow_hub.store.groups import Group
from taskflow_hub.store.sqlite import migrate, parse_url
from taskflow_hub.store.sqlite.connection import connect
from taskflow_hub.store.sqlite.lease import AHEAD, SCAN, Dispatch, _firsts_text, _text
from taskflow_hub.store.sqlite.limits import _branches as limit_branches
from taskflow_hub.store.sqlite.search import COUNT, LIST, _branches, count_each
from taskflow_hub.store.sqlite.statements import SQL_NAMES, statement
from taskflow_hub.store.sqlite.submit import submit
from taskflow_hub.store.sqlite.transaction import Transaction
from taskflow_hub.store.sqlite.workers import _register as register
from taskflow_hub.store.values import AuditFilter, NewTask, Submit, TaskFilter, WorkflowFilter
from taskflow_hub.store.workflow_pages import question as list_workflows

READY, HELD, SCHEDULED, RUNNING = "tasks_ready", "tasks_held", "tasks_scheduled", "tasks_running"
OF_SCHEDULE = "tasks_of_schedule"
LIMITED_HELD, LIMITED_RUNNING, UNSERVED = "tasks_limited_held", "tasks_limited_running", "tasks_unserved"
TASKS, FINISHED = "sqlite_autoindex_tasks_1", "sqlite_autoindex_finished_tasks_1"

# What each statement must go by.
USES = {
    "known": {TASKS, FINISHED},
    "misfits": {TASKS, FINISHED},
    "only/owned": {TASKS},
    "succeed": {TASKS},
    "fail": {TASKS},
    "abort": {TASKS},
    "only/attempt": {TASKS},
    "retry": {TASKS},
    "snooze": {TASKS},
    "release": {TASKS},
    "lose": {TASKS},
    "progress": {TASKS},
    "only/finish": {"tasks_ended"},
    "only/finish_tally": {"tasks_ended"},
    "only/finish_remove": {"tasks_ended"},
    "lease_look": {READY, RUNNING, LIMITED_HELD},
    "hold_unserved": {READY},
    "held_lanes": {UNSERVED},
    "unhold": {UNSERVED},
    "limit_groups": {LIMITED_HELD},
    "limit_running": {LIMITED_RUNNING},
    "limit_held": {LIMITED_HELD},
    "limits_of": {TASKS, LIMITED_RUNNING},
    "ahead": {TASKS, READY},
    "route": {"tasks_unrouted"},
    "waiting": {READY, HELD, SCHEDULED},
    "only/account_waiting": {"tasks_waiting", READY, HELD, SCHEDULED},
    "quota": {RUNNING},
    "queue_uses": {READY, HELD, SCHEDULED, RUNNING},
    "next_due": {SCHEDULED},
    "only/due": {SCHEDULED},
    "promote": {TASKS},
    "next_expiry": {"tasks_expiring"},
    "only/expired": {"tasks_expiring"},
    "expire": {TASKS},
    "cancel_unstarted": {TASKS},
    "only/cancel_running": {TASKS},
    "unblock": {TASKS},
    "skip": {TASKS},
    "reset": {TASKS},
    "redrive": {TASKS},
    "redrive_look": {TASKS, FINISHED},
    "states": {TASKS, FINISHED},
    "update": {TASKS},
    "task": {TASKS, FINISHED},
    "tasks": {TASKS, FINISHED},
    "revs": {TASKS, FINISHED},
    "attempts": {TASKS, FINISHED},
    "logs": {TASKS, FINISHED},
    "log": {TASKS, FINISHED},
    "beat_look": {RUNNING},
    "beat_tasks": {TASKS},
    "orphans": {RUNNING},
    "workers": {RUNNING},
    "take_back": {RUNNING},
    "forgive": {"attempts_crashed", TASKS},
    "unique_find": {TASKS, FINISHED},
    "only/prune_old": {"finished_by_age"},
    "prune_idempotency_keys": {"idempotency_keys_by_age"},
    "prune_unique_keys": {"unique_keys_by_age"},
    "prune_rollups": {"rollups_by_age"},
    "prune_samples": {"samples_by_age"},
    "prune_durations": {"durations_by_age"},
    "ready_since": {READY},
    "sample_counts": {READY, HELD, RUNNING},
    "took": {FINISHED},
    "missed_ticks": {"schedule_fires_missed"},
    "poisoned": {"finished_poison"},
    "delete": {FINISHED},
    "delete_tags": {FINISHED},
    "purge": {TASKS},
    "call_find": {TASKS},
    "submit_look": {TASKS, FINISHED},
    "only/revive": {FINISHED},
    "only/revive_remove": {FINISHED},
    "only/redrive_attempt": {FINISHED},
    "prune_workers": {RUNNING},
    "owners": {TASKS, FINISHED},
    "only/step_look": {TASKS},
    "owns": {TASKS},
    "awaited": {TASKS},
    "sleeping": {TASKS},
    "login": {"account_users_address"},
    "users": {"account_users_account"},
    "end_sessions": {"logins_user"},
    "key": {"api_keys_digest"},
    "keys": {"api_keys_account"},
    "prune_sessions": {"logins_by_age"},
    "prune_buckets": {"buckets_by_age"},
    "schedule_named": {"schedules_name"},
    "schedules_next": {"schedules_due", "schedules_waiting", OF_SCHEDULE},
    "schedules_due": {"schedules_due"},
    "schedules_ready": {"schedules_waiting", OF_SCHEDULE, "workflows_of_schedule"},
    "schedules_busy": {OF_SCHEDULE, "workflows_of_schedule"},
    "fires_other": {"schedule_fires_other"},
    "fires_open": {"schedule_fires_open", TASKS},
    "starts": {FINISHED},
    "prune_fires": {"schedule_fires_by_age"},
    "reject": {TASKS},
    "only/ended": {"tasks_ended_of_workflow"},
    "only/ended_as": {FINISHED},
    "only/standing": {TASKS},
    "only/release_payloads": {"sqlite_autoindex_payloads_1"},
    "only/release_limits": {TASKS},
    "in_workflows": {TASKS, FINISHED},
    "clone": {FINISHED},
    "only/clone_tags": {FINISHED},
    "only/set_aside_workflows": {"workflows_sub"},
    "workflow_work": {"workflow_tasks_task"},
    "workflow_subs": {"workflows_tree"},
    "workflow_live": {TASKS},
    "workflow_undone": {FINISHED},
    "workflow_missing": {FINISHED, "workflows_tree"},
    "workflow_undone_subs": {"workflows_sub"},
    "workflow_answers": {FINISHED, "workflows_sub"},
    "workflow_look": {TASKS, FINISHED, "workflows_sub"},
    "workflow_items": {TASKS},
    "node_items": {TASKS, FINISHED, "workflows_sub"},
    "workflow_child": {TASKS, "workflow_tasks_task"},
    "workflow_tree": {"workflows_tree"},
    "next_deadline": {"workflows_deadline"},
    "workflows_late": {"workflows_deadline"},
    "workflows_old": {"workflows_by_age"},
    "failures": {FINISHED, "finished_by_fingerprint"},
    "ungrouped": {"finished_by_fingerprint"},
    "group_failed": {FINISHED},
    "only/count_failed": {FINISHED},
    "only/finish_failed": {"tasks_ended"},
    "only/unfail": {FINISHED},
    "only/prune_failures": {"failures_over"},
}
# A purge goes along the ids, oldest first, and ends at its limit. Whether there is a user is known with the first; all of them,
# and all keys, are for an admin, who also rarely changes a role.
WALKS = {"purge", "users", "keys", "any_user", "admins"}
BIG = re.compile(
    r"SCAN (tasks|task|kept|sent|wait|finished_tasks|live|finished|attempts|log_lines|payloads|task_tags|unique_keys|"
    r"logins|account_users|api_keys|buckets|schedule_fires|fire|rollups|samples|looked|own|durations|"
    r"workflows|workflow|sub|root|workflow_nodes|node|workflow_tasks|work|workflow_graphs|graph|done)\b(.*)"
)


@pytest.fixture
def connection(database_path: Path) -> Iterator[sqlite3.Connection]:
    url = f"sqlite:///{database_path}"
    migrate(url)
    connection = connect(parse_url(url))
    yield connection
    connection.close()


def plan(connection: sqlite3.Connection, text: str) -> list[str]:
    numbered = [int(number) for number in re.findall(r"\?(\d+)", text)]
    values = (None,) * (max(numbered) if numbered else text.count("?"))
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]


def walks(steps: list[str]) -> list[str]:
    """Steps that go over a whole table, or over an index that is not partial."""
    found = [(match.group(2), step) for step in steps if (match := BIG.match(step))]
    partial = {
        f"tasks_{name}"
        for name in (
            *("ready", "held", "scheduled", "running", "expiring", "blocked"),
            *("ended", "ended_of_workflow"),
            *("limited_held", "limited_running", "unserved"),
        )
    } | {"workflows_deadline"}
    return [step for how, step in found if not any(f"INDEX {name}" in how for name in partial)]


@pytest.mark.parametrize("name", sorted(USES))
def test_it_goes_by_its_index(connection: sqlite3.Connection, name: str) -> None:
    steps = plan(connection, statement(name).sized(4) if statement(name).nothing else statement(name).text)
    used = {match.group(1) for step in steps if (match := re.search(r"INDEX (\w+)", step))}
    assert used >= USES[name], steps


@pytest.mark.parametrize("name", sorted(SQL_NAMES - WALKS))
def test_it_walks_over_no_table(connection: sqlite3.Connection, name: str) -> None:
    found = statement(name)
    if name in {
        "lease_scan",
        "only/lease_branch",
        "only/lease_firsts",
        "only/lease_first",
        "limit_ahead",
        "limit_first",
        "only/limit_branch",
        "list",
        "entries",
        "count",
        "read_to",
        "counts",
        "audit",
        "workflows",
    }:
        return  # put together with others: below
    steps = plan(connection, found.sized(4) if found.nothing else found.text)
    assert not walks(steps), steps


@pytest.mark.parametrize("lanes", [1, 2, 7, 200])
def test_a_lease_sorts_nothing(connection: sqlite3.Connection, lanes: int) -> None:
    """The lanes are merged as they come, so the limit ends the walk."""
    for sql in (SCAN, AHEAD):
        steps = plan(connection, _text(sql, lanes))
        assert not walks(steps), steps
        assert sum("tasks_ready (queue=? AND type=? AND account_id=?)" in step for step in steps) == lanes, (
            steps
        )
        assert not any("TEMP B-TREE" in step for step in steps), steps


@pytest.mark.parametrize("stands", [1, 7])
def test_where_accounts_take_turns_the_first_of_each_are_found(
    connection: sqlite3.Connection, stands: int
) -> None:
    steps = plan(connection, _firsts_text(stands))
    assert sum("tasks_ready (queue=? AND type=? AND account_id=?)" in step for step in steps) == stands, steps
    assert not any("TEMP B-TREE" in step for step in steps), steps


@pytest.mark.parametrize("lanes", [1, 7])
def test_a_lease_sorts_nothing_but_the_held_tasks_it_may_give(
    connection: sqlite3.Connection, lanes: int
) -> None:
    steps = plan(connection, _text(SCAN, lanes, held=True))
    assert sum("tasks_ready (queue=? AND type=? AND account_id=?)" in step for step in steps) == lanes, steps
    assert sum("TEMP B-TREE" in step for step in steps) == 1, steps
    assert not walks([step for step in steps if "json_each" not in step]), steps


def test_held_tasks_are_found_by_what_limits_them(connection: sqlite3.Connection) -> None:
    text, _ = limit_branches(0, [(Group(("q", "t"), ("default", ("a",)), 5, 1), 1)] * 3)
    steps = plan(connection, text)
    wanted = "tasks_limited_held (queue=? AND type=? AND account_id=? AND limits=?)"
    assert sum(wanted in step for step in steps) == 4, steps
    assert not any("TEMP B-TREE" in step for step in steps), steps


@pytest.mark.parametrize(
    ("where", "index"),
    [
        (TaskFilter(status=(State.FAILED,)), "finished_by_status (account_id=? AND status=?"),
        (
            TaskFilter(status=(State.FAILED,), type="t"),
            "finished_by_type (account_id=? AND type=? AND status=?",
        ),
        (
            TaskFilter(status=(State.FAILED,), queue="q"),
            "finished_by_queue (account_id=? AND queue=? AND status=?",
        ),
        (
            TaskFilter(status=(State.FAILED,), user="u"),
            "finished_by_user (account_id=? AND user_id=? AND status=?",
        ),
        (
            TaskFilter(status=(State.FAILED,), queues=("q", "r")),
            "finished_by_queue (account_id=? AND queue=? AND status=?",
        ),
        (TaskFilter(status=(State.FAILED,), tag="x"), "PRIMARY KEY (account_id=? AND tag=?"),
        (TaskFilter(fingerprint="f"), "finished_by_fingerprint (fingerprint=? AND account_id=?"),
        (TaskFilter(error="e"), "finished_by_status (account_id=? AND status=?"),
        (TaskFilter(error="e", type="t"), "finished_by_type (account_id=? AND type=? AND status=?"),
    ],
)
def test_lists_of_finished_tasks_go_by_their_filter(
    connection: sqlite3.Connection, where: TaskFilter, index: str
) -> None:
    for cursor in (None, "01a20727-634d-737c-94d6-9c333f810ff2"):
        branches, _ = _branches("default", where, cursor, 11)
        steps = plan(connection, LIST.text.replace("/*branches*/", " UNION ALL ".join(branches)))
        assert any(index in step for step in steps), steps
        assert not walks([step for step in steps if "finished" in step]), steps
    branches, _ = _branches("default", where, None, None)
    steps = plan(connection, COUNT.text.replace("/*branches*/", " UNION ALL ".join(branches)))
    assert any(index in step for step in steps), steps


@pytest.mark.parametrize(
    ("where", "index"),
    [
        (TaskFilter(), "finished_by_status (account_id=? AND status=?)"),
        (TaskFilter(type="t"), "finished_by_type (account_id=? AND type=? AND status=?)"),
        (TaskFilter(queues=("q",)), "finished_by_queue (account_id=? AND queue=? AND status=?)"),
        (TaskFilter(user="u"), "finished_by_user (account_id=? AND user_id=? AND status=?)"),
        (TaskFilter(created_after=utc_now()), "finished_by_status (account_id=? AND status=? AND id>?)"),
    ],
)
def test_counts_of_each_state_look_at_that_state_alone(
    connection: sqlite3.Connection, where: TaskFilter, index: str
) -> None:
    text, values = count_each("default", where, 11)
    steps = plan(connection, text)
    assert text.count("?") == len(values)
    assert sum(index in step for step in steps) == len(FINAL), steps
    assert not walks(steps), steps
    used = {match.group(1) for step in steps if (match := re.search(r"INDEX (\w+)", step))}
    if where.created_after is None:  # of those by time the newest are looked at, whatever their state
        assert used >= {READY, HELD, SCHEDULED, RUNNING, "tasks_blocked"}, steps


@pytest.mark.parametrize(
    "where",
    [
        TaskFilter(),
        TaskFilter(status=(State.FAILED,)),
        TaskFilter(status=(State.FAILED, State.SUCCESS), type="t", queue="q", user="u"),
        TaskFilter(queues=("q", "r")),
    ],
)
def test_lists_of_all_accounts_sort_nothing(connection: sqlite3.Connection, where: TaskFilter) -> None:
    """They walk along the ids, newest first, until the page is full."""
    branches, values = _branches(None, where, "01a20727-634d-737c-94d6-9c333f810ff2", 11)
    for branch in branches:
        steps = plan(connection, branch)
        assert not any("TEMP B-TREE" in step for step in steps), steps
        assert any(f"{TASKS} (id<?)" in step or f"{FINISHED} (id<?)" in step for step in steps), steps
    assert sum(branch.count("?") for branch in branches) == len(values)


@pytest.mark.parametrize(
    ("where", "by"),
    [
        (AuditFilter(), "audit"),
        (AuditFilter(since=utc_now(), until=utc_now()), "audit USING PRIMARY KEY (id>? AND id<?)"),
        (AuditFilter(account="a"), "audit_account (account_id=?"),
        (AuditFilter(account="a", actor="b", since=utc_now()), "audit_account (account_id=? AND id>?"),
        (AuditFilter(entity="queue", entity_id="q"), "audit_entity (entity=? AND entity_id=?"),
        (AuditFilter(entity="queue", entity_id="q", actions=("b", "c")), "audit_entity (entity=? AND"),
    ],
)
def test_the_audit_sorts_nothing(connection: sqlite3.Connection, where: AuditFilter, by: str) -> None:
    text, values = question(statement("audit").text, where, 50, None, "?{}".format)
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", [None] * len(values))]
    assert any(by in step for step in steps), steps
    assert not any("TEMP B-TREE" in step for step in steps), steps


@pytest.mark.parametrize(
    ("where", "by"),
    [
        (WorkflowFilter(), "workflows_list (account_id=?)"),
        (WorkflowFilter(tag="x", name="n"), "workflows_list (account_id=?)"),
        (WorkflowFilter(status=(WorkflowState.FAILED,)), "workflows_by_status (account_id=? AND status=?)"),
        (WorkflowFilter(created_after=utc_now()), "workflows_list (account_id=? AND id>?)"),
    ],
)
def test_lists_of_workflows_sort_nothing(
    connection: sqlite3.Connection, where: WorkflowFilter, by: str
) -> None:
    tagged = statement("parts/has_tag").text
    text, values = list_workflows(statement("workflows").text, "a", where, 50, None, "?{}".format, tagged)
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", [None] * len(values))]
    assert any(by in step for step in steps), steps
    assert not any("TEMP B-TREE" in step for step in steps), steps


# --- the same in steps of SQLite's machine: what a plan does not tell ------------------------------------------------------


def effort(connection: sqlite3.Connection, work: Callable[[], object]) -> int:
    """Steps of SQLite's virtual machine, in tens."""
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    connection.set_progress_handler(count, 10)
    work()
    connection.set_progress_handler(None, 10)
    return steps


def test_effort_does_not_grow_with_what_waits(database_path: Path) -> None:
    url = f"sqlite:///{database_path}"
    migrate(url)
    connection = connect(parse_url(url), writer=True)
    tx = Transaction(connection, utc_now())
    new = {"max_retries": 3, "retry": RetryPolicy(), "timeout": None, "payload": Raw(b"{}")}

    def submit_some() -> None:
        news = [NewTask(id=new_id(), type=f"t{n % 5}", queue=f"q{n % 3}", **new) for n in range(3_000)]  # type: ignore[arg-type]
        submit(tx, [Submit(tuple(news))])
        last.append(news[-1].id)

    last: list[str] = []
    worker = Register(
        worker=new_id(),
        name="w",
        host="h",
        pid=1,
        version="1",
        slots=10_000,
        window=0,
        types=tuple(TaskType(type=f"t{n}") for n in range(5)),
    )
    register(tx, worker)
    dispatch = Dispatch()

    def lease_some() -> None:
        assert len(dispatch.lease(tx, None, 20).leases) == 20

    work: dict[str, Callable[[], object]] = {
        "lease": lease_some,
        "look": lambda: tx.value(statement("lease_look")),
        "queues": lambda: tx.value(statement("queues")),
        "submit_look": lambda: tx.value(statement("submit_look"), "[]"),
        "only/due": lambda: tx.value(statement("next_due")),
        "ahead": lambda: tx.value(statement("ahead"), last[-1], 1_000),
    }
    submit_some()
    lease_some()
    few = {name: effort(connection, one) for name, one in work.items()}
    for _ in range(9):
        submit_some()
    many = {name: effort(connection, one) for name, one in work.items()}
    connection.close()
    for name in work:
        assert many[name] <= 1.3 * few[name] + 10, f"{name}: {few[name]} → {many[name]}"


def test_effort_does_not_grow_with_what_limits_hold_back(database_path: Path) -> None:
    url = f"sqlite:///{database_path}"
    migrate(url)
    connection = connect(parse_url(url), writer=True)
    tx = Transaction(connection, utc_now())
    new = {"max_retries": 3, "retry": RetryPolicy(), "timeout": None, "payload": Raw(b"{}")}
    dispatch = Dispatch()
    register(
        tx,
        Register(
            worker=new_id(),
            name="w",
            host="h",
            pid=1,
            version="1",
            slots=100,
            window=0,
            types=(TaskType(type="t"),),
        ),
    )

    def hold_some(count: int) -> None:
        limits = (Limit("a", running=1),)
        news = [NewTask(id=new_id(), type="t", limits=limits, **new) for _ in range(count)]  # type: ignore[arg-type]
        submit(tx, [Submit(tuple(news))])
        while dispatch.lease(tx, None, 100).more:
            pass

    def lease_nothing() -> None:
        assert dispatch.lease(tx, None, 100).leases == ()

    hold_some(1_000)
    few = effort(connection, lease_nothing)
    hold_some(9_000)
    many = effort(connection, lease_nothing)
    connection.close()
    assert many <= 1.1 * few + 5, f"{few} → {many}"
