"""The audit over HTTP: every route that changes something tells of it, and who may see that."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
import pytest_asyncio
from tests.integration.test_http_access import ADA, register
from tests.integration.test_http_explain import register as register_worker
from tests.support.http_api import Running, api
from tests.support.people import ACCOUNTS, Headers, People, bearer

from taskflow_hub.domain.access import ANYBODY, Role, Scope
from taskflow_hub.domain.audit import ADDRESS_MAX, AGENT_MAX
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.domain.schedule_spec import ScheduleSpec, TaskTemplate
from taskflow_hub.domain.workflow import WorkflowSubmission
from taskflow_hub.engine.accounts import failures
from taskflow_hub.engine.accounts.tokens import Tokens
from taskflow_hub.store.values import Bucket, BulkAction, NewKey, TaskFilter

AGENT: Final = {"User-Agent": "walker/1.0"}


@pytest_asyncio.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with api(tmp_path, database_url, auth=ACCOUNTS, loops=False) as running:
        yield running


@pytest_asyncio.fixture
async def on_a_file(tmp_path: Path) -> AsyncIterator[Running]:
    """For what is the same on every store: the stores' contract sees to that."""
    async with api(tmp_path, auth=ACCOUNTS, loops=False) as running:
        yield running


async def audit(hub: Running, who: Headers, **asked: Any) -> list[dict[str, Any]]:
    answer = await hub.client.get("/audit", params={"limit": 1000, **asked}, headers=who)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def actions(hub: Running, who: Headers, **asked: Any) -> list[str]:
    """The latest last."""
    return [entry["action"] for entry in reversed(await audit(hub, who, **asked))]


