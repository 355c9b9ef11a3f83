"""What Prometheus is told: its names and labels, and that they are true when the database is away."""

import asyncio
import re
from pathlib import Path
from typing import Any

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from tests.support.http_api import Running, api

from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import StoreUnavailable
from taskflow_hub.domain.lifecycle import UNFINISHED
from taskflow_hub.domain.model import LimitInUse
from taskflow_hub.engine import scrape
from taskflow_hub.engine.metrics import MAX_NAMES

# Dashboards and alarms of users stand on these: a change here is one that the changelog names.
NAMES = """
gauge store_reachable
gauge queue_depth queue,status
gauge queue_held queue,hold
gauge queue_oldest_age_seconds queue
gauge queue_counted_timestamp_seconds
gauge limit_saturation_ratio queue,limit
gauge workers state
gauge worker_slots state
counter tasks_submitted_total queue,type
counter workflows_submitted_total
counter tasks_finished_total status
counter tasks_failed_total reason
counter tasks_redriven_total
counter attempts_total outcome
counter leases_total
counter leases_lost_total outcome
counter retries_total
counter stale_reports_refused_total
counter duplicate_reports_total
counter workers_lost_total
histogram wait_seconds
histogram run_seconds
counter schedule_ticks_total outcome,reason
histogram schedule_lateness_seconds
counter broker_dead_entries_total
histogram http_request_seconds route,method,status
gauge http_requests_in_flight
counter requests_rate_limited_total limit
histogram db_transaction_seconds kind
histogram event_loop_lag_seconds
counter loop_errors_total loop
gauge build_info version
"""


async def families(hub: Running) -> dict[str, Metric]:
    answer = await hub.client.get("/metrics")
    assert answer.status_code == 200, answer.text
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def value(found: dict[str, Metric], name: str, **labels: str) -> float | None:
    """`name` without its prefix, as its sample is named."""
    for family in found.values():
        for sample in family.samples:
            if sample.name == f"taskflow_{name}" and sample.labels == labels:
                return sample.value
    return None


async def test_names_and_labels(tmp_path: Path) -> None:
    async with api(tmp_path, loops=False) as hub:
        described = {
            f"{one.kind} {one.name.removeprefix('taskflow_')} {','.join(one.labels)}".strip()
            for one in hub.engine.metrics.described
        }
        assert described == set(NAMES.strip().splitlines())
        await hub.submit("a")
        found = await families(hub)
    exposed = {name for name in found if name.startswith("taskflow_") and not name.endswith("_created")}
    assert exposed == {one.split()[1].removesuffix("_total").join(("taskflow_", "")) for one in described}
    labels = {one.split()[1]: tuple(one.split()[2:]) for one in described}
    for name in exposed:
        kept = labels.get(name.removeprefix("taskflow_")) or labels.get(
            f"{name.removeprefix('taskflow_')}_total", ()
        )
        wanted = set(",".join(kept).split(",")) - {""}
        for sample in found[name].samples:
            assert set(sample.labels) - {"le"} == wanted, sample


async def test_prometheus_would_not_complain(tmp_path: Path) -> None:
    """What `promtool check metrics` looks at: help, suffixes, base units, and no label that repeats the name."""
    async with api(tmp_path, loops=False) as hub:
        await hub.submit("a")
        found = await families(hub)
    for name, family in found.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        if family.type == "gauge" and name.endswith("_created"):
            continue  # the library's own
        assert family.documentation, name
        assert family.type in {"counter", "gauge", "histogram"}, name
        assert not re.search(r"(milliseconds|_ms|_minutes|_kb|_mb|_percent|_count|_sum|_bucket)$", name), name
        if family.type == "counter":
            assert all(sample.name.endswith(("_total", "_created")) for sample in family.samples)
        else:
            assert not name.endswith("_total"), name
        if family.type == "histogram":
            assert name.endswith("_seconds"), name
            _check_histogram(family)


def _check_histogram(family: Metric) -> None:
    series: dict[tuple[tuple[str, str], ...], list[Any]] = {}
    for sample in family.samples:
        key = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
        series.setdefault(key, []).append(sample)
    assert series, family.name
    for samples in series.values():
        buckets = [one.value for one in samples if one.name.endswith("_bucket")]
        assert buckets == sorted(buckets)
        assert [one.labels["le"] for one in samples if one.name.endswith("_bucket")][-1] == "+Inf"
        assert [one.value for one in samples if one.name.endswith("_count")] == [buckets[-1]]


