"""`taskflow audit` and what both clients say of the audit, against a real hub with accounts."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.test_cli_accounts import ADMIN, HUB, PASSWORD, Person
from tests.support.hub_process import HubProcess

from taskflow_hub.client import Client, SyncClient
from taskflow_hub.domain.errors import Forbidden, Invalid

BEGAN = datetime.now(UTC)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with HubProcess(tmp_path_factory.mktemp("audit"), app="cli_app:hub", environ=HUB) as running:
        yield running


@pytest.fixture(scope="module")
def admin(hub: HubProcess, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """The first to register; does a few things."""
    person = Person(tmp_path_factory.mktemp("admin"), hub)
    person("register", "--email", ADMIN, said=f"{PASSWORD}\n")
    for verb in ("pause", "pause", "resume"):
        person("queue", verb, "mail")
    person("limit", "set", "host:a/b", "--running", "3")
    person("user", "add", "viewer@example.com", "--role", "viewer", said="password of theirs\n")
    return person


def listed(person: Person, *args: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(person("audit", "list", *args, "-o", "json").stdout)
    return found


def actions(person: Person, *args: str) -> list[str]:
    return [entry["action"] for entry in listed(person, *args)]


def test_a_table_says_when_who_what_from_where_and_the_change(admin: Person) -> None:
    heading, *rows = admin("audit", "list").stdout.splitlines()
    assert heading.split() == ["WHEN", "WHO", "ACTION", "WHAT", "FROM", "CHANGE"]
    lines = [re.split(r"\s{2,}", row) for row in rows]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", line[0]) for line in lines)
    assert lines[-1][1:3] == ["–", "user.register"]
    assert [line[1:] for line in lines[1:4]] == [
        [ADMIN, "limit.set", "host:a/b", "127.0.0.1", "running: none → 3; pinned: no → yes"],
        [ADMIN, "queue.resume", "mail", "127.0.0.1", "paused: yes → no"],
        [ADMIN, "queue.pause", "mail", "127.0.0.1", "paused: no → yes"],
    ]


def test_conditions(admin: Person) -> None:
    assert actions(admin) == [
        *("user.add", "limit.set", "queue.resume", "queue.pause", "login.begin", "user.register")
    ]
    assert actions(admin, "--entity", "queue", "--id", "mail") == ["queue.resume", "queue.pause"]
    assert actions(admin, "--action", "limit.set", "--action", "user.add") == ["user.add", "limit.set"]
    assert actions(admin, "--actor", ADMIN, "--account", "default") == [
        *("user.add", "limit.set", "login.begin")
    ]
    at = listed(admin, "--action", "limit.set")[0]["ts"]
    assert actions(admin, "--since", at) == ["user.add", "limit.set"]
    assert actions(admin, "--since", at, "--until", at) == []
    assert admin("audit", "list", "--since", at, "--until", at).stderr == "No entries that meet this.\n"
    some = admin("audit", "list", "-n", "2", "-o", "json")
    assert len(json.loads(some.stdout)) == 2
    assert "There are more than 2" in some.stderr
    assert "There are more" not in admin("audit", "list", "--all").stderr


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--action", "queue.burn"], "action"),
        (["--entity", "cat"], "entity"),
        (["--since", "yesterday"], "not a time"),
        (["-n", "0"], "--limit"),
    ],
)
def test_what_cannot_be_asked(admin: Person, args: list[str], says: str) -> None:
    assert says in admin("audit", "list", *args, status=2).stderr


def test_a_viewer_does_not_see_it(admin: Person, tmp_path: Path) -> None:
    viewer = Person(tmp_path, admin.hub)
    viewer("login", "--email", "viewer@example.com", said="password of theirs\n")
    assert "manage" in viewer("audit", "list", status=4).stderr


def test_what_is_done_to_the_database_itself_is_told_too(admin: Person) -> None:
    database = f"sqlite:///{admin.hub.folder / 'taskflow.db'}"
    admin(*("user", "reset-password", "viewer@example.com", "--database-url", database), said="another one\n")
    [entry] = listed(admin, "--action", "user.set_password")
    assert (entry["actor_kind"], entry["address"], entry["before"], entry["after"]) == (
        *("operator", None, None, None),
    )
    assert "@" in entry["actor_name"]


async def test_both_clients(admin: Person) -> None:
    key = admin("key", "create", "auditor", "--scope", "manage").stdout.strip()
    reader = admin("key", "create", "reader", "--scope", "read").stdout.strip()
    with SyncClient(admin.hub.url, key=key) as client:
        for n in range(101):  # more than one page
            client.set_limit("many", running=n + 1)
        changes = [entry.after for entry in client.audit(entity="limit", entity_id="many", since=BEGAN)]
        assert [change["running"] for change in changes if change] == list(range(101, 0, -1))
        newest = next(client.audit(limit=1))
        assert (newest.action, newest.actor_kind, newest.actor_name) == ("limit.set", "key", "auditor")
        assert [one.action for one in client.audit(action=["key.create", "user.add"], limit=3)] == [
            *("key.create", "key.create", "user.add")
        ]
        with pytest.raises(Invalid, match="/query/action"):
            next(client.audit(action="queue.burn"))
    async with Client(admin.hub.url, key=key) as aclient:
        assert [entry.id async for entry in aclient.audit(limit=1)] == [newest.id]
    with SyncClient(admin.hub.url, key=reader) as client, pytest.raises(Forbidden):
        next(client.audit())
