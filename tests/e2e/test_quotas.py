"""A quota under load, on two hubs that share a database."""

import asyncio
from collections import Counter
from pathlib import Path

import httpx
import pytest
from tests.support.hub_process import HubProcess

PARALLEL = 100


@pytest.mark.parametrize("numbers", [{"per_day": 10}, {"queued": 10}], ids=["per_day", "queued"])
async def test_of_a_hundred_submits_at_once_exactly_ten_are_accepted(
    database_url: str, tmp_path: Path, numbers: dict[str, int]
) -> None:
    database = {"TASKFLOW_DATABASE_URL": database_url}
    with HubProcess(tmp_path, environ=database) as first, HubProcess(tmp_path, environ=database) as second:
        assert first.client.patch("/accounts/default/quota", json=numbers).status_code == 200
        async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=PARALLEL)) as client:
            answers = await asyncio.gather(
                *(
                    client.post(f"{hub.url}/tasks", json={"type": "nobody.serves.this"})
                    for _ in range(PARALLEL // 2)
                    for hub in (first, second)
                )
            )
        assert Counter(answer.status_code for answer in answers) == {202: 10, 429: PARALLEL - 10}
        used = second.client.get("/quota").json()["used"]
        assert (used["queued"], used["in_day"]) == tuple(
            10 if name in numbers else None for name in ("queued", "per_day")
        )


def test_who_registers_gets_the_quota_that_is_set(tmp_path: Path) -> None:
    environ = {
        "TASKFLOW_AUTH_SECRET": "a secret of thirty-two letters, at least",
        "TASKFLOW_QUOTAS_PER_DAY": "1",
        "TASKFLOW_QUOTAS_RUNNING": "3",
    }
    with HubProcess(tmp_path, environ=environ) as hub:

        def registered(name: str) -> dict[str, str]:
            body = {"email": f"{name}@example.org", "password": "correct horse"}
            answer = hub.client.post("/auth/register", json=body)
            assert answer.status_code == 201, answer.text
            return {"Authorization": f"Bearer {answer.json()['access_token']}"}

        def submits(headers: dict[str, str]) -> list[int]:
            calls = [hub.client.post("/tasks", json={"type": "nobody.x"}, headers=headers) for _ in range(2)]
            return [answer.status_code for answer in calls]

        admin, user = registered("ada"), registered("bob")
        assert (submits(admin), submits(user)) == ([202, 202], [202, 429])
        found = hub.client.get("/quota", headers=user).json()
        assert (found["per_minute"], found["per_day"], found["running"]) == (None, 1, 3)
        account = found["account_id"]
        assert [one["account_id"] for one in hub.client.get("/quotas", headers=admin).json()["items"]] == [
            account
        ]
        lifted = hub.client.patch(f"/accounts/{account}/quota", json={"per_day": None}, headers=admin)
        assert (lifted.status_code, submits(user)) == (200, [202, 202])
