"""Every route × everyone who may ask it. A route that is not in the table fails the suite."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from starlette.routing import Route
from tests.support.http_api import Running, api
from tests.support.people import ACCOUNTS, Headers, People

from taskflow_hub.domain.access import Role, Scope
from taskflow_hub.domain.clock import new_id

OTHER: Final = "another-account"


@dataclass(frozen=True)
class Place:
    """A hub with an owner, from whose account things are made."""

    hub: Running
    owner: Headers

    async def _post(self, path: str, body: Any = None) -> Any:
        answer = await self.hub.client.post(path, json=body, headers=self.owner)
        assert answer.is_success, answer.text
        return answer.json()

    async def queued(self) -> str:
        return str((await self._post("/tasks", {"type": "t", "queue": "q"}))["id"])

    async def scheduled(self) -> str:
        return str((await self._post("/tasks", {"type": "t", "queue": "q", "delay": 600}))["id"])

    async def cancelled(self) -> str:
        id = await self.queued()
        await self._post(f"/tasks/{id}/cancel")
        return id

    async def workflow(self) -> str:
        return str((await self._post("/workflows", WORKFLOW))["id"])

    async def ended_workflow(self) -> str:
        id = await self.workflow()
        await self._post(f"/workflows/{id}/cancel")
        return id

    async def bulk(self) -> str:
        return str((await self._post("/bulk", {"filter": {"type": "none"}, "action": "cancel"}))["id"])

    async def schedule(self) -> str:
        body = {"every": "1h", "task": {"type": "t", "queue": "q"}}
        return str((await self._post("/schedules", body))["id"])

    async def key(self) -> str:
        return str((await self._post("/keys", {"name": "k", "scopes": ["read"]}))["key"]["id"])

    async def nothing(self) -> str:
        return new_id()

    async def queue(self) -> str:
        return "q"

    async def account(self) -> str:
        return "the-owners"

    async def code(self) -> str:
        return "not_found"


Make = Callable[[Place], Awaitable[str]]


@dataclass(frozen=True)
class Row:
    """`scope` None: whoever is known. `of_account`: what `make` makes is unknown to other accounts."""

    scope: Scope | None
    make: Make = Place.nothing
    body: Any = None
    allowed: frozenset[int] = frozenset({200, 201, 202})
    of_account: bool = False
    public: bool = False
    only_logins: bool = False  # a key is refused: it has no login


def of_task(scope: Scope, make: Make = Place.queued, body: Any = None) -> Row:
    return Row(scope, make, body, of_account=True)


def public(*statuses: int, make: Make = Place.nothing, body: Any = None) -> Row:
    return Row(None, make, body, frozenset(statuses), public=True)


TASK: Final = {"type": "t", "queue": "q"}
WORKFLOW: Final = {"name": "w", "nodes": {"n": TASK, "each": {**TASK, "for_each": [1]}}}
AN_HOUR: Final = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T01:00:00Z"}
STRANGER: Final = {"email": "nobody@example.org", "password": "not this one"}
TABLE: Final[dict[tuple[str, str], Row]] = {
    ("POST", "/tasks"): Row(Scope.SUBMIT, body=TASK),
    ("POST", "/tasks/batch"): Row(Scope.SUBMIT, body={"tasks": [TASK]}),
    ("GET", "/tasks"): Row(Scope.READ),
    ("GET", "/tasks/counts"): Row(Scope.READ),
    ("GET", "/tasks/{id}"): of_task(Scope.READ),
    ("GET", "/tasks/{id}/explain"): of_task(Scope.READ),
    ("GET", "/tasks/{id}/result"): of_task(Scope.READ),
    ("GET", "/tasks/{id}/attempts"): of_task(Scope.READ),
    ("GET", "/tasks/{id}/logs"): of_task(Scope.READ),
    ("GET", "/tasks/{id}/events"): of_task(Scope.READ, Place.cancelled),
    ("GET", "/tasks/{id}/steps"): of_task(Scope.READ),
    ("POST", "/tasks/{id}/events/{name}"): of_task(Scope.SUBMIT, body={"by": "ada"}),
    ("PATCH", "/tasks/{id}"): of_task(Scope.MANAGE, body={"priority": 9}),
    ("DELETE", "/tasks/{id}"): of_task(Scope.MANAGE, Place.cancelled),
    ("POST", "/tasks/{id}/cancel"): of_task(Scope.MANAGE),
    ("POST", "/tasks/{id}/redrive"): of_task(Scope.MANAGE, Place.cancelled),
    ("POST", "/tasks/{id}/promote"): of_task(Scope.MANAGE, Place.scheduled),
    ("GET", "/events"): Row(Scope.READ),
    ("POST", "/workflows"): Row(Scope.SUBMIT, body=WORKFLOW),
    ("GET", "/workflows"): Row(Scope.READ),
    ("GET", "/workflows/{id}"): of_task(Scope.READ, Place.workflow),
    ("GET", "/workflows/{id}/events"): of_task(Scope.READ, Place.ended_workflow),
    ("GET", "/workflows/{id}/nodes/{node}/items"): of_task(Scope.READ, Place.workflow),
    ("POST", "/workflows/{id}/cancel"): of_task(Scope.MANAGE, Place.workflow),
    ("POST", "/workflows/{id}/redrive"): of_task(Scope.MANAGE, Place.ended_workflow),
    ("DELETE", "/workflows/{id}"): of_task(Scope.MANAGE, Place.ended_workflow),
    ("POST", "/bulk"): Row(Scope.MANAGE, body={"filter": {"type": "none"}, "action": "cancel"}),
    ("GET", "/bulk/{id}"): of_task(Scope.READ, Place.bulk),
    ("POST", "/bulk/{id}/abort"): of_task(Scope.MANAGE, Place.bulk),
    ("GET", "/queues"): Row(Scope.READ),
    ("GET", "/queues/{name}/trend"): Row(Scope.READ, Place.queue),
    ("GET", "/overview"): Row(Scope.READ),
    ("PATCH", "/queues/{name}"): Row(Scope.ADMIN, Place.queue, {"max_size": 7}),
    ("POST", "/queues/{name}/pause"): Row(Scope.ADMIN, Place.queue),
    ("POST", "/queues/{name}/resume"): Row(Scope.ADMIN, Place.queue),
    ("POST", "/queues/{name}/purge"): Row(Scope.MANAGE, Place.queue),
    ("GET", "/failures"): Row(Scope.READ),
    ("GET", "/limits"): Row(Scope.READ),
    ("POST", "/limits"): Row(Scope.MANAGE, body={"key": "k", "running": 3}),
    ("GET", "/quota"): Row(Scope.READ),
    ("GET", "/quotas"): Row(Scope.ADMIN),
    ("GET", "/accounts/{account}/quota"): Row(Scope.ADMIN, Place.account),
    ("PATCH", "/accounts/{account}/quota"): Row(Scope.ADMIN, Place.account, {"per_minute": 600}),
    ("POST", "/schedules"): Row(Scope.SUBMIT, body={"every": 60, "task": TASK}),
    ("GET", "/schedules"): Row(Scope.READ),
    ("GET", "/schedules/{id}"): of_task(Scope.READ, Place.schedule),
    ("PATCH", "/schedules/{id}"): of_task(Scope.MANAGE, Place.schedule, {"jitter": 5}),
    ("DELETE", "/schedules/{id}"): of_task(Scope.MANAGE, Place.schedule),
    ("POST", "/schedules/{id}/pause"): of_task(Scope.MANAGE, Place.schedule),
    ("POST", "/schedules/{id}/resume"): of_task(Scope.MANAGE, Place.schedule),
    ("POST", "/schedules/{id}/trigger"): of_task(Scope.SUBMIT, Place.schedule),
    ("POST", "/schedules/{id}/backfill"): of_task(Scope.SUBMIT, Place.schedule, AN_HOUR),
    ("GET", "/schedules/{id}/preview"): of_task(Scope.READ, Place.schedule),
    ("GET", "/schedules/{id}/fires"): of_task(Scope.READ, Place.schedule),
    ("GET", "/workers"): Row(Scope.READ),
    ("POST", "/workers/{id}/drain"): Row(Scope.ADMIN, allowed=frozenset({404})),  # there is none
    ("GET", "/task-types"): Row(Scope.READ),
    ("POST", "/auth/register"): public(
        201, 409, body={"email": "new@example.org", "password": "long enough"}
    ),
    ("POST", "/auth/login"): public(401, 429, body=STRANGER),
    ("POST", "/auth/refresh"): public(401, body={"refresh_token": "nonsense"}),
    ("POST", "/auth/logout"): Row(None, allowed=frozenset({204}), only_logins=True),
    ("POST", "/auth/password"): Row(
        None,
        body={"old_password": "wrong", "new_password": "long enough"},
        allowed=frozenset({422, 429}),
        only_logins=True,
    ),
    ("GET", "/auth/me"): Row(None),
    ("POST", "/keys"): Row(Scope.MANAGE, body={"name": "k", "scopes": ["read"]}),
    ("GET", "/keys"): Row(Scope.MANAGE),
    ("POST", "/keys/{id}/revoke"): of_task(Scope.MANAGE, Place.key),
    ("GET", "/users"): Row(Scope.READ),
    ("POST", "/users"): Row(
        Scope.ADMIN,
        body={"email": "more@example.org", "password": "long enough"},
        allowed=frozenset({201, 409}),
    ),
    ("PATCH", "/users/{id}"): Row(Scope.ADMIN, body={"role": "user"}, allowed=frozenset({404})),
    ("GET", "/audit"): Row(Scope.MANAGE),
    ("GET", "/settings"): Row(Scope.ADMIN),
    ("GET", "/metrics"): Row(Scope.ADMIN),
    ("GET", "/healthz"): public(200),
    ("GET", "/readyz"): public(200, 503),
    ("GET", "/problems/{code}"): public(200, make=Place.code),
    ("GET", "/openapi.json"): public(200),
    ("GET", "/docs"): public(200),
    ("GET", "/"): public(307),
    ("GET", "/ui"): public(307),
    ("GET", "/ui/"): public(200),
}


async def routes_of(hub: Running) -> set[tuple[str, str]]:
    """What the API says it has, and the files beside it; all below /ui/ is one."""
    paths = (await hub.client.get("/openapi.json")).json()["paths"]
    of_api = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    files = {route.path for route in hub.app.routes if type(route) is Route}
    return of_api | {("GET", path) for path in files if path == "/ui/" or not path.startswith("/ui/")}


@pytest_asyncio.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Running]:
    async with api(tmp_path, auth=ACCOUNTS, loops=False) as running:
        yield running


async def test_the_table_has_every_route(hub: Running) -> None:
    assert set(TABLE) == await routes_of(hub)


@pytest.mark.parametrize(("route", "row"), TABLE.items(), ids=[" ".join(route) for route in TABLE])
async def test_who_may(hub: Running, route: tuple[str, str], row: Row) -> None:
    people = People(hub)
    admin, as_admin = await people.user(Role.ADMIN)
    owner, as_owner = await people.user(account="the-owners")
    _, as_viewer = await people.user(Role.VIEWER, account="the-owners")
    _, as_other = await people.user(account=OTHER)
    run_out = {"Authorization": f"Bearer {await people.token(admin, ttl_s=-1)}"}
    others = [scope for scope in Scope if scope not in {row.scope, Scope.ADMIN}]
    wrong_scope = await people.key(*others, account="the-owners", user=owner)
    place = Place(hub, as_owner)

    async def ask(headers: Headers) -> int:
        method, path = route
        path = re.sub(r"\{(id|name|code|account)\}", "{it}", path).replace("{node}", "each")
        if "{it}" in path:
            path = path.format(it=await row.make(place))
        async with hub.client.stream(method, path, json=row.body, headers=headers) as answer:
            if answer.status_code == 401 and not row.public:
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            return answer.status_code

    unknown = 200 if row.public else 401
    answers = {
        "nobody": await ask({}),
        "run out": await ask(run_out),
        "wrong scope": await ask(wrong_scope),
        "viewer": await ask(as_viewer),
        "other account": await ask(as_other),
        "owner": await ask(as_owner),
        "admin": await ask(as_admin),
    }
    if row.public:
        assert set(answers.values()) <= row.allowed, answers
        return
    assert answers["nobody"] == answers["run out"] == unknown
    if row.scope is not None:
        assert answers["wrong scope"] == 403
    elif row.only_logins:
        assert answers["wrong scope"] == 403, "a key is no login"
    allowed = {
        "viewer": row.scope in {None, Scope.READ},
        "other account": row.scope is not Scope.ADMIN,
        "owner": row.scope is not Scope.ADMIN,
        "admin": True,
    }
    for who, may in allowed.items():
        if not may:
            assert answers[who] == 403, (who, answers)
        elif who == "other account" and row.of_account:
            assert answers[who] == 404, (who, answers)
        else:
            assert answers[who] in row.allowed, (who, answers)
