"""The books of a hub's schedules, straight from its database: every tick is one task or workflow, or one record of why not."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any, Final

import psycopg

from taskflow_hub.domain.ticks import Timing

REASONS: Final[dict[str, set[str | None]]] = {
    "fired": {None},
    "waiting": {None},
    "missed": {"downtime", "refused"},
    "skipped": {"overlap"},
}


def check_books(database_url: str) -> Counter[str]:
    """Nothing runs. Of schedules that nobody has changed since they were made; how many of their ticks ended how.

    Each tick by itself: every one up to the next has a record, in its place, no other has one, and what fired has a run of its
    own, which no other has.
    """
    records, outcomes = defaultdict[str, list[tuple[datetime, int]]](list), Counter[str]()
    of_ticks = Counter[tuple[str, str]]()
    for schedule, planned_at, outcome, reason, ticks, task, workflow in _rows(
        database_url,
        "SELECT CAST(schedule_id AS text), planned_at, outcome, reason, ticks, CAST(task_id AS text), "
        "CAST(workflow_id AS text) FROM schedule_fires ORDER BY planned_at",
    ):
        records[schedule].append((_moment(planned_at), ticks))
        outcomes[outcome] += ticks
        assert reason in REASONS[outcome], f"{outcome}, {reason}"
        started = [run for run in (task, workflow) if run is not None]
        assert len(started) == (outcome == "fired")
        for run in started:
            assert ticks == 1
            of_ticks[run, schedule] += 1
    runs = Counter(
        (id, schedule)
        for table in ("tasks", "finished_tasks", "workflows")
        for id, schedule in _rows(
            database_url, f"SELECT CAST(id AS text), schedule_id FROM {table} WHERE schedule_id IS NOT NULL"
        )
    )
    assert runs == of_ticks, "a run is that of one tick, and a tick that fired has one run"
    assert set(runs.values()) <= {1}
    for workflow, nodes, there in _rows(database_url, _NODES):
        assert nodes == there, f"the workflow {workflow} has {there} of its {nodes} nodes"
    for id, cron, every_s, tz, created_at, next_at in _rows(
        database_url,
        "SELECT CAST(id AS text), cron, every_s, timezone, created_at, next_at FROM schedules",
    ):
        begin = _moment(created_at)
        timing = Timing(cron=cron, every_s=every_s, tz=tz, created_at=begin)
        came = list(timing.within(begin, _moment(next_at) - timedelta(microseconds=1)))
        # A record of several stands at the last of them.
        told = records.pop(id, [])
        places = list(accumulate(ticks for _, ticks in told))
        stand_at = [came[place - 1] for place in places if place <= len(came)]
        told_at = [at for at, _ in told]
        assert told_at == stand_at, f"{id}: {set(told_at) ^ set(stand_at)}"
        assert (places or [0])[-1] == len(came), (
            f"{id}: {(places or [0])[-1]} of {len(came)} ticks are told of"
        )
    assert not records, "records of no schedule"
    return outcomes


# Of each workflow that a schedule began: its nodes that were to end, and those that are there.
_NODES = (
    "SELECT CAST(id AS text), CASE WHEN status = 'running' THEN left_nodes ELSE 0 END, "
    "(SELECT count(*) FROM workflow_nodes WHERE workflow_id = workflows.id AND status IN ('blocked', 'running')) "
    "FROM workflows WHERE schedule_id IS NOT NULL"
)


def _moment(at: Any) -> datetime:
    return at if isinstance(at, datetime) else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)


def _rows(database_url: str, sql: str) -> Sequence[tuple[Any, ...]]:
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as connection:
            return connection.execute(sql).fetchall()
    with psycopg.connect(database_url) as connection:
        return connection.execute(sql.encode()).fetchall()
