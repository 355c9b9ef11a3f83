"""A plan is kept from its first use, which may come right after an ANALYZE of tables that are empty. There a look-up by a key
costs what a walk over the whole index costs, and if the walk is kept, it is taken when there are a million rows. So every
statement is planned in just that state here, and must look things up even then."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg
import pytest
import pytest_asyncio

from taskflow_hub.domain.clock import new_id
from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.store.postgres.link import PLANNER
from taskflow_hub.store.postgres.statements import SQL_NAMES, statement

# Texts that are completed for each question, so no plan of theirs is kept, or that are not planned at all.
NO_PLAN: Final = {
    **dict.fromkeys(("audit", "workflows"), "conditions are written for the question"),
    **dict.fromkeys(("count", "counts", "entries", "list", "read_to"), "search.py writes the branches"),
    "only/day_in_use": "the name of a day's table is put in",
    "only/users_lock": "LOCK TABLE",
}
# Of these there are few, whatever else there is: a row for each process, queue, task type or running bulk operation.
FEW: Final = {"bulks", "leaving_days", "queues", "task_types", "workers"}
# What is read from one end to the other on purpose, by statement and table, and why that is right.
COUNTED: Final = "counts what there is, by an index that has nothing else"
FIRST: Final = "the first row, or whether there is one"
EVERY: Final = "a list of all there are"
DEFAULT: Final = "the default account has nearly all of it (parts/account_waiting.sql)"
LANES: Final = "from one lane to the next, and no further"
MEANT: Final[dict[str, dict[str, str]]] = {
    "admins": {"account_users": EVERY},
    "any_user": {"account_users": FIRST},
    "depths": {"tasks": COUNTED},
    "failures": {"failures": "of all accounts, where none is named"},
    "held_lanes": {"tasks": LANES},
    "keys": {"api_keys": EVERY},
    "lease_look": {"quotas": EVERY, "tasks": LANES},
    "limit_held": {"tasks": COUNTED},
    "limit_standing": {"tasks": "what runs: as few rows as there are slots"},
    "limits": {"limits": EVERY},
    "limits_in_use": {"tasks": "what runs: as few rows as there are slots"},
    "limits_of": {"tasks": "what runs: as few rows as there are slots"},
    "next_deadline": {"workflows": FIRST},
    "next_expiry": {"tasks": FIRST},
    "only/allowance": {"tasks": DEFAULT},
    "only/forget_failures": {"failures": "of all accounts, once a day"},
    "only/purge_roots": {"tasks": "oldest first, to its limit"},
    "only/ready_lines": {"tasks": LANES},
    "only/submit_within": {"tasks": DEFAULT},
    "only/tagged": {"task_tags": "of all accounts, where none is named"},
    "prune_orphan_fires": {"schedule_fires": "from one schedule to the next, and no further"},
    "purge": {"tasks": "oldest first, to its limit"},
    "queue_uses": {"tasks": "what runs: as few rows as there are slots"},
    "queues": {"tasks": LANES},
    "quota": {"tasks": DEFAULT},
    "quotas": {"quotas": EVERY},
    "sample_counts": {"tasks": COUNTED},
    "schedules": {"schedules": EVERY},
    "schedules_next": {"schedules": FIRST},
    "unhold": {"tasks": "what is held in all lanes"},
    "users": {"account_users": EVERY},
}
# Where a state is so rare that the planner knows of none, two indexes of it cost the same, though one has the order.
RARE: Final = {name: {"tasks": "of scheduled tasks"} for name in ("next_due", "only/promote_due")}
LONG_AGO: Final = datetime(2001, 1, 1, tzinfo=UTC)


@pytest_asyncio.fixture
async def analyzed(postgres_tables_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Set as a connection of the store is, beside tables that are empty and known to be so."""
    await (await PostgresStore.open(postgres_tables_url)).close()
    connection = await asyncpg.connect(postgres_tables_url, server_settings=PLANNER)
    await connection.execute("ANALYZE")
    yield connection
    await connection.close()


