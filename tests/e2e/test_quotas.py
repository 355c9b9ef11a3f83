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
        assert (used["queued"], used["in_day"]) == (10, 10 if "per_day" in numbers else None)