async def submit(
    hub: Running, type: str, payload: Any = None, *, headers: Headers, **fields: Any
) -> dict[str, Any]:
    body = {"type": type, "payload": payload or {}, **fields}
    answer = await hub.client.post("/tasks", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    task: dict[str, Any] = answer.json()
    return task


# --- every route that changes something


@dataclass(frozen=True)
class Scene:
    """An admin does things; what they are done to is made beside the API, by nobody, and read by another admin."""

    hub: Running
    admin: Headers
    reader: Headers

    async def queued(self) -> str:
        return str((await submit(self.hub, "t", queue="q", headers=self.admin))["id"])

    async def scheduled(self) -> str:
        return str((await submit(self.hub, "t", queue="q", delay=600, headers=self.admin))["id"])

    async def cancelled(self) -> str:
        id = await self.queued()
        await self.hub.engine.tasks.cancel(DEFAULT_ACCOUNT, [id])
        return id

    async def workflow(self) -> str:
        wanted = msgspec.convert(
            {"name": "w", "nodes": {"n": {"type": "t", "queue": "q"}}}, WorkflowSubmission
        )
        workflow, _ = await self.hub.engine.workflows.submit(wanted)
        return workflow.id

    async def ended_workflow(self) -> str:
        id = await self.workflow()
        await self.hub.engine.workflows.cancel(DEFAULT_ACCOUNT, id)
        return id

    async def queue(self) -> str:
        await self.queued()
        return "q"

    async def paused(self) -> str:
        return (await self.hub.engine.queues.pause("q")).name

    async def bulk(self) -> str:
        return (await self.hub.engine.bulk.begin(DEFAULT_ACCOUNT, BulkAction.CANCEL, TaskFilter())).id

    async def schedule(self) -> str:
        spec = ScheduleSpec(every="1h", task=TaskTemplate(type="t"))
        return (await self.hub.engine.schedules.create(ANYBODY, spec)).id

    async def paused_schedule(self) -> str:
        return (await self.hub.engine.schedules.pause(ANYBODY, await self.schedule())).id

    async def key(self) -> str:
        new = NewKey(id=new_id(), account_id="a", user_id=None, name="k", digest="d", scopes=(Scope.READ,))
        return (await self.hub.engine.store.create_key(new)).id

    async def user(self) -> str:
        return (await People(self.hub).user(Role.VIEWER))[0].id

    async def account(self) -> str:
        return DEFAULT_ACCOUNT

    async def worker(self) -> str:
        return await register_worker(self.hub, "t")

    async def nothing(self) -> str:
        return ""


@dataclass(frozen=True)
class Told:
    """`once`: a second time changes nothing, whether it is refused or not."""

    actions: tuple[str, ...]
    make: Callable[[Scene], Awaitable[str]] = Scene.nothing
    body: Any = None
    once: bool = False


def told(*actions: str, body: Any = None) -> Told:
    return Told(actions, body=body)


def once(action: str, make: Callable[[Scene], Awaitable[str]], body: Any = None) -> Told:
    return Told((action,), make, body, once=True)


AN_HOUR: Final = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T01:00:00Z"}
SUBMIT: Final = "whoever submits is in the task, and there are as many of these as there are tasks"
CHANGES: Final[dict[tuple[str, str], Told | str]] = {
    ("POST", "/tasks"): SUBMIT,
    ("POST", "/tasks/batch"): SUBMIT,
    ("PATCH", "/tasks/{id}"): once("task.update", Scene.queued, {"priority": 9}),
    ("DELETE", "/tasks/{id}"): once("task.delete", Scene.cancelled),
    ("POST", "/tasks/{id}/cancel"): once("task.cancel", Scene.queued),
    ("POST", "/tasks/{id}/redrive"): once("task.redrive", Scene.cancelled),
    ("POST", "/tasks/{id}/promote"): once("task.promote", Scene.scheduled),
    ("POST", "/tasks/{id}/events/{name}"): once("task.event", Scene.queued, {"by": "ada"}),
    ("POST", "/workflows"): SUBMIT,
    ("POST", "/workflows/{id}/cancel"): once("workflow.cancel", Scene.workflow),
    ("POST", "/workflows/{id}/redrive"): once("workflow.redrive", Scene.ended_workflow),
    ("DELETE", "/workflows/{id}"): once("workflow.delete", Scene.ended_workflow),
    ("POST", "/bulk"): told("bulk.begin", body={"filter": {"type": "t"}, "action": "cancel"}),
    ("POST", "/bulk/{id}/abort"): once("bulk.abort", Scene.bulk),
    ("PATCH", "/queues/{name}"): once("queue.update", Scene.queue, {"max_size": 7}),
    ("POST", "/queues/{name}/pause"): once("queue.pause", Scene.queue),
    ("POST", "/queues/{name}/resume"): once("queue.resume", Scene.paused),
    ("POST", "/queues/{name}/purge"): once("queue.purge", Scene.queue),
    ("POST", "/limits"): Told(("limit.set",), body={"key": "k", "running": 3}, once=True),
    ("PATCH", "/accounts/{account}/quota"): once("quota.set", Scene.account, {"per_minute": 7}),
    ("POST", "/schedules"): told("schedule.create", body={"every": 60, "task": {"type": "t"}}),
    ("PATCH", "/schedules/{id}"): once("schedule.update", Scene.schedule, {"jitter": 5}),
    ("DELETE", "/schedules/{id}"): once("schedule.delete", Scene.schedule),
    ("POST", "/schedules/{id}/pause"): once("schedule.pause", Scene.schedule),
    ("POST", "/schedules/{id}/resume"): once("schedule.resume", Scene.paused_schedule),
    ("POST", "/schedules/{id}/trigger"): Told(("schedule.trigger",), Scene.schedule),
    ("POST", "/schedules/{id}/backfill"): Told(("schedule.backfill",), Scene.schedule, AN_HOUR),
    ("POST", "/workers/{id}/drain"): once("worker.drain", Scene.worker),
    ("POST", "/auth/register"): told(
        "user.register", "login.begin", body={"email": "new@example.org", "password": "long enough"}
    ),
    ("POST", "/auth/login"): told("login.begin", body=ADA),
    ("POST", "/auth/refresh"): "that a login goes on is no news; that a token came twice is, see below",
    ("POST", "/auth/logout"): Told(("login.end",), once=True),
    ("POST", "/auth/password"): told(
        "user.set_password",
        "login.begin",
        body={"old_password": ADA["password"], "new_password": "long enough"},
    ),
    ("POST", "/keys"): told("key.create", body={"name": "k", "scopes": ["read"]}),
    ("POST", "/keys/{id}/revoke"): once("key.revoke", Scene.key),
    ("POST", "/users"): told("user.add", body={"email": "more@example.org", "password": "long enough"}),
    ("PATCH", "/users/{id}"): once("user.set_role", Scene.user, {"role": "user"}),
}
BEFORE_A_LOGIN: Final = {"user.register"}


async def test_every_route_that_changes_something_is_here(on_a_file: Running) -> None:
    hub = on_a_file
    paths = (await hub.client.get("/openapi.json")).json()["paths"]
    routes = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert set(CHANGES) == {(method, path) for method, path in routes if method != "GET"}


@pytest.mark.parametrize(
    ("route", "row"),
    [pytest.param(route, row, id=" ".join(route)) for route, row in CHANGES.items() if isinstance(row, Told)],
)
async def test_what_is_told_of_it(on_a_file: Running, route: tuple[str, str], row: Told) -> None:
    hub = on_a_file
    login = await register(hub)
    scene = Scene(hub, bearer(login["access_token"]), (await People(hub).user(Role.ADMIN))[1])
    method, path = route
    made = await row.make(scene)
    path = re.sub(r"\{(id|name|account)\}", made, path)
    before = await audit(hub, scene.reader)

    async def ask() -> Any:
        return await hub.client.request(method, path, json=row.body, headers={**scene.admin, **AGENT})

    answer = await ask()
    assert answer.is_success, answer.text
    entries = (await audit(hub, scene.reader))[: -len(before)][::-1]
    assert tuple(entry["action"] for entry in entries) == row.actions
    for entry in entries:
        assert (entry["address"], entry["agent"]) == ("127.0.0.1", "walker/1.0")
        if entry["action"] in BEFORE_A_LOGIN:
            assert (entry["actor_kind"], entry["actor"]) == ("anybody", None)
        elif "new@" not in entry["actor_name"]:
            assert (entry["actor_kind"], entry["actor_name"]) == ("user", ADA["email"])
            assert entry["actor"] == login["user"]["id"]
        if made:
            assert entry["entity_id"] == made
    if row.once:
        assert (await ask()).status_code < 500
        assert len(await audit(hub, scene.reader)) == len(before) + len(row.actions)


# --- who


async def test_a_key_is_who_it_is(hub: Running) -> None:
    people = People(hub)
    _, admin = await people.user(Role.ADMIN)
    key = await people.key(Scope.ADMIN)
    await hub.client.post("/queues/q/pause", headers=key)
    [entry] = await audit(hub, admin)
    assert (entry["actor_kind"], entry["actor_name"], entry["account_id"]) == ("key", "a test's", None)
    assert entry["actor"] == (await hub.engine.store.keys(None))[0].id
    assert await audit(hub, admin, actor=entry["actor"]) == [entry]


async def test_a_hub_without_accounts_knows_from_where(database_url: str, tmp_path: Path) -> None:
    async with api(tmp_path, database_url, loops=False) as hub:
        await hub.client.post("/queues/q/pause")
        [entry] = await audit(hub, {})
        assert (entry["actor_kind"], entry["actor"], entry["address"]) == ("anybody", None, "127.0.0.1")


async def test_behind_a_proxy_it_is_the_address_that_the_proxy_says(
    database_url: str, tmp_path: Path
) -> None:
    said = {"X-Forwarded-For": "192.0.2.1, 192.0.2.7", "User-Agent": ""}
    async with api(tmp_path, database_url, loops=False) as hub:
        await hub.client.post("/queues/q/pause", headers=said)
        assert [entry["address"] for entry in await audit(hub, {})] == ["127.0.0.1"], "anybody says so"
    async with api(tmp_path, database_url, loops=False, trusted_proxies=("127.0.0.1",)) as hub:
        await hub.client.post("/queues/q/resume", headers=said)
        newest = (await audit(hub, {}))[0]
        assert (newest["address"], newest["agent"]) == ("192.0.2.7", "")
        await hub.client.post("/queues/q/pause", headers={"X-Forwarded-For": "x" * 1000})
        assert len((await audit(hub, {}))[0]["address"]) == ADDRESS_MAX


@pytest.mark.parametrize(
    ("agent", "kept"),
    [
        (b"x" * 5_000, "x" * (AGENT_MAX - 1) + "…"),
        (b"a\x9bb", "a\ufffdb"),
        (b"curl tfk_" + b"k" * 51, "curl tfk_…"),
        (b"curl (eyJhbGciOiJI.eyJzdWIi.c2ln)", "curl (eyJ…)"),
    ],
)
async def test_a_user_agent_is_one_short_line(tmp_path: Path, agent: bytes, kept: str) -> None:
    async with api(tmp_path, loops=False) as hub:
        await hub.client.post("/queues/q/pause", headers={b"User-Agent": agent})
        assert [entry["agent"] for entry in await audit(hub, {})] == [kept]


# --- who may see it


async def test_an_account_sees_what_was_done_to_what_is_its_own(hub: Running) -> None:
    people = People(hub)
    admin, as_admin = await people.user(Role.ADMIN)
    owner, as_owner = await people.user(account="owners")
    _, as_viewer = await people.user(Role.VIEWER, account="owners")
    _, as_other = await people.user(account="others")
    first, second = [(await submit(hub, "t", headers=as_owner))["id"] for _ in range(2)]
    for id, who in ((first, as_owner), (second, as_admin)):
        assert (await hub.client.post(f"/tasks/{id}/cancel", headers=who)).status_code == 200
    await hub.client.post("/queues/q/pause", headers=as_admin)

    assert await actions(hub, as_admin) == ["task.cancel", "task.cancel", "queue.pause"]
    assert await actions(hub, as_admin, account="owners") == ["task.cancel", "task.cancel"]
    by_admin, by_owner = await audit(hub, as_owner)
    assert (by_owner["entity_id"], by_owner["actor"], by_owner["address"]) == (first, owner.id, "127.0.0.1")
    assert (by_admin["entity_id"], by_admin["actor_kind"]) == (second, "user")
    assert admin.id not in str(by_admin)
    assert admin.email not in str(by_admin)
    assert (by_admin["address"], by_admin["agent"], by_admin["actor_account"]) == (None, None, None)
    assert await audit(hub, as_other) == await audit(hub, as_other, account="owners") == []
    assert await audit(hub, as_owner, account="default") == []
    assert await audit(hub, as_owner, actor=owner.email) == [by_owner]
    assert await audit(hub, as_owner, actor=admin.email) == [], "nor can it be asked whether it was them"
    for who in (as_viewer, await people.key(Scope.READ), await people.key(Scope.MANAGE, queues=("q",))):
        assert (await hub.client.get("/audit", headers=who)).status_code == 403


async def test_conditions_and_pages(hub: Running) -> None:
    _, admin = await People(hub).user(Role.ADMIN)
    for verb in ("pause", "resume", "pause", "resume", "pause"):
        await hub.client.post(f"/queues/q/{verb}", headers=admin)
    paused = await audit(hub, admin, action=["queue.pause", "queue.purge"], entity="queue", entity_id="q")
    assert [entry["action"] for entry in paused] == ["queue.pause"] * 3
    assert await audit(hub, admin, since=paused[1]["ts"], action="queue.pause") == paused[:2]
    assert await audit(hub, admin, until=paused[1]["ts"], action="queue.pause") == paused[2:]
    seen: list[dict[str, Any]] = []
    cursor: str | None = None
    while cursor is not None or not seen:
        params: dict[str, str | int] = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await hub.client.get("/audit", params=params, headers=admin)).json()
        seen += page["items"]
        cursor = page["next_cursor"]
    assert seen == await audit(hub, admin)
    assert len(seen) == 5


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("action=queue.burn", "/query/action/0"),
        ("entity=cat", "/query/entity"),
        ("entity_id=", "/query/entity_id"),
        ("actor=%00", "/query/actor"),
        ("account=A", "/query/account"),
        ("since=yesterday", "/query/since"),
        ("limit=0", "/query/limit"),
        ("cursor=x", "/query/cursor"),
        ("who=me", "/query/who"),
    ],
)
async def test_a_wrong_condition_is_named(tmp_path: Path, query: str, pointer: str) -> None:
    async with api(tmp_path, loops=False) as hub:
        answer = await hub.client.get(f"/audit?{query}")
        assert answer.status_code == 422, answer.text
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


