"""Accounts side by side in the running product: what one has piled up keeps no other waiting."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.grounds import REDIS, Ground
from tests.support.hub_process import HubProcess, until
from tests.support.stores import STORES

pytestmark = pytest.mark.parametrize("ground", [*STORES, REDIS], indirect=True)
SLOTS = 4
PILED_UP = 50_000
# As they begin, one after the other: a slot is free every 0.4 s. In that time even a busy machine has stored a task.
EACH_S = 1.6
SECRET = "a secret for tests, thirty-two characters and more"


@pytest.fixture
def hubs(ground: Ground, tmp_path: Path) -> Iterator[list[HubProcess]]:
    """Two processes, or one where there is a file."""
    environ = {
        "TASKFLOW_DATABASE_URL": ground.database_url,
        "TASKFLOW_BROKER_URL": ground.broker_url,
        "TASKFLOW_AUTH_SECRET": SECRET,
        "TASKFLOW_WORKER_SLOTS": str(SLOTS),
        "TASKFLOW_WORKER_GRACE": "1",
    }
    count = 1 if ground.database_url.startswith("sqlite:") else 2
    with ExitStack() as stack:
        started = []
        for _ in range(count):
            hub = HubProcess(tmp_path, environ=environ)
            stack.callback(hub.client.close)
            hub.start()
            stack.callback(hub.kill)
            started.append(hub)
        yield started


@contextmanager
def registered(hub: HubProcess, email: str) -> Iterator[httpx.Client]:
    """One who has an account of their own."""
    login = {"email": email, "password": "correct horse battery"}
    with httpx.Client(base_url=hub.url, timeout=60) as client:
        assert client.post("/auth/register", json=login).status_code == 201
        tokens = client.post("/auth/login", json=login).json()
        client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        yield client


def sleeping(seconds: float) -> dict[str, Any]:
    return {"type": "demo.sleep", "payload": {"seconds": seconds}}


def test_what_one_account_has_piled_up_keeps_no_other_waiting(hubs: list[HubProcess]) -> None:
    """At most two tasks for each process start before it: the one its worker has in hand, and one turn of the other."""
    with (
        registered(hubs[0], "noisy@example.org") as noisy,
        registered(hubs[-1], "quiet@example.org") as quiet,
    ):
        for _ in range(PILED_UP // 10_000):
            body = {
                "tasks": [sleeping(n / SLOTS * EACH_S) for n in range(1, SLOTS + 1)]
                + [sleeping(EACH_S)] * (10_000 - SLOTS)
            }
            assert noisy.post("/tasks/batch", json=body).status_code == 202
        until(lambda: len(noisy.get("/tasks?status=running").json()["items"]) >= len(hubs) * SLOTS)
        for _ in range(5):
            answer = quiet.post("/tasks", json=sleeping(0), headers={"Prefer": "wait=30"})
            assert answer.status_code == 200, answer.text
            created, started = (
                datetime.fromisoformat(answer.json()[at]) for at in ("created_at", "started_at")
            )
            between = 0
            for status in ("running", "success"):
                for task in noisy.get(f"/tasks?status={status}&limit=1000").json()["items"]:
                    at = task["started_at"]
                    between += at is not None and created < datetime.fromisoformat(at) < started
            assert between <= 2 * len(hubs)
        assert noisy.get("/queues").json()["items"][0]["depth"]["queued"] > PILED_UP // 2
