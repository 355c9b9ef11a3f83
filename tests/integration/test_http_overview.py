"""The overview and a queue over time, over HTTP: with real work, of whom, how far back, and what is refused."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partialmethod
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.support.http_api import Running, api
from tests.support.people import ACCOUNTS, Headers, People

from taskflow_hub.domain.access import Role, Scope
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.messages import Register
from taskflow_hub.domain.outcomes import Fail
from taskflow_hub.store.postgres import transaction as postgres
from taskflow_hub.store.sqlite import transaction as sqlite
from taskflow_hub.worker.registry import Registry

RANGES = {"1h": (60, 60), "24h": (900, 96), "7d": (7200, 84)}
NOBODY = {"queued": 0, "running": 0, "scheduled": 0, "oldest_age": None}


@pytest_asyncio.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with api(tmp_path, database_url, loops=False) as running:
        yield running


async def shown(hub: Running, headers: Headers | None = None, **params: str) -> Any:
    answer = await hub.client.get("/overview", params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def trend(hub: Running, queue: str, headers: Headers | None = None, **params: str) -> Any:
    answer = await hub.client.get(f"/queues/{queue}/trend", params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def codes(overview: Any) -> list[str]:
    return [one["code"] for one in overview["attention"]]


async def test_a_hub_that_has_done_nothing(hub: Running) -> None:
    seen = await shown(hub)
    assert seen["now"] == {**NOBODY, "workers": {"alive": 0, "draining": 0, "slots": 0, "busy": 0}}
    assert seen["totals"] == {"success": 0, "failed": 0, "cancelled": 0}
    assert (seen["types"], seen["attention"]) == ([], [])
    assert {point["success"] for point in seen["points"]} == {0}


@pytest.mark.parametrize("within", RANGES)
async def test_a_range_has_its_steps(hub: Running, within: str) -> None:
    step, count = RANGES[within]
    for seen in (await shown(hub, range=within), await trend(hub, "q", range=within)):
        times = [datetime.fromisoformat(point["at"]).timestamp() for point in seen["points"]]
        assert (seen["range"], seen["step"], len(times)) == (within, step, count)
        assert times[0] == datetime.fromisoformat(seen["from"]).timestamp()
        assert times == [times[0] + step * n for n in range(count)]
        assert datetime.fromisoformat(seen["to"]).timestamp() == times[-1] + step
        assert times[0] % step == 0, "so that a point stays where it is from one look to the next"


async def test_a_wrong_range_is_named(hub: Running) -> None:
    for path in ("/overview", "/queues/q/trend"):
        answer = await hub.client.get(path, params={"range": "2h"})
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["pointer"] == "/query/range"
        assert "1h" in error["detail"]


async def test_real_work_is_counted(database_url: str, tmp_path: Path) -> None:
    handlers = Registry()

    async def works() -> None:
        pass

    async def fails() -> Fail:
        return Fail("as it should")

    handlers.add("works", works, queue="good")
    handlers.add("fails", fails, queue="bad")
    async with api(tmp_path, database_url, handlers=handlers) as hub:
        wait = {"Prefer": "wait=30"}
        types = ["works"] * 3 + ["fails"] * 5
        await asyncio.gather(
            *(hub.client.post("/tasks", json={"type": type}, headers=wait) for type in types)
        )
        cancelled = await hub.submit("works", delay=600)
        await hub.client.post(f"/tasks/{cancelled['id']}/cancel")
        await hub.submit("works", delay=600)
        for within in RANGES:
            seen = await shown(hub, range=within)
            assert seen["totals"] == {"success": 3, "failed": 5, "cancelled": 1}
            for status, count in seen["totals"].items():
                assert sum(point[status] for point in seen["points"]) == count
            assert seen["types"] == [{"type": "fails", "success": 0, "failed": 5, "cancelled": 0}]
            assert codes(seen) == ["failing_type"]
            assert seen["attention"][0]["type"] == "fails"
            assert seen["attention"][0]["text"] == "fails fails: 5 of 5 tasks in the last hour."
            good, bad = await trend(hub, "good", range=within), await trend(hub, "bad", range=within)
            assert sum(point["success"] for point in good["points"]) == 3
            assert sum(point["cancelled"] for point in good["points"]) == 1
            assert sum(point["failed"] for point in good["points"]) == 0
            assert sum(point["failed"] for point in bad["points"]) == 5
        await hub.engine.loops[-1].tick()  # which it would do in a few seconds by itself
        for within in RANGES:
            (point,) = [
                point for point in (await shown(hub, range=within))["points"] if point["run_p50"] is not None
            ]
            assert 0 <= point["wait_p50"] <= point["wait_p95"] < 60
            assert 0 <= point["run_p50"] <= point["run_p95"] < 60
        now = (await shown(hub))["now"]
        workers = now.pop("workers")
        assert now == {**NOBODY, "scheduled": 1}
        assert (workers["alive"], workers["draining"], workers["busy"]) == (1, 0, 0)


async def test_what_waits_in_vain_is_told(hub: Running) -> None:
    await hub.client.post("/queues/mail/pause")
    assert codes(await shown(hub)) == [], "nothing waits in it"
    await hub.submit("mail.send", queue="mail")
    await hub.client.patch("/queues/small", json={"max_size": 1})
    await hub.submit("small", queue="small")
    seen = await shown(hub)
    assert codes(seen) == ["no_workers", "queue_paused", "queue_full"]
    assert seen["attention"][0] == {
        "code": "no_workers",
        "severity": "critical",
        "text": "No worker is alive, and 2 tasks wait.",
        "queue": None,
        "type": None,
        "schedule_id": None,
        "worker_id": None,
        "limit": None,
    }
    assert [one["queue"] for one in seen["attention"]] == [None, "mail", "small"]
    assert (seen["now"]["queued"], seen["now"]["oldest_age"] >= 0) == (2, True)


async def test_what_waited_is_shown_where_somebody_was_there(hub: Running) -> None:
    await hub.submit("a", queue="q")
    await hub.submit("b", queue="q")
    await hub.submit("b")
    await hub.engine.store.sample()
    for within in RANGES:
        seen, of_q, of_none = (
            await shown(hub, range=within),
            await trend(hub, "q", range=within),
            await trend(hub, "none", range=within),
        )
        for one, queued in ((seen, 3), (of_q, 2), (of_none, 0)):
            sampled = [point for point in one["points"] if point["queued"] is not None]
            assert [(point["queued"], point["running"]) for point in sampled] == [(queued, 0)]
            assert (sampled[0]["oldest_age"] is None) == (queued == 0)
            assert len(one["points"]) > 1, "in the others nobody was there"


async def test_what_went_wrong_is_told(hub: Running) -> None:
    store, now = hub.engine.store, datetime.now(UTC)
    lost = new_id()
    await store.register(Register(worker=lost, name="w", host="far", pid=1, version="1", slots=1, window=0))
    await store.bury(lost)
    seen = await shown(hub)
    assert [(one["code"], one["worker_id"], one["text"]) for one in seen["attention"]] == [
        ("worker_lost", lost, "The worker w on far was lost in the last hour.")
    ]
    assert seen["now"]["workers"]["alive"] == 0
    assert await store.lost_workers(now - timedelta(hours=1), 10)


async def test_how_much_there_is_costs_no_statement_more(
    hub: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for kind in (sqlite.Snapshot, postgres.Snapshot):
        for name in ("value", "decode", "fetch", "row"):
            if (verb := getattr(kind, name, None)) is not None:
                monkeypatch.setattr(kind, name, partialmethod(_noting, verb, asked))

    async def statements() -> int:
        asked.clear()
        await shown(hub, range="7d")
        await trend(hub, "q-1", range="7d")
        return len(asked)

    await hub.submit("t", queue="q-1")
    few = await statements()
    for n in range(40):
        await hub.submit(f"t.{n}", queue=f"q-{n}")
        await hub.client.post(f"/queues/q-{n}/pause")
    assert await statements() == few <= 20


def _noting(self: Any, verb: Any, asked: list[str], *args: Any) -> Any:
    asked.append(verb.__name__)
    return verb(self, *args)


async def test_a_quota_that_is_used_up(hub: Running) -> None:
    await hub.client.patch("/accounts/default/quota", json={"queued": 1})
    assert codes(await shown(hub)) == []
    await hub.submit()
    quota = (await shown(hub))["attention"][-1]
    assert (quota["code"], quota["limit"]) == ("quota_full", "queued")


async def test_nobody_sees_what_others_have(database_url: str, tmp_path: Path) -> None:
    async with api(tmp_path, database_url, loops=False, auth=ACCOUNTS) as hub:
        people = People(hub)
        _, admin = await people.user(Role.ADMIN, "the-admins")
        _, ada = await people.user(Role.USER, "ada")
        _, bob = await people.user(Role.USER, "bob")
        body = {"type": "secret.of.ada", "queue": "hers"}
        for _ in range(2):
            assert (await hub.client.post("/tasks", json=body, headers=ada)).status_code == 202
        made = (await hub.client.post("/tasks", json={**body, "queue": "other"}, headers=ada)).json()
        assert (await hub.client.post(f"/tasks/{made['id']}/cancel", headers=ada)).status_code == 200
        assert (await hub.client.post("/queues/hers/pause", headers=admin)).status_code == 200

        seen = {"ada": await shown(hub, ada), "bob": await shown(hub, bob), "admin": await shown(hub, admin)}
        assert {name: one["now"]["queued"] for name, one in seen.items()} == {"ada": 2, "bob": 0, "admin": 2}
        assert {name: one["totals"]["cancelled"] for name, one in seen.items()} == {
            "ada": 1,
            "bob": 0,
            "admin": 1,
        }
        assert codes(seen["ada"]) == codes(seen["admin"]) == ["no_workers", "queue_paused"]
        assert seen["bob"]["attention"] == []
        ended = [sum(p["cancelled"] for p in (await trend(hub, "other", h))["points"]) for h in (ada, bob)]
        assert ended == [1, 0]

        narrow = await people.key(Scope.READ, account="ada", queues=("other",))
        assert (await shown(hub, narrow))["now"]["queued"] == 0
        assert (await shown(hub, narrow))["totals"]["cancelled"] == 1
        assert codes(await shown(hub, narrow)) == []
        refused = await hub.client.get("/queues/hers/trend", headers=narrow)
        assert refused.status_code == 403