# --- logins that fail


async def fail(hub: Running, email: str, password: str = "wrong") -> int:
    answer = await hub.client.post("/auth/login", json={"email": email, "password": password})
    return answer.status_code


async def test_a_login_that_fails(hub: Running) -> None:
    login = await register(hub)
    admin = bearer(login["access_token"])
    assert await fail(hub, ADA["email"]) == await fail(hub, "hunter2@the.password") == 401
    changed = await hub.client.post(
        "/auth/password", json={"old_password": "wrong", "new_password": "long enough"}, headers=admin
    )
    assert changed.status_code == 422
    mistyped, nobody, known = await audit(hub, admin, action="login.fail")
    assert (known["entity_id"], known["account_id"], known["actor"]) == (login["user"]["id"], "default", None)
    assert (nobody["entity_id"], nobody["account_id"], nobody["actor"]) == ("h…@t…", None, None)
    assert (mistyped["entity_id"], mistyped["actor"]) == (login["user"]["id"], login["user"]["id"])


async def test_a_refresh_token_that_comes_twice(hub: Running) -> None:
    login = await register(hub)
    _, admin = await People(hub).user(Role.ADMIN)
    said = {"refresh_token": login["refresh_token"]}
    for status in (200, 401, 401):
        assert (await hub.client.post("/auth/refresh", json=said)).status_code == status
    [entry] = await audit(hub, admin, action="login.reuse")
    assert (entry["entity_id"], entry["actor_kind"]) == (login["user"]["id"], "anybody")


