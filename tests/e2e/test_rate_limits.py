"""Limits of requests in the running product: two processes share one, and go on when what they share it by is away."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from tests.support.grounds import REDIS, Ground
from tests.support.hub_process import HubProcess, until
from tests.support.people import SECRET
from tests.support.postgres import FAST, postgres
from tests.support.redis import redis_server
from tests.support.stores import STORES

BURST = 40
SLACK = BURST // 10  # what each process may grant beyond it
PER_SECOND = 2.0
LIMITED = {
    "TASKFLOW_HTTP_RATE_PER_KEY": f"{PER_SECOND * 60:g}",
    "TASKFLOW_HTTP_BURST_PER_KEY": str(BURST),
    "TASKFLOW_AUTH_SECRET": SECRET,
}
SLOW = {"TASKFLOW_HTTP_RATE_PER_ADDRESS": "1", "TASKFLOW_HTTP_BURST_PER_ADDRESS": str(BURST)}


@contextmanager
def two_hubs(folder: Path, ground: Ground, environ: dict[str, str]) -> Iterator[list[HubProcess]]:
    """On one database, and over one Redis where there is one."""
    environ = environ | {
        "TASKFLOW_DATABASE_URL": ground.database_url,
        "TASKFLOW_BROKER_URL": ground.broker_url,
    }
    role = ("up",) if ground.broker_url == "local" else ("server",)
    with ExitStack() as undo:
        hubs = []
        for n in range(2):
            at = folder / str(n)
            at.mkdir()
            hubs.append(undo.enter_context(HubProcess(at, environ=environ, role=role)))
        yield hubs


async def ask_at_once(
    hubs: Sequence[HubProcess], times: int, path: str, headers: dict[str, str] | None = None
) -> list[httpx.Response]:
    """So often each of them, all at the same time."""
    async with httpx.AsyncClient(timeout=60, headers=headers) as client:
        return await asyncio.gather(*[client.get(hub.url + path) for hub in hubs for _ in range(times)])


def statuses(answers: Sequence[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


@pytest.mark.parametrize("ground", [*STORES, REDIS], indirect=True)
def test_two_processes_share_a_limit(tmp_path: Path, ground: Ground) -> None:
    with two_hubs(tmp_path, ground, LIMITED) as hubs:
        who = {"email": "ada@example.org", "password": "correct horse battery"}
        login = hubs[0].post("/auth/register", who).json()["access_token"]
        wanted = {"name": "k", "scopes": ["read"]}
        secret = hubs[0].post("/keys", wanted, headers={"Authorization": f"Bearer {login}"}).json()["secret"]
        key = {"Authorization": f"Bearer {secret}"}
        for hub in hubs:  # what is only warming up is not to be measured
            assert hub.get("/healthz").status_code == 200

        began = time.monotonic()
        answers = asyncio.run(ask_at_once(hubs, 150, "/auth/me", key))
        took_s = time.monotonic() - began
        found = statuses(answers)
        assert set(found) == {200, 429}
        assert BURST <= found[200] <= BURST + len(hubs) * SLACK + PER_SECOND * took_s

        for answer in answers:
            assert answer.headers["ratelimit-policy"] == '"key";q=40;w=20'
            assert answer.headers["ratelimit"].startswith('"key";r=')
        refused = [answer for answer in answers if answer.status_code == 429]
        waits_s = [int(answer.headers["retry-after"]) for answer in refused]
        assert 1 <= min(waits_s) <= max(waits_s) <= 1 + (1 + len(hubs) * SLACK) / PER_SECOND
        for hub in hubs:
            while (answer := hub.get("/auth/me", headers=key)).status_code == 200:
                pass
            for _ in range(2):  # once more where the other process has granted something meanwhile
                if answer.status_code == 429:
                    time.sleep(int(answer.headers["retry-after"]))  # as it was asked to
                    answer = hub.get("/auth/me", headers=key)
            assert answer.status_code == 200

        assert hubs[1].get("/auth/me", headers={"Authorization": f"Bearer {login}"}).status_code == 200
        counted = hubs[0].get("/metrics", headers={"Authorization": f"Bearer {login}"}).text
        assert 'taskflow_requests_rate_limited_total{limit="key"}' in counted


def test_while_the_database_is_away_each_process_counts_by_itself(tmp_path: Path) -> None:
    with postgres(16, **FAST) as server:
        server.run("CREATE DATABASE hub")
        with two_hubs(tmp_path, Ground(server.url("hub")), SLOW) as hubs:
            server.stop("immediate")
            for hub in hubs:
                found = statuses(asyncio.run(ask_at_once([hub], 100, "/openapi.json")))
                assert found == {200: BURST, 429: 100 - BURST}
                assert hub.get("/healthz").status_code == 200
                hub.until_logs("counts requests by itself")
            server.start()
            until(lambda: hubs[0].get("/readyz").status_code == 200)
            rows = "SELECT count(*) AS n FROM buckets WHERE full_at > now() + interval '60 minutes'"
            until(lambda: server.run(rows, "hub")[0]["n"] == 1)  # both have told what they granted meanwhile


def test_while_redis_is_away_each_process_counts_by_itself(tmp_path: Path, postgres_tables_url: str) -> None:
    with redis_server() as redis, two_hubs(tmp_path, Ground(postgres_tables_url, redis.url), SLOW) as hubs:
        redis.kill()
        for hub in hubs:
            found = statuses(asyncio.run(ask_at_once([hub], 100, "/openapi.json")))
            assert found == {200: BURST, 429: 100 - BURST}
            hub.until_logs("counts requests by itself")
        redis.start()
        until(lambda: bool(redis.run("KEYS", "tasks:rate:*")))
        until(lambda: redis.run("PTTL", "tasks:rate:address:127.0.0.1") > 60 * 60_000)
