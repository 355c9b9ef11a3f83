"""Lists on PostgreSQL: a page costs about what it shows, however much history there is and whichever way it is found."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from taskflow_hub.domain.clock import Clock
from taskflow_hub.domain.lifecycle import FINAL, State
from taskflow_hub.store.base import Store
from taskflow_hub.store.postgres import PostgresStore, search
from taskflow_hub.store.postgres.transaction import Snapshot
from taskflow_hub.store.values import TaskFilter
from taskflow_hub.testing.store_contract import OpenStore
from taskflow_hub.testing.store_contract.kit import ContractBase, Kit
from taskflow_hub.testing.store_contract.reading import ReadingContract

NOW = datetime.now(UTC)


class TestByATagThatManyHave(ContractBase):
    """Then the other conditions are gone by. The contract's own test has only few tasks of a tag."""

    @pytest.fixture
    def open_store(self, postgres_tables_url: str, monkeypatch: pytest.MonkeyPatch) -> OpenStore:
        monkeypatch.setattr(search, "MANY", 0)

        def open_one(clock: Clock) -> Awaitable[Store]:
            return PostgresStore.open(postgres_tables_url, clock=clock, survey_s=0.0)

        return open_one

    async def test_filters(self, kit: Kit) -> None:
        await ReadingContract.test_filters(self, kit)  # type: ignore[arg-type]


@pytest_asyncio.fixture
async def store(postgres_tables_url: str) -> AsyncIterator[PostgresStore]:
    store = await PostgresStore.open(postgres_tables_url)
    yield store
    await store.close()


async def plan_of(store: PostgresStore, where: TaskFilter, cursor_id: str | None = None) -> str:
    """Of one page."""

    async def explain(snapshot: Snapshot) -> str:
        along_tag = await search._along_tag(snapshot, "default", where)
        question = search._Question("default", where, cursor_id, along_tag, 1 << 20)
        text = question.page(search.LIST, search._WHOLE, 51)
        return "\n".join([row[0] for row in await snapshot.fetch(f"EXPLAIN {text}", *question.values)])

    return await store._readers.read(explain)


@pytest.mark.parametrize(
    ("where", "index"),
    [
        ({}, "account_id_id"),
        ({"type": "t"}, "account_id_type_id"),
        ({"queue": "q"}, "account_id_queue_id"),
        ({"user": "u"}, "account_id_user_id_id"),
        ({"type": "t", "created_before": NOW}, "account_id_type_id"),
        ({"status": (State.FAILED,), "type": "t"}, "account_id_type_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value) or "all",
)
@pytest.mark.parametrize("cursor_id", [None, "01a207c4-3c39-7d0d-89ee-72acbda65b82"], ids=["first", "later"])
async def test_a_page_is_a_merge_of_days_each_in_order(
    store: PostgresStore, where: dict[str, Any], index: str, cursor_id: str | None
) -> None:
    plan = await plan_of(store, TaskFilter(**where), cursor_id)
    assert "Merge Append" in plan
    assert "Seq Scan" not in plan
    used = Counter(re.findall(r"Index Scan Backward using finished_[a-z]+_\d+_(\w+?)_idx\d* ", plan))
    parts = re.findall(r" on finished_([a-z]+)_\d+ ", plan)
    assert used == {index: len(parts)}, plan
    assert set(parts) == set(where.get("status", FINAL)), "no other outcome is looked at"


@pytest.mark.parametrize("where", [{}, {"type": "t"}, {"queue": "q"}, {"user": "u"}], ids=str)
async def test_counts_of_each_state_look_at_that_state_alone(
    store: PostgresStore, where: dict[str, Any]
) -> None:
    async def explain(snapshot: Snapshot) -> str:
        question = search._Question("default", TaskFilter(**where), None, False)
        text = question.each_state(search.COUNTS, 11)
        return "\n".join([row[0] for row in await snapshot.fetch(f"EXPLAIN {text}", *question.values)])

    plan = await store._readers.read(explain)
    assert "Seq Scan" not in plan
    live = set(re.findall(r" using (tasks_\w+) on tasks", plan)) | set(
        re.findall(r"Bitmap Index Scan on (tasks_\w+)", plan)
    )
    assert live == {"tasks_ready", "tasks_held", "tasks_scheduled_queue", "tasks_running", "tasks_blocked"}, (
        plan
    )
    used = set(re.findall(r"Index (?:Only )?Scan (?:using|on) finished_[a-z]+_\d+_(\w+?)_idx\d*", plan))
    assert used, plan
    assert all(name.startswith("account_id_") for name in used), "none of those that have all accounts"
    assert plan.count("Limit ") == len(State), "none is counted without end"


async def test_what_takes_too_long_to_count_is_estimated(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No index leads to what is asked for, so that a count would look at everything."""
    waits = "SELECT status, count + length(pg_sleep(60)::text) AS count FROM (/* branches */) AS counted"
    monkeypatch.setattr(search, "COUNTS", waits)
    monkeypatch.setattr(search, "COUNTING_MS", 50)
    found = await store.counts("default", TaskFilter(type="t", queue="q"), at_most=10)
    assert set(found) == set(State)
    assert not any(count.exact for count in found.values())
    assert all(count.count >= 0 for count in found.values())


async def test_what_was_made_lately_cannot_have_finished_before(store: PostgresStore) -> None:
    plan = await plan_of(store, TaskFilter(created_after=datetime(2100, 1, 1, tzinfo=UTC)))
    assert len(re.findall(r" on finished_[a-z]+_\d+ ", plan)) == 0


async def test_along_a_tag_each_task_is_looked_up_by_its_id(store: PostgresStore) -> None:
    plan = await plan_of(store, TaskFilter(tag="x", type="t"))
    assert "using task_tags_pkey on task_tags" in plan
    assert "using tasks_pkey on tasks" in plan
    used = set(re.findall(r" using finished_[a-z]+_\d+_(\w+?)_idx\d* ", plan))
    assert used == {"id"}, plan
    assert "Seq Scan" not in plan