async def test_tries_that_are_throttled_are_not_written(on_a_file: Running) -> None:
    hub = on_a_file
    _, admin = await People(hub).user(Role.ADMIN)
    answers = [await fail(hub, "nobody@example.org") for _ in range(14)]
    assert answers == [401] * 10 + [429] * 4
    assert await actions(hub, admin) == ["login.fail"] * 10


async def test_failing_from_everywhere_fills_no_disk(
    on_a_file: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = on_a_file
    _, admin = await People(hub).user(Role.ADMIN)
    monkeypatch.setattr(failures, "WRITTEN", Bucket("small", 2, 1e-6))
    for n in range(5):
        assert await fail(hub, f"{n}@example.org") == 401
    assert await actions(hub, admin) == ["login.fail"] * 2
    monkeypatch.setattr(failures, "WRITTEN", Bucket("another", 2, 1e-6))
    assert await fail(hub, "5@example.org") == 401
    assert (await audit(hub, admin))[0]["meta"] == {"unwritten_before": 3}


# --- what is kept out


async def test_nothing_secret_is_told(on_a_file: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = on_a_file
    signed: list[str] = []
    sign = Tokens.sign

    def remember(self: Tokens, *given: Any) -> str:
        signed.append(sign(self, *given))
        return signed[-1]

    monkeypatch.setattr(Tokens, "sign", remember)
    login = await register(hub)
    admin = bearer(login["access_token"])
    await fail(hub, ADA["email"], "a wrong guess")
    await hub.client.post("/auth/login", json={**ADA, "cookie": True})
    await hub.client.post("/auth/refresh", json={"refresh_token": login["refresh_token"]})
    secrets = {"password": "the new one's"}
    await hub.client.post("/users", json={"email": "bob@example.org", **secrets}, headers=admin)
    made = await hub.client.post("/keys", json={"name": "k", "scopes": ["read"]}, headers=admin)
    named = {"name": made.json()["secret"], "scopes": ["read"]}  # somebody pastes it where the name belongs
    await hub.client.post("/keys", json=named, headers=admin)
    await submit(hub, "t", {"card": "4111"}, headers=admin)
    shown = str(await audit(hub, admin))
    hashes = [(await hub.engine.store.login(email))[1] for email in (ADA["email"], "bob@example.org")]  # type: ignore[index]
    kept = [
        ADA["password"],
        "a wrong guess",
        "the new one's",
        made.json()["secret"],
        "4111",
        *hashes,
        *signed,
    ]
    assert len(signed) >= 5
    assert not [secret for secret in kept if secret in shown]


# --- explain


async def test_who_has_paused_a_queue(hub: Running) -> None:
    people = People(hub)
    admin, as_admin = await people.user(Role.ADMIN)
    _, as_owner = await people.user(account="owners")
    id = (await submit(hub, "t", queue="q", headers=as_owner))["id"]

    async def cause(who: Headers = as_admin) -> dict[str, Any]:
        answer = await hub.client.get(f"/tasks/{id}/explain", headers=who)
        first: dict[str, Any] = answer.json()["causes"][0]
        return first

    async def say(verb: str, who: Headers = as_admin) -> None:
        assert (await hub.client.post(f"/queues/q/{verb}", headers=who)).status_code == 200

    await say("pause")
    since = (await audit(hub, as_admin))[0]["ts"]
    seen = await cause()
    assert (seen["paused_by"], seen["since"]) == (admin.email, since)
    assert seen["text"].startswith(f"Its queue q is paused, by {admin.email} since 20")
    seen = await cause(as_owner)
    assert (seen["paused_by"], seen["since"]) == ("an admin", since), (
        "who of another account it was, is not told"
    )
    await say("pause", await people.key(Scope.ADMIN))
    assert (await cause())["paused_by"] == admin.email, "it was paused already"
    await say("resume")
    assert (await cause())["kind"] == "no_worker"
    await hub.engine.queues.pause("q")
    seen = await cause()
    assert (seen["text"], seen["paused_by"]) == ("Its queue q is paused.", None), "nobody has written who"
    await say("resume")
    await say("pause", await people.key(Scope.ADMIN))
    assert (await cause())["paused_by"] == "the key a test's"
