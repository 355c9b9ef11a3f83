"""Logins, keys and accounts over HTTP, with real passwords."""

import asyncio
import contextlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import pytest_asyncio
from tests.support.http_api import Running, api
from tests.support.people import ACCOUNTS, SECRET, People, bearer

from taskflow_hub.domain.access import Role, Scope
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.messages import Register
from taskflow_hub.domain.model import TaskType
from taskflow_hub.engine.accounts.tokens import Use
from taskflow_hub.engine.settings import AuthSettings, Registration

ADA = {"email": "ada@example.org", "password": "correct horse battery"}
BOB = {"email": "bob@example.org", "password": "staple staple staple"}


@pytest_asyncio.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with api(tmp_path, database_url, auth=ACCOUNTS, loops=False) as running:
        yield running


async def register(hub: Running, who: dict[str, str] = ADA) -> dict[str, Any]:
    answer = await hub.client.post("/auth/register", json=who)
    assert answer.status_code == 201, answer.text
    login: dict[str, Any] = answer.json()
    return login


async def me(hub: Running, credential: str) -> httpx.Response:
    return await hub.client.get("/auth/me", headers=bearer(credential))


# --- logins


async def test_the_first_user_is_admin_and_the_next_have_accounts_of_their_own(hub: Running) -> None:
    ada, bob = await register(hub), await register(hub, BOB)
    assert (ada["user"]["role"], ada["user"]["account_id"]) == ("admin", "default")
    assert bob["user"]["role"] == "user"
    assert bob["user"]["account_id"] not in {"default", ada["user"]["account_id"]}
    assert "password" not in json.dumps(ada["user"])
    again = await hub.client.post("/auth/register", json={**BOB, "email": "BOB@Example.org"})
    assert (again.status_code, again.json()["code"]) == (409, "email_taken")


async def test_a_closed_hub_is_open_to_the_first(database_url: str, tmp_path: Path) -> None:
    closed = AuthSettings(secret=SECRET, registration=Registration.CLOSED)
    async with api(tmp_path, database_url, auth=closed, loops=False) as hub:
        await register(hub)
        refused = await hub.client.post("/auth/register", json=BOB)
        assert (refused.status_code, refused.json()["code"]) == (403, "registration_closed")


async def test_logging_in_and_out(hub: Running) -> None:
    await register(hub)
    login = (await hub.client.post("/auth/login", json={**ADA, "email": "Ada@Example.ORG"})).json()
    assert login["token_type"] == "Bearer"
    assert login["expires_in"] == 900
    known = (await me(hub, login["access_token"])).json()
    assert (known["user"]["email"], known["account_id"]) == ("ada@example.org", "default")
    assert known["scopes"] == ["submit", "read", "manage", "work", "admin"]
    ended = await hub.client.post("/auth/logout", headers=bearer(login["access_token"]))
    assert ended.status_code == 204
    assert (await me(hub, login["access_token"])).status_code == 401
    refused = await hub.client.post("/auth/refresh", json={"refresh_token": login["refresh_token"]})
    assert refused.status_code == 401


async def test_a_wrong_address_and_a_wrong_password_are_told_alike(hub: Running) -> None:
    await register(hub)
    wrong = await hub.client.post("/auth/login", json={**ADA, "password": "wrong"})
    nobody = await hub.client.post("/auth/login", json={**ADA, "email": "nobody@example.org"})
    assert wrong.status_code == nobody.status_code == 401
    assert wrong.content == nobody.content


