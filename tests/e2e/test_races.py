"""Many want the same at once, of two hub processes on one PostgreSQL, or of one on SQLite: one gets it, and all are told."""

import asyncio
import fcntl
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.hub_process import HubProcess, until
from tests.support.people import SECRET
from tests.support.witness import Witness

AT_ONCE = 100
ADA = {"email": "ada@example.org", "password": "correct horse battery"}
Hubs = list[HubProcess]


@pytest.fixture
def hubs(database_url: str, tmp_path: Path) -> Iterator[Hubs]:
    """With accounts, so that every request is looked up as well."""
    environ = {
        "PYTHONPATH": str(Path(__file__).parent),
        "TASKFLOW_DATABASE_URL": database_url,
        "TASKFLOW_AUTH_SECRET": SECRET,
        "TASKFLOW_WORKER_SLOTS": "4" if processes(database_url) == 1 else "2",
        "TASKFLOW_WORKER_WINDOW": "0",  # so neither of two can hold three tasks
        "TASKFLOW_WORKER_GRACE": "1",
    }
    with ExitStack() as undo:
        opened = [
            HubProcess(tmp_path, app="limits_app:hub", environ=environ)
            for _ in range(processes(database_url))
        ]
        yield [undo.enter_context(hub) for hub in opened]


def processes(database_url: str) -> int:
    return 1 if database_url.startswith("sqlite:") else 2


def log_in(hub: HubProcess) -> dict[str, Any]:
    """The first comes as a new user."""
    answer = hub.post("/auth/register", ADA)
    if answer.status_code == 409:
        answer = hub.post("/auth/login", ADA)
    assert answer.status_code in {200, 201}, answer.text
    tokens: dict[str, Any] = answer.json()
    hub.client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    return tokens


@asynccontextmanager
async def callers(hubs: Hubs) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Of each hub in turn, each with a connection of its own that is open."""
    async with AsyncExitStack() as undo:
        made = [httpx.AsyncClient(base_url=hubs[n % len(hubs)].url, timeout=60) for n in range(AT_ONCE)]
        for caller in made:
            await undo.enter_async_context(caller)
        await asyncio.gather(*(caller.get("/healthz") for caller in made))
        yield made


@pytest.mark.parametrize(("path", "count"), [("/tasks", 1), ("/tasks/batch", 3)], ids=["one", "batch"])
async def test_a_hundred_with_one_idempotency_key_are_one(hubs: Hubs, path: str, count: int) -> None:
    """Again and again, and a worker takes the tasks while they are asked for."""
    login = log_in(hubs[0])
    rounds = 3
    body = {"type": "limits.quick"} if count == 1 else {"tasks": [{"type": "limits.quick"}] * count}
    async with callers(hubs) as made:
        for n in range(rounds):
            headers = {"Authorization": f"Bearer {login['access_token']}", "Idempotency-Key": f"key {n}"}
            answers = await asyncio.gather(
                *(caller.post(path, json=body, headers=headers) for caller in made)
            )
            assert Counter(answer.status_code for answer in answers) == {202: 1, 200: AT_ONCE - 1}
            told = {
                tuple(answer.json()["ids"]) if count > 1 else (answer.json()["id"],) for answer in answers
            }
            assert len(told) == 1, "all name the same"
            assert len(next(iter(told))) == count
            replays = [answer.headers.get("Idempotency-Replayed") for answer in answers]
            assert Counter(replays) == {None: 1, "true": AT_ONCE - 1}
            assert [
                answer.headers.get("Idempotency-Replayed") for answer in answers if answer.status_code == 202
            ] == [None]
    assert len(hubs[0].get("/tasks").json()["items"]) == rounds * count


async def test_a_hundred_refreshes_of_one_token_are_one_and_end_the_login(hubs: Hubs) -> None:
    """That it came again is a theft for all that anybody knows: who got the next pair is out, too."""
    tokens = log_in(hubs[0])
    async with callers(hubs) as made:
        body = {"refresh_token": tokens["refresh_token"]}
        answers = await asyncio.gather(*(caller.post("/auth/refresh", json=body) for caller in made))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 401: AT_ONCE - 1}
        [following] = [answer.json() for answer in answers if answer.status_code == 200]
    for hub in hubs:
        for token in (following["refresh_token"], tokens["refresh_token"]):
            assert hub.post("/auth/refresh", {"refresh_token": token}).status_code == 401
        until_out(hub, tokens["access_token"])
        assert is_out(hub, following["access_token"])
    again = log_in(hubs[-1])
    assert hubs[0].post("/auth/refresh", {"refresh_token": again["refresh_token"]}).status_code == 200


def until_out(hub: HubProcess, access_token: str) -> None:
    """What another process remembers, it does for two seconds."""
    until(lambda: is_out(hub, access_token))


def is_out(hub: HubProcess, access_token: str) -> bool:
    return hub.get("/auth/me", headers={"Authorization": f"Bearer {access_token}"}).status_code == 401


async def test_a_used_token_at_another_process_ends_the_login(hubs: Hubs) -> None:
    here, there = hubs[0], hubs[-1]
    first = log_in(here)
    second = here.post("/auth/refresh", {"refresh_token": first["refresh_token"]}).json()
    third = there.post("/auth/refresh", {"refresh_token": second["refresh_token"]}).json()
    assert not is_out(there, third["access_token"])
    assert there.post("/auth/refresh", {"refresh_token": first["refresh_token"]}).status_code == 401
    assert here.post("/auth/refresh", {"refresh_token": third["refresh_token"]}).status_code == 401
    for hub in hubs:
        until_out(hub, third["access_token"])


def test_never_four_where_three_may(hubs: Hubs, database_url: str, tmp_path: Path) -> None:
    """200 tasks, as their handlers count from process to process, and as the store counts at every statement."""
    marks, gate = tmp_path / "marks", tmp_path / "gate"
    marks.mkdir()
    log_in(hubs[0])
    hubs[-1].client.headers = hubs[0].client.headers
    body = {
        "type": "limits.counted",
        "payload": {"folder": str(marks), "gate": str(gate), "seconds": 0.005},
        "limits": [{"key": "k", "running": 3}],
    }
    with Witness.of(database_url) as witness:
        with gate.open("w") as shut:
            fcntl.flock(shut, fcntl.LOCK_EX)
            ids = hubs[0].post("/tasks/batch", {"tasks": [body] * 200}).json()["ids"]
            until(lambda: len(list(marks.iterdir())) == 3)
        found = [hubs[-1].final(id) for id in ids]
        assert {task["status"] for task in found} == {"success"}
        assert max(task["result"] for task in found) == 3
        assert witness.most("k") == 3
    assert len({task["worker"] for task in found}) == len(hubs), "each took part"