async def plan_kept(sql: asyncpg.Connection, name: str) -> dict[str, Any]:
    await sql.execute(f"PREPARE it AS {statement(name)}")
    kinds = await sql.fetchval("SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = 'it'")
    # No day of history can be left out.
    given = ["'-infinity'" if kind == "timestamp with time zone" else "NULL" for kind in kinds]
    values = f"({', '.join(given)})" if given else ""
    plan: dict[str, Any] = json.loads(await sql.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE it {values}"))[0][
        "Plan"
    ]
    await sql.execute("DEALLOCATE it")
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def scans(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """What is scanned for each row of the other side, if it is a table."""
    if "Append" in plan["Node Type"]:
        return [scan for child in plan["Plans"] for scan in scans(child)]
    return [plan] if "Relation Name" in plan else []


def may_be_large(table: str) -> bool:
    return bool(table) and table not in FEW and not table.startswith("pg_")


def walks(plan: dict[str, Any], leading: dict[str, str]) -> set[tuple[str, str]]:
    """Where a table that may be large is not scanned by what an index begins with, or its rows are then compared one by one."""
    found = set()
    for node in nodes(plan):
        table = table_of(node)
        if may_be_large(table) and "Scan" in node["Node Type"] and node["Node Type"] != "Tid Scan":
            scan = node["Plans"][0] if node["Node Type"] == "Bitmap Heap Scan" else node
            index, condition = scan.get("Index Name"), scan.get("Index Cond", "")
            # All indexes of a day that is empty are alike to the planner, if they have the id in them. Few days are known to be
            # empty, only the last is filled, and by its first rows another plan is made.
            by = (
                "id" if table.startswith("finished_") and names("id", condition) else leading.get(index or "")
            )
            if by is None or not names(by, condition):
                found.add((table, f"{index or node['Node Type']}: {condition or 'all of it'}"))
        if " = " in node.get("Join Filter", ""):
            inner = next(child for child in node["Plans"] if child["Parent Relationship"] == "Inner")
            tables = {table_of(scan) for scan in scans(inner)}
            found |= {(table, f"joined by {node['Join Filter']}") for table in tables if may_be_large(table)}
    return found


def names(column: str, condition: str) -> bool:
    return bool(re.search(rf"(?<![.\w]){re.escape(column)}(?!\w)", condition))


def table_of(node: dict[str, Any]) -> str:
    """Without its day, if it is a part of history."""
    return re.sub(r"_\d{8}$", "", node.get("Relation Name", ""))


async def leading_columns(sql: asyncpg.Connection) -> dict[str, str]:
    rows = await sql.fetch(
        "SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid, 1, true) AS by FROM pg_index"
    )
    return {row["name"]: row["by"] for row in rows}


@pytest.mark.parametrize("name", sorted(SQL_NAMES - NO_PLAN.keys()))
async def test_it_looks_up_what_it_names(analyzed: asyncpg.Connection, name: str) -> None:
    leading, meant = await leading_columns(analyzed), MEANT.get(name, {})
    found = walks(await plan_kept(analyzed, name), leading)
    assert {table for table, _ in found} == meant.keys(), f"beside empty tables: {found}"
    await add_a_few_rows(analyzed)
    found = walks(await plan_kept(analyzed, name), leading)
    assert {table for table, _ in found} <= meant.keys() | RARE.get(name, {}).keys(), (
        f"beside few rows: {found}"
    )


async def add_a_few_rows(sql: asyncpg.Connection) -> None:
    """Of what is joined most. What happens to be alike in them makes one index cheaper than another."""
    await sql.execute(
        """
        WITH flow AS (
            INSERT INTO workflows (id, root_id, account_id, name, status, created_at, left_nodes)
            SELECT id, id, 'a', 'f', 'running', now(), 1 FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 3)) AS one
            RETURNING id
        ),
        node AS (
            INSERT INTO workflow_nodes (workflow_id, node, status, waits)
            SELECT id, 'n', 'running', 0 FROM flow RETURNING workflow_id, node
        ),
        work AS (
            INSERT INTO workflow_tasks (workflow_id, node, item, task_id)
            SELECT workflow_id, node, -1, gen_random_uuid() FROM node RETURNING workflow_id, task_id
        ),
        task AS (
            INSERT INTO tasks (
                id, status, attempt, type, queue, priority, worker, lease_no, created_at, account_id, retry, octets, payload,
                workflow_id
            )
            SELECT task_id, 'running', 1, 't', 'q', 5, 'w', 1, now(), 'a', '{}', 2, '{}', workflow_id FROM work RETURNING id
        ),
        step AS (
            INSERT INTO task_steps (task_id, kind, name, attempt, kept_at, octets) SELECT id, 'step', 's', 1, now(), 0 FROM task
        ),
        unique_key AS (
            INSERT INTO unique_keys (account_id, type, key, task_id, until)
            SELECT 'a', 't', id::text, id, '-infinity' FROM task
        )
        INSERT INTO limits (account_id, key, running) SELECT 'a', id::text, 5 FROM task
        """
    )
    await sql.execute("ANALYZE")


async def test_a_page_of_items_looks_up_its_own(analyzed: asyncpg.Connection) -> None:
    flow = new_id()
    await analyzed.execute(
        """
        WITH work AS (
            INSERT INTO workflow_tasks (workflow_id, node, item, task_id)
            SELECT $1::uuid, 'n', item, gen_random_uuid() FROM generate_series(0, 99) AS item
            RETURNING task_id
        )
        INSERT INTO tasks (id, status, type, queue, priority, created_at, account_id, retry, octets, payload)
        SELECT task_id, 'queued', 't', 'q', 5, now(), 'a', '{}', 2, '{}' FROM work
        """,
        flow,
    )
    answer = await analyzed.fetchval(
        f"EXPLAIN (ANALYZE, FORMAT JSON) {statement('node_items')}", flow, "n", 49, [], 5, 1_000, LONG_AGO
    )
    looked_up = {
        node.get("Index Name"): node.get("Actual Loops") for node in nodes(json.loads(answer)[0]["Plan"])
    }
    assert looked_up["tasks_pkey"] == 5 + 1  # one more tells whether there is another page