async def test_an_unknown_address_costs_a_hash_too(hub: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: whoever times the answers measures these."""
    from taskflow_hub.engine.accounts import passwords

    await register(hub)
    hashed: list[str] = []
    real = passwords._hasher.verify

    def verify(password: str, hash: str) -> bool:
        hashed.append(hash)
        return real(password, hash)

    monkeypatch.setattr(passwords._hasher, "verify", verify)
    await hub.client.post("/auth/login", json={**ADA, "password": "wrong"})
    await hub.client.post("/auth/login", json={**ADA, "email": "nobody@example.org"})
    first, second = (hash.split("$")[:4] for hash in hashed)
    assert first == second, "the same algorithm with the same parameters"


async def test_a_refresh_token_is_good_once_and_twice_ends_the_login(hub: Running) -> None:
    login = await register(hub)
    following = (
        await hub.client.post("/auth/refresh", json={"refresh_token": login["refresh_token"]})
    ).json()
    assert following["refresh_token"] != login["refresh_token"]
    assert (await me(hub, following["access_token"])).status_code == 200
    stolen = await hub.client.post("/auth/refresh", json={"refresh_token": login["refresh_token"]})
    assert stolen.status_code == 401
    for token in (login["access_token"], following["access_token"]):
        assert (await me(hub, token)).status_code == 401, "nobody knows who was the thief"
    late = await hub.client.post("/auth/refresh", json={"refresh_token": following["refresh_token"]})
    assert late.status_code == 401


async def test_of_many_refreshes_at_once_on_two_processes_one_goes_on(
    database_url: str, tmp_path: Path
) -> None:
    async with contextlib.AsyncExitStack() as both:
        hubs = [
            await both.enter_async_context(api(tmp_path / name, database_url, auth=ACCOUNTS, loops=False))
            for name in "ab"
        ]
        login = await register(hubs[0])
        body = {"refresh_token": login["refresh_token"]}
        answers = await asyncio.gather(
            *(hubs[n % 2].client.post("/auth/refresh", json=body) for n in range(20))
        )
        assert sorted(answer.status_code for answer in answers) == [200] + [401] * 19


async def test_a_new_password_ends_all_other_logins(hub: Running) -> None:
    login = await register(hub)
    wrong = await hub.client.post(
        "/auth/password",
        json={"old_password": "wrong", "new_password": "quite another one"},
        headers=bearer(login["access_token"]),
    )
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/old_password")
    changed = await hub.client.post(
        "/auth/password",
        json={"old_password": ADA["password"], "new_password": "quite another one"},
        headers=bearer(login["access_token"]),
    )
    assert changed.status_code == 200
    assert (await me(hub, login["access_token"])).status_code == 401
    assert (await me(hub, changed.json()["access_token"])).status_code == 200
    assert (await hub.client.post("/auth/login", json=ADA)).status_code == 401


async def test_guessing_is_throttled(hub: Running) -> None:
    await register(hub)
    guesses = [
        (await hub.client.post("/auth/login", json={**ADA, "password": f"guess {n}"})) for n in range(11)
    ]
    assert [answer.status_code for answer in guesses] == [401] * 10 + [429]
    assert 1 <= int(guesses[-1].headers["Retry-After"]) <= 30
    assert (await hub.client.post("/auth/login", json=ADA)).status_code == 429, "nor is the right one heard"
    assert (await hub.client.post("/auth/login", json=BOB)).status_code == 401, "others are"


async def guess(hub: Running, times: int, address: str) -> list[int]:
    """Wrong tries by somebody who says to be at `address`, where {} is the number of the try."""
    statuses = []
    for n in range(times):
        said = {"X-Forwarded-For": address.format(n)}
        answer = await hub.client.post("/auth/login", json={**ADA, "password": f"guess {n}"}, headers=said)
        statuses.append(answer.status_code)
    return statuses


@pytest.mark.parametrize("clothes", ["", "::ffff:"], ids=["IPv4", "IPv4 in IPv6"])
async def test_who_guesses_elsewhere_keeps_nobody_out(
    database_url: str, tmp_path: Path, clothes: str
) -> None:
    """Behind a proxy that is trusted, each has the address that the proxy names."""
    proxies = ("127.0.0.1",)
    there, here = f"{clothes}203.0.113.9", f"{clothes}198.51.100.7"
    async with api(tmp_path, database_url, auth=ACCOUNTS, loops=False, trusted_proxies=proxies) as hub:
        await register(hub)
        assert await guess(hub, 11, there) == [401] * 10 + [429]
        for address, expected in ((there, 429), (here, 200)):
            answer = await hub.client.post("/auth/login", json=ADA, headers={"X-Forwarded-For": address})
            assert answer.status_code == expected


async def test_nobody_is_believed_about_their_address(hub: Running) -> None:
    await register(hub)
    assert await guess(hub, 11, "203.0.113.{}") == [401] * 10 + [429]


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("email", "no address", "/email"),
        ("email", "a\nb@example.org", "/email"),
        ("email", "x" * 65 + "@example.org", "/email"),
        ("email", "\u202ada@example.org", "/email"),
        ("password", "short", "/password"),
        ("password", "x" * 257, "/password"),
        ("password", None, "/password"),
        ("more", 1, "/more"),
    ],
)
async def test_what_cannot_be_registered(hub: Running, field: str, value: object, pointer: str) -> None:
    answer = await hub.client.post("/auth/register", json={**ADA, field: value})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert str(value) not in answer.text or value in {1, None}


async def test_a_wrong_address_or_account_is_told_in_words(hub: Running) -> None:
    _, as_admin = await People(hub).user(Role.ADMIN)
    for field, says in (
        ("email", "is not an e-mail address, such as ada@example.org"),
        ("account", "is not an account's id"),
    ):
        answer = await hub.client.post("/users", json={**ADA, field: "Not One"}, headers=as_admin)
        [error] = answer.json()["errors"]
        assert (answer.status_code, error["pointer"], says in error["detail"]) == (422, f"/{field}", True)
        assert "regex" not in answer.text


# --- tokens that are not ours


def claims(token: str) -> dict[str, Any]:
    read: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return read


def unsigned(token: str) -> str:
    head = urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{head}.{token.split('.')[1]}."


async def test_changed_tokens_are_refused(hub: Running) -> None:
    login = await register(hub)
    token = login["access_token"]
    good = claims(token)
    ago = datetime.now(UTC) - timedelta(seconds=1)
    head, body, signature = token.split(".")
    other = json.loads(urlsafe_b64decode(body + "==")) | {"sid": "0198c0de-0000-7000-8000-000000000000"}
    forged = urlsafe_b64encode(json.dumps(other).encode()).rstrip(b"=").decode()
    bad = {
        "no algorithm": unsigned(token),
        "another key": jwt.encode(good, "x" * 32, "HS256"),
        "another algorithm": jwt.encode(good, SECRET.ljust(64, "x"), "HS512"),
        "run out": jwt.encode({**good, "exp": ago}, SECRET, "HS256"),
        "never runs out": jwt.encode({k: v for k, v in good.items() if k != "exp"}, SECRET, "HS256"),
        "another use": jwt.encode({**good, "aud": "somebody-else"}, SECRET, "HS256"),
        "for a refresh": login["refresh_token"],
        "for a cookie": jwt.encode({**good, "aud": Use.COOKIE.value}, SECRET, "HS256"),
        "another issuer": jwt.encode({**good, "iss": "somebody"}, SECRET, "HS256"),
        "another login": f"{head}.{forged}.{signature}",
        "a login that is none": jwt.encode({**good, "sid": "nonsense"}, SECRET, "HS256"),
        "an odd login": jwt.encode({**good, "sid": "\x00"}, SECRET, "HS256"),
        "an odd time": jwt.encode({**good, "exp": 10**17}, SECRET, "HS256"),
        "nonsense": "a.b.c",
        "empty": "",
        "not ASCII": "\xff\xfe",
        "huge": "x" * 30_000,
        "a key that is none": "tfk_" + "x" * 43 + "00000000",
    }
    for what, credential in bad.items():
        header = f"Bearer {credential}".strip().encode("latin-1")
        answer = await hub.client.get("/auth/me", headers={b"Authorization": header})
        assert answer.status_code == 401, (what, answer.text)
    refused = await hub.client.post("/auth/refresh", json={"refresh_token": token})
    assert refused.status_code == 401, "an access token refreshes nothing"
    assert (await hub.client.get("/auth/me", headers={"Authorization": "Basic YTpi"})).status_code == 401
    twice = [("Authorization", f"Bearer {token}")] * 2
    assert (await hub.client.get("/auth/me", headers=twice)).status_code == 422


# --- pages


async def test_a_page_logs_in_with_a_cookie_and_proves_each_change(hub: Running) -> None:
    await register(hub)
    answer = await hub.client.post("/auth/login", json={**ADA, "cookie": True})
    assert set(answer.json()) == {"user", "csrf_token"}
    cookie = answer.headers["Set-Cookie"]
    for flag in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="):
        assert flag in cookie
    page = httpx.AsyncClient(
        base_url=hub.url, cookies={"taskflow_session": cookie.split(";")[0].split("=", 1)[1]}
    )
    async with page:
        assert (await page.get("/tasks")).status_code == 200
        proof = (await page.get("/auth/me")).json()["csrf_token"]
        assert proof == answer.json()["csrf_token"]
        for headers in ({}, {"X-CSRF-Token": "wrong"}, {"X-CSRF-Token": ""}):
            assert (await page.post("/tasks", json={"type": "t"}, headers=headers)).status_code == 403
        submitted = await page.post("/tasks", json={"type": "t"}, headers={"X-CSRF-Token": proof})
        assert submitted.status_code == 202
        foreign = {"X-CSRF-Token": proof, "Origin": "https://evil.example"}
        assert (await page.post("/tasks", json={"type": "t"}, headers=foreign)).status_code == 403
        assert (await page.post("/auth/logout", headers={"X-CSRF-Token": proof})).status_code == 204
        assert (await page.get("/tasks")).status_code == 401


async def test_a_hostile_cookie_costs_nothing(hub: Running) -> None:
    """The standard library's way to undo its quotes takes time that grows with the square of its length; nobody is let near it,
    ours or another's, neither where one has to be known nor where anybody may ask."""
    _, as_user = await People(hub).user()
    for name in ("taskflow_session", "another"):
        headers = {"Cookie": f'{name}="' + "\\x" * 30_000 + '"'}
        async with asyncio.timeout(2):
            assert (await hub.client.get("/tasks", headers=headers)).status_code == 401
            assert (await hub.client.get("/healthz", headers=headers)).status_code == 200
            assert (await hub.client.post("/auth/login", headers=headers)).status_code == 400
            assert (await hub.client.get("/queues", headers={**headers, **as_user})).status_code == 200


async def test_a_page_behind_tls_keeps_its_cookie_there(hub: Running) -> None:
    await register(hub)
    own = f"https://{hub.url.removeprefix('http://')}"
    answer = await hub.client.post("/auth/login", json={**ADA, "cookie": True}, headers={"Origin": own})
    assert "; Secure" in answer.headers["Set-Cookie"]


# --- keys


async def test_a_key_is_shown_once_and_opens_what_it_is_for(hub: Running) -> None:
    login = await register(hub)
    made = await hub.client.post(
        "/keys",
        json={"name": "submitter", "scopes": ["submit"], "expires_in": 3600},
        headers=bearer(login["access_token"]),
    )
    secret = made.json()["secret"]
    assert made.status_code == 201
    assert secret.startswith("tfk_")
    listed = await hub.client.get("/keys", headers=bearer(login["access_token"]))
    assert secret not in listed.text
    [key] = listed.json()["items"]
    assert (key["name"], key["scopes"], key["user_id"]) == ("submitter", ["submit"], login["user"]["id"])
    task = await hub.client.post("/tasks", json={"type": "t"}, headers=bearer(secret))
    assert (task.status_code, task.json()["user_id"]) == (202, login["user"]["id"])
    assert (await hub.client.get("/tasks", headers=bearer(secret))).status_code == 403
    [used] = (await hub.client.get("/keys", headers=bearer(login["access_token"]))).json()["items"]
    assert used["last_used_at"] is not None
    for _ in range(2):
        revoked = await hub.client.post(f"/keys/{key['id']}/revoke", headers=bearer(login["access_token"]))
        assert revoked.status_code == 200
    assert (await hub.client.post("/tasks", json={"type": "t"}, headers=bearer(secret))).status_code == 401


async def test_what_is_for_some_queues_administers_nothing(hub: Running) -> None:
    login = await register(hub)
    body = {"name": "k", "scopes": ["admin"], "queues": ["mine"]}
    refused = await hub.client.post("/keys", json=body, headers=bearer(login["access_token"]))
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/queues")
    made_elsewhere = await People(hub).key(Scope.ADMIN, queues=("mine",))
    for method, path in (
        ("GET", "/metrics"),
        ("POST", "/queues/other/pause"),
        ("GET", "/keys"),
        ("GET", "/users"),
    ):
        assert (await hub.client.request(method, path, headers=made_elsewhere)).status_code == 403, path


async def test_unique_keys_lead_to_no_other_queue(hub: Running) -> None:
    people = People(hub)
    _, as_user = await people.user()
    held = {"type": "t", "queue": "other", "unique": {"key": "k"}, "payload": {"secret": 1}}
    holder = (await hub.client.post("/tasks", json=held, headers=as_user)).json()
    narrow, submitter = await people.key(Scope.SUBMIT, queues=("mine",)), await people.key(Scope.SUBMIT)
    for on_conflict in ("return", "reject", "replace"):
        wanted = {"type": "t", "queue": "mine", "unique": {"key": "k", "on_conflict": on_conflict}}
        answer = await hub.client.post("/tasks", json=wanted, headers=narrow)
        assert answer.status_code == 403
        assert holder["id"] not in answer.text
    replace = {"type": "t", "unique": {"key": "k", "on_conflict": "replace"}}
    assert (await hub.client.post("/tasks", json=replace, headers=submitter)).status_code == 403
    assert (await hub.client.get(f"/tasks/{holder['id']}", headers=as_user)).json()["status"] == "queued"


async def test_a_key_for_one_queue_sets_no_limits_for_the_others(hub: Running) -> None:
    people = People(hub)
    _, as_user = await people.user()
    narrow = await people.key(Scope.SUBMIT, queues=("mine",))
    for limit in ({"key": "k", "running": 1}, {"key": "k"}):
        wanted = {"type": "t", "queue": "mine", "limits": [limit]}
        for path, body in (("/tasks", wanted), ("/tasks/batch", {"tasks": [wanted]})):
            answer = await hub.client.post(path, json=body, headers=narrow)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
            assert "whole account" in answer.json()["detail"]
    assert (await hub.client.get("/limits", headers=as_user)).json()["items"] == []
    unlimited = {"type": "t", "queue": "mine", "limits": []}
    assert (await hub.client.post("/tasks", json=unlimited, headers=narrow)).status_code == 202


async def test_a_key_for_one_queue_binds_its_tasks_to_it(database_url: str, tmp_path: Path) -> None:
    """A type that nobody has registered waits in `default`, and moves to its home queue when somebody does; this may not."""
    async with api(tmp_path, database_url, auth=ACCOUNTS, loops=False) as hub:
        key = await People(hub).key(Scope.SUBMIT, Scope.READ, queues=("default",))
        task = (await hub.client.post("/tasks", json={"type": "later"}, headers=key)).json()
        worker = Register(
            worker=new_id(),
            name="w",
            host="h",
            pid=1,
            version="1",
            slots=1,
            window=0,
            types=(TaskType(type="later", queue="elsewhere"),),
        )
        await hub.engine.store.register(worker)
        assert (await hub.client.get(f"/tasks/{task['id']}", headers=key)).json()["queue"] == "default"


async def test_a_stream_ends_for_who_may_not_look_any_more(hub: Running) -> None:
    people = People(hub)
    _, as_boss = await people.user(Role.ADMIN)
    admin, as_admin = await people.user(Role.ADMIN)
    _, as_ann = await people.user(account="ann")
    task = (await hub.client.post("/tasks", json={"type": "t"}, headers=as_ann)).json()
    async with hub.client.stream("GET", f"/tasks/{task['id']}/events", headers=as_admin) as events:
        lines = events.aiter_lines()
        while not (await anext(lines)).startswith("data:"):
            pass
        await hub.client.patch(f"/users/{admin.id}", json={"role": "viewer"}, headers=as_boss)
        await hub.client.patch(f"/tasks/{task['id']}", json={"priority": 9}, headers=as_ann)
        assert [line async for line in lines if line] == []


async def test_strangers_are_told_that_and_not_what_is_wrong(hub: Running) -> None:
    _, as_admin = await People(hub).user(Role.ADMIN)
    for headers, expected in (({}, "not ok"), (as_admin, "not running: ")):
        found = (await hub.client.get("/readyz?verbose", headers=headers)).json()
        assert found["checks"]["loops"].startswith(expected)
        assert ("warnings" in found) == (headers is as_admin)


async def test_an_open_stream_ends_with_its_key(hub: Running) -> None:
    people = People(hub)
    _, as_user = await people.user()
    made = (await hub.client.post("/keys", json={"name": "k", "scopes": ["read"]}, headers=as_user)).json()
    task = (await hub.client.post("/tasks", json={"type": "t"}, headers=as_user)).json()
    async with hub.client.stream(
        "GET", f"/tasks/{task['id']}/events", headers=bearer(made["secret"])
    ) as events:
        lines = events.aiter_lines()
        while not (await anext(lines)).startswith("data:"):
            pass
        await hub.client.post(f"/keys/{made['key']['id']}/revoke", headers=as_user)
        await hub.client.patch(f"/tasks/{task['id']}", json={"priority": 9}, headers=as_user)
        assert [line async for line in lines if line] == [], "it is told nothing more"


async def test_nobody_gives_more_than_they_have(hub: Running) -> None:
    people = People(hub)
    user, as_user = await people.user()
    more = await hub.client.post("/keys", json={"name": "k", "scopes": ["admin"]}, headers=as_user)
    assert more.status_code == 403
    stolen = await people.key(Scope.MANAGE, user=user)
    outlives = await hub.client.post("/keys", json={"name": "k", "scopes": ["manage"]}, headers=stolen)
    assert outlives.status_code == 403


async def test_a_key_that_runs_out_makes_nothing_that_lasts(hub: Running) -> None:
    admin, as_admin = await People(hub).user(Role.ADMIN)
    wanted = {"name": "k", "scopes": ["admin"], "expires_in": 3600}
    key = bearer((await hub.client.post("/keys", json=wanted, headers=as_admin)).json()["secret"])
    made = [
        await hub.client.post("/keys", json={"name": "k", "scopes": ["read"]}, headers=key),
        await hub.client.post("/users", json={**BOB, "role": "admin"}, headers=key),
        await hub.client.patch(f"/users/{admin.id}", json={"role": "admin"}, headers=key),
    ]
    assert [answer.status_code for answer in made] == [403] * 3


async def test_a_role_that_is_taken_away_is_gone_from_logins_and_keys(hub: Running) -> None:
    people = People(hub)
    _, as_boss = await people.user(Role.ADMIN)
    admin, as_admin = await people.user(Role.ADMIN)
    key = await people.key(Scope.ADMIN, user=admin)
    assert (await hub.client.get("/metrics", headers=key)).status_code == 200
    demoted = await hub.client.patch(f"/users/{admin.id}", json={"role": "viewer"}, headers=as_boss)
    assert demoted.json()["role"] == "viewer"
    for headers in (as_admin, key):
        assert (await hub.client.get("/metrics", headers=headers)).status_code == 403
        assert (await hub.client.get("/tasks", headers=headers)).status_code == 200
        assert (await hub.client.post("/tasks", json={"type": "t"}, headers=headers)).status_code == 403


async def test_the_last_admin_stays(hub: Running) -> None:
    login = await register(hub)
    refused = await hub.client.patch(
        f"/users/{login['user']['id']}", json={"role": "user"}, headers=bearer(login["access_token"])
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "last_admin")


async def test_a_key_for_one_queue_sees_and_uses_no_other(hub: Running) -> None:
    people = People(hub)
    _, everywhere = await people.user()
    key = await people.key(Scope.SUBMIT, Scope.READ, Scope.MANAGE, queues=("mine",))

    async def submit(headers: dict[str, str], **fields: Any) -> httpx.Response:
        return await hub.client.post("/tasks", json={"type": "t", **fields}, headers=headers)

    mine = (await submit(key, queue="mine")).json()
    other = (await submit(everywhere, queue="other")).json()
    assert (await submit(key, queue="other")).status_code == 403
    assert (await submit(key)).status_code == 403, "the type's own queue is another one"
    batch = {"tasks": [{"type": "t", "queue": "mine"}, {"type": "t", "queue": "other"}]}
    assert (await hub.client.post("/tasks/batch", json=batch, headers=key)).status_code == 403
    assert (await hub.client.get(f"/tasks/{mine['id']}", headers=key)).status_code == 200
    assert (await hub.client.get(f"/tasks/{other['id']}", headers=key)).status_code == 404
    assert (await hub.client.post(f"/tasks/{other['id']}/cancel", headers=key)).status_code == 404
    moved = await hub.client.patch(f"/tasks/{mine['id']}", json={"queue": "other"}, headers=key)
    assert moved.status_code == 403
    listed = (await hub.client.get("/tasks", headers=key)).json()["items"]
    assert [task["id"] for task in listed] == [mine["id"]]
    assert (await hub.client.get("/tasks?queue=other", headers=key)).status_code == 403
    queues = (await hub.client.get("/queues", headers=key)).json()["items"]
    assert [queue["name"] for queue in queues] == ["mine"]
    assert (await hub.client.post("/queues/other/purge", headers=key)).status_code == 403
    everything = {"filter": {}, "action": "cancel", "dry_run": True}
    assert (await hub.client.post("/bulk", json=everything, headers=key)).json()["total"] == 1
    counted = (await hub.client.get("/tasks/counts", headers=key)).json()["items"]
    assert counted["queued"] == {"count": 1, "exact": True}
    assert (await hub.client.get("/tasks/counts?queue=other", headers=key)).status_code == 403


# --- accounts


async def test_accounts_do_not_see_each_other_and_an_admin_sees_all(hub: Running) -> None:
    people = People(hub)
    ann, as_ann = await people.user(account="ann")
    _, as_ben = await people.user(account="ben")
    _, as_admin = await people.user(Role.ADMIN)
    hers = (await hub.client.post("/tasks", json={"type": "t", "queue": "hers"}, headers=as_ann)).json()
    his = (await hub.client.post("/tasks", json={"type": "t", "queue": "his"}, headers=as_ben)).json()

    async def listed(path: str, headers: dict[str, str]) -> list[str]:
        items = (await hub.client.get(path, headers=headers)).json()["items"]
        return [item.get("id") or item["name"] for item in items]

    assert await listed("/tasks", as_ann) == [hers["id"]]
    assert await listed("/tasks", as_ben) == [his["id"]]
    assert await listed("/tasks", as_admin) == [his["id"], hers["id"]]
    assert await listed(f"/tasks?user={ann.id}", as_admin) == [hers["id"]]
    assert await listed(f"/tasks?user={ann.id}", as_ben) == []
    for who, there in ((as_ann, 1), (as_ben, 1), (as_admin, 2)):
        counted = (await hub.client.get("/tasks/counts", headers=who)).json()["items"]
        assert counted["queued"]["count"] == there
    counted = (await hub.client.get(f"/tasks/counts?user={ann.id}", headers=as_admin)).json()["items"]
    assert counted["queued"]["count"] == 1
    assert await listed("/queues", as_ann) == ["hers"], "the name of another's queue is theirs"
    assert await listed("/queues", as_admin) == ["hers", "his"]
    assert len(await listed("/users", as_ann)) == 1
    assert len(await listed("/users", as_admin)) == 3
    assert (await hub.client.get(f"/tasks/{his['id']}", headers=as_admin)).status_code == 200
    cancelled = await hub.client.post(f"/tasks/{hers['id']}/cancel", headers=as_admin)
    assert cancelled.json()["status"] == "cancelled"


async def test_one_idempotency_key_in_two_accounts_is_two(hub: Running) -> None:
    people = People(hub)
    ids = set()
    for account in ("ann", "ben"):
        _, headers = await people.user(account=account)
        for expected in (202, 200):
            answer = await hub.client.post(
                "/tasks", json={"type": "t"}, headers={**headers, "Idempotency-Key": "same"}
            )
            assert answer.status_code == expected
            ids.add(answer.json()["id"])
    assert len(ids) == 2


async def test_a_hundred_submits_with_one_key_on_two_processes_are_one_task(
    database_url: str, tmp_path: Path
) -> None:
    async with contextlib.AsyncExitStack() as both:
        hubs = [
            await both.enter_async_context(api(tmp_path / name, database_url, auth=ACCOUNTS, loops=False))
            for name in "ab"
        ]
        _, headers = await People(hubs[0]).user()
        answers = await asyncio.gather(
            *(
                hubs[n % 2].client.post(
                    "/tasks", json={"type": "t"}, headers={**headers, "Idempotency-Key": "k"}
                )
                for n in range(100)
            )
        )
        assert {answer.json()["id"] for answer in answers} == {answers[0].json()["id"]}
        assert sorted(answer.status_code for answer in answers) == [200] * 99 + [202]
        assert len((await hubs[0].client.get("/tasks", headers=headers)).json()["items"]) == 1


# --- without accounts


async def test_a_hub_without_accounts_says_so(tmp_path: Path) -> None:
    async with api(tmp_path, loops=False) as hub:
        known = (await hub.client.get("/auth/me")).json()
        assert (known["accounts"], known["account_id"], known["user"]) == (False, "default", None)
        asked = {
            "/auth/register": ADA,
            "/auth/login": ADA,
            "/auth/refresh": {"refresh_token": "x"},
            "/keys": {"name": "k", "scopes": ["read"]},
            "/users": ADA,
        }
        calls = [("POST", path, body) for path, body in asked.items()]
        calls += [("GET", "/keys", None), ("GET", "/users", None), ("POST", f"/keys/{new_id()}/revoke", None)]
        for method, path, body in calls:
            answer = await hub.client.request(method, path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (409, "accounts_off"), path
