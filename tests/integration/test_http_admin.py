"""What the pages for admins ask: keys and users by pages, and the settings of the process."""

import platform
from pathlib import Path
from typing import Any

from tests.support.http_api import Running, api
from tests.support.people import ACCOUNTS, SECRET, Headers, People

from taskflow_hub import settings
from taskflow_hub.domain.access import Role, Scope

URL = "postgresql://ada:the-databases-password@db/hub"


async def pages(hub: Running, path: str, headers: Headers, limit: int) -> list[list[Any]]:
    found, cursor = [], None
    while True:
        query = {"limit": limit, **({"cursor": cursor} if cursor else {})}
        answer = (await hub.client.get(path, params=query, headers=headers)).json()
        found.append([one["id"] for one in answer["items"]])
        cursor = answer["next_cursor"]
        if cursor is None:
            return found


async def test_keys_and_users_by_pages(tmp_path: Path) -> None:
    async with api(tmp_path, auth=ACCOUNTS, loops=False) as hub:
        people = People(hub)
        admin, as_admin = await people.user(Role.ADMIN)
        other, as_other = await people.user(account="other")
        for user, account in ((admin, "default"), (other, "other"), (admin, "default")):
            await people.key(Scope.READ, account=account, user=user)
        for path, ids in (("/users", [admin.id, other.id]), ("/keys", None)):
            every = (await hub.client.get(path, headers=as_admin)).json()
            assert every["next_cursor"] is None, "who gives no limit is given all, as ever"
            all_ids = [one["id"] for one in every["items"]]
            assert all_ids == ids or len(all_ids) == 3
            assert await pages(hub, path, as_admin, 2) == [
                page for page in (all_ids[:2], all_ids[2:]) if page
            ]
            assert await pages(hub, path, as_admin, len(all_ids)) == [all_ids]
            own = await pages(hub, path, as_other, 1)
            assert len(own) == 1
            assert len(own[0]) == 1, "those of one's account"
            for query in ({"limit": 0}, {"limit": 1001}, {"cursor": "nonsense"}):
                assert (await hub.client.get(path, params=query, headers=as_admin)).status_code == 422


async def test_settings_are_told_without_secrets(tmp_path: Path) -> None:
    loaded = settings.load(
        {"database.url": URL}, environ={"TASKFLOW_AUTH_SECRET": SECRET}, file=tmp_path / "none.toml"
    )
    shown = settings.shown(loaded.settings, loaded.origins)
    async with api(tmp_path, auth=ACCOUNTS, loops=False, shown=shown) as hub:
        _, as_admin = await People(hub).user(Role.ADMIN)
        answer = await hub.client.get("/settings", headers=as_admin)
        told = answer.json()
        assert (told["version"], told["python"], told["store"]) == (
            "1.2.3",
            platform.python_version(),
            "sqlite",
        )
        assert [section["name"] for section in told["sections"]] == list(settings.Settings.model_fields)
        by_name = {one["name"]: one for section in told["sections"] for one in section["settings"]}
        assert by_name["auth.secret"]["value"] == "********"
        assert (by_name["auth.secret"]["origin"], by_name["auth.secret"]["redacted"]) == ("environment", True)
        assert by_name["database.url"]["value"] == "postgresql://ada:********@db/hub"
        for secret in (SECRET, "the-databases-password"):
            assert secret not in answer.text