async def test_queues_are_looked_up_once_a_scrape(tmp_path: Path, monkeypatch: Any) -> None:
    async with api(tmp_path, loops=False) as hub:
        store, asked = hub.engine.store, []
        depths = store.depths

        async def counted(account: str | None) -> Any:
            asked.append(account)
            return await depths(account)

        monkeypatch.setattr(store, "depths", counted)
        for queue in ("mail", "mail", "web"):
            await hub.submit("a", queue=queue)
        await hub.engine.queues.update("web", max_size=4)
        await hub.engine.queues.pause("mail")
        found = await families(hub)
        assert asked == [None]
        assert value(found, "queue_depth", queue="mail", status="queued") == 2
        assert value(found, "queue_depth", queue="web", status="queued") == 1
        assert value(found, "queue_held", queue="mail", hold="paused") == 2
        assert value(found, "queue_held", queue="web", hold="no_worker") == 1
        assert value(found, "limit_saturation_ratio", queue="web", limit="max_size") == 0.25
        assert (value(found, "queue_oldest_age_seconds", queue="mail") or 0.0) > 0
        assert (value(found, "workers", state="alive"), value(found, "store_reachable")) == (0, 1)
        states = {one.labels["status"] for one in found["taskflow_queue_depth"].samples}
        assert states <= {str(state) for state in UNFINISHED}


async def test_limits_by_key_are_told_by_what_they_begin_with(tmp_path: Path, monkeypatch: Any) -> None:
    """There may be one for each customer: the fullest stands for all of them."""
    async with api(tmp_path, loops=False) as hub:
        in_use = [("customer:1", 4, 1), ("customer:2", 4, 3), ("mail", 2, 2), ("customer:3", 5, 1)]

        async def limits_in_use() -> list[LimitInUse]:
            return [LimitInUse(key=key, running=running, active=active) for key, running, active in in_use]

        monkeypatch.setattr(hub.engine.store, "limits_in_use", limits_in_use)
        found = await families(hub)
        told = {one.labels["limit"]: one.value for one in found["taskflow_limit_saturation_ratio"].samples}
        assert told == {"customer:*": 0.75, "mail": 1.0}
        in_use += [(f"key-{n}", 1, 1) for n in range(MAX_NAMES + 5)]
        found = await families(hub)
    assert len(found["taskflow_limit_saturation_ratio"].samples) == MAX_NAMES + 1


async def test_callers_cannot_make_labels(tmp_path: Path) -> None:
    """Neither by the names of queues and types nor by paths and methods."""
    async with api(tmp_path, loops=False) as hub:
        tasks = [{"type": f"t{n}", "queue": f"q{n}"} for n in range(MAX_NAMES + 5)]
        answer = await hub.client.post("/tasks/batch", json={"tasks": tasks})
        assert answer.status_code == 202, answer.text
        for path in (f"/tasks/{new_id()}", "/nowhere", "/nowhere/else", "/ui/assets/nothing.js"):
            await hub.client.get(path)
        await hub.client.request("TRACE", "/tasks")
        found = await families(hub)
    for name in ("taskflow_tasks_submitted", "taskflow_queue_depth"):
        queues = {one.labels["queue"] for one in found[name].samples}
        assert len(queues) == MAX_NAMES + 1
        assert "other" in queues
    assert value(found, "queue_depth", queue="other", status="queued") == 5
    requests = {
        (one.labels["route"], one.labels["method"], one.labels["status"]): one.value
        for one in found["taskflow_http_request_seconds"].samples
        if one.name.endswith("_count")
    }
    assert requests == {
        ("/tasks/batch", "POST", "2xx"): 1,
        ("/tasks/{id}", "GET", "4xx"): 1,
        ("none", "GET", "4xx"): 3,
        ("/tasks", "other", "4xx"): 1,
    }
    assert value(found, "http_requests_in_flight") == 1, "the scrape itself"


async def test_an_outage_of_the_database_leaves_the_rest_readable(
    tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    async with api(tmp_path, loops=False) as hub:
        await hub.submit("a")
        assert value(await families(hub), "queue_depth", queue="default", status="queued") == 1

        async def away(*_: object) -> None:
            raise StoreUnavailable("gone fishing")

        capsys.readouterr()
        monkeypatch.setattr(hub.engine.store, "queues", away)
        found = await families(hub)
        assert value(found, "store_reachable") == 0
        assert found["taskflow_queue_depth"].samples == []
        assert value(found, "tasks_submitted_total", queue="default", type="a") == 1
        assert "Traceback" not in "".join(capsys.readouterr())
        monkeypatch.undo()
        found = await families(hub)
        assert value(found, "store_reachable") == 1
        assert value(found, "queue_depth", queue="default", status="queued") == 1


async def test_a_store_that_is_slow_does_not_hold_up_the_scrape(tmp_path: Path, monkeypatch: Any) -> None:
    """What was seen last is told; what the look finds when it ends is told to the next."""
    async with api(tmp_path, loops=False) as hub:
        await hub.submit("a")
        await families(hub)
        monkeypatch.setattr(scrape, "WAIT_S", 0.05)
        queues, go_on, asked = hub.engine.store.queues, asyncio.Event(), []

        async def slow() -> Any:
            asked.append(1)
            await go_on.wait()
            return await queues()

        monkeypatch.setattr(hub.engine.store, "queues", slow)
        await hub.submit("a")
        for _ in range(2):
            assert value(await families(hub), "queue_depth", queue="default", status="queued") == 1
        assert len(asked) == 1, "no two looks at a time"
        go_on.set()
        monkeypatch.setattr(scrape, "WAIT_S", 30.0)
        assert value(await families(hub), "queue_depth", queue="default", status="queued") == 2
