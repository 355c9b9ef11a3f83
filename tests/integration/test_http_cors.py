"""Pages of other origins: those that are listed may ask, with a bearer token and never with a cookie; all others may not."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from pydantic import ValidationError
from tests.support.http_api import Running, api
from tests.support.people import ACCOUNTS, Headers, People

from taskflow_hub.domain.access import Role
from taskflow_hub.engine.accounts.logins import Cookie
from taskflow_hub.http.identify import COOKIE
from taskflow_hub.http.settings import HttpSettings

APP = "https://app.example.org"
LOCAL = "http://localhost:5173"
FOREIGN = "https://evil.example"


def page_of(origin: str, **more: str) -> Headers:
    """What a browser sends for a page's `fetch`."""
    said = {
        "Origin": origin,
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "cors",
        "Sec-Fetch-Dest": "empty",
    }
    return said | {name.replace("_", "-"): value for name, value in more.items()}


def preflight(origin: str, method: str = "POST", headers: str = "authorization,content-type") -> Headers:
    return page_of(origin) | {
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }


def cors_of(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control")}


def names(text: str) -> set[str]:
    return {name.strip().lower() for name in text.split(",")}


@pytest_asyncio.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Running]:
    async with api(
        tmp_path, loops=False, auth=ACCOUNTS, cors_origins=(APP, LOCAL), rate_per_key=1000
    ) as running:
        yield running


@pytest.mark.parametrize("origin", [APP, LOCAL])
async def test_a_listed_origin_may_ask_and_read(hub: Running, origin: str) -> None:
    _, login = await People(hub).user()
    for method, path in (("POST", "/tasks"), ("GET", "/tasks"), ("PATCH", "/queues/a"), ("GET", "/nowhere")):
        before = await hub.client.options(path, headers=preflight(origin, method))
        assert (before.status_code, before.content) == (204, b"")
        assert before.headers["access-control-allow-origin"] == origin
        assert method in before.headers["access-control-allow-methods"].split(", ")
        assert names(before.headers["access-control-allow-headers"]) >= {
            "authorization", "content-type", "idempotency-key", "prefer", "last-event-id",
        }  # fmt: skip
        assert before.headers["vary"] == "Origin"
        assert int(before.headers["access-control-max-age"]) > 0
    answer = await hub.client.post("/tasks", json={"type": "a"}, headers=page_of(origin) | login)
    assert answer.status_code == 202
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["vary"] == "Origin"
    assert names(answer.headers["access-control-expose-headers"]) >= {
        "location", "retry-after", "ratelimit", "ratelimit-policy", "idempotency-replayed", "preference-applied",
    }  # fmt: skip
    assert "access-control-allow-credentials" not in answer.headers
    async with hub.client.stream("GET", "/events", headers=page_of(origin) | login) as stream:
        assert stream.headers["access-control-allow-origin"] == origin


async def test_errors_can_be_read_too(hub: Running) -> None:
    _, viewer = await People(hub).user(Role.VIEWER)
    for status, answer in (
        (401, await hub.client.get("/tasks", headers=page_of(APP))),
        (403, await hub.client.post("/tasks", json={"type": "a"}, headers=page_of(APP) | viewer)),
        (404, await hub.client.get("/nowhere", headers=page_of(APP) | viewer)),
        (405, await hub.client.put("/tasks", headers=page_of(APP) | viewer)),
        (422, await hub.client.get("/tasks?x=1", headers=page_of(APP) | viewer)),
    ):
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == APP


async def test_so_can_what_is_said_while_a_body_is_not_read(hub: Running) -> None:
    _, login = await People(hub).user()
    said = page_of(APP) | login | {"Host": "localhost", "Content-Length": "50000000"}
    head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    answer = await hub.raw(f"POST /tasks HTTP/1.1\r\n{head}\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413")
    assert f"access-control-allow-origin: {APP}\r\n".encode() in answer
    assert b'ratelimit: "key";r=999' in answer


@pytest.mark.parametrize(
    "origin",
    [
        FOREIGN, "null", "", "https://APP.example.org", "http://app.example.org", "https://app.example.org:8443",
        "https://app.example.org.evil.example", "https://evil.app.example.org", "https://app.example.org/",
        "http://localhost", "http://127.0.0.1:5173",
    ],
)  # fmt: skip
async def test_no_other_origin_may(hub: Running, origin: str) -> None:
    _, login = await People(hub).user()
    for answer in (
        await hub.client.options("/tasks", headers=preflight(origin)),
        await hub.client.get("/tasks", headers=page_of(origin) | login),
        await hub.client.post("/tasks", json={"type": "a"}, headers=page_of(origin) | login),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "refused")
        assert not cors_of(answer)
        assert answer.headers["vary"] == "Origin", "a cache must not keep it for the others"
    assert (await hub.client.get("/tasks", headers=login)).json()["items"] == []


async def test_a_listed_origin_still_names_a_host_of_ours(hub: Running) -> None:
    answer = await hub.client.options("/tasks", headers=preflight(APP) | {"Host": "evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (403, "refused")


async def test_what_a_page_asks_for_without_cors_is_refused(hub: Running) -> None:
    """An image's or a script's request names no origin."""
    said = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    assert (await hub.client.get("/tasks", headers=said)).status_code == 403


async def cookie_of(hub: Running) -> tuple[Cookie, str]:
    logins = hub.engine.accounts.logins
    cookie = logins.cookie(await logins.register("ada@example.org", "correct horse battery", "127.0.0.1"))
    token = hub.engine.accounts.csrf_token(cookie.who)
    assert token
    return cookie, token


async def test_a_cookie_is_not_taken_from_another_origin(hub: Running) -> None:
    cookie, token = await cookie_of(hub)
    session = {"Cookie": f"{COOKIE}={cookie.value}", "X-CSRF-Token": token}
    ours = {"Origin": hub.url, "Sec-Fetch-Site": "same-origin"}
    assert (await hub.client.post("/tasks", json={"type": "a"}, headers=ours | session)).status_code == 202
    for answer in (
        await hub.client.get("/tasks", headers=page_of(APP) | session),
        await hub.client.post("/tasks", json={"type": "a"}, headers=page_of(APP) | session),
        await hub.client.get("/readyz?verbose", headers=page_of(APP) | session),
    ):
        assert answer.status_code == 401 or "warnings" not in answer.json()
    _, other = await People(hub).user(account="another")
    answer = await hub.client.get("/auth/me", headers=page_of(APP) | session | other)
    assert answer.json()["account_id"] == "another", "the token counts, the cookie does not"


async def test_nor_is_one_given_to_it(hub: Running) -> None:
    await cookie_of(hub)
    who = {"email": "ada@example.org", "password": "correct horse battery"}
    refused = await hub.client.post("/auth/login", json=who | {"cookie": True}, headers=page_of(APP))
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert "set-cookie" not in refused.headers
    given = await hub.client.post("/auth/login", json=who, headers=page_of(APP))
    assert given.status_code == 200
    assert given.json()["access_token"]


async def test_our_own_page_needs_no_cors(hub: Running) -> None:
    _, login = await People(hub).user()
    answer = await hub.client.get(
        "/tasks", headers={"Origin": hub.url, "Sec-Fetch-Site": "same-origin"} | login
    )
    assert answer.status_code == 200
    assert not cors_of(answer)
    assert answer.headers["vary"] == "Origin"


async def test_who_sends_too_much_can_read_that_and_preflights_cost_nothing(tmp_path: Path) -> None:
    async with api(tmp_path, loops=False, cors_origins=(APP,), rate_per_address=1) as hub:
        for _ in range(5):
            assert (await hub.client.options("/tasks", headers=preflight(APP))).status_code == 204
        assert (await hub.client.get("/tasks", headers=page_of(APP))).status_code == 200
        answer = await hub.client.get("/tasks", headers=page_of(APP))
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (429, APP)
        assert answer.headers["retry-after"]


@pytest.mark.parametrize(
    ("origin", "why"),
    [
        ("*", "every page that anybody visits"),
        ("null", "is not an origin"),
        ("app.example.org", "is not an origin"),
        ("https://", "is not an origin"),
        ("https://app.example.org/", "is not an origin"),
        ("https://app.example.org/x", "is not an origin"),
        ("https://App.example.org", "is not an origin"),
        ("https://*.example.org", "is not an origin"),
        ("https://me@app.example.org", "is not an origin"),
        ("https://bücher.example", "is not an origin"),
        ("https://app.example.org:port", "is not an origin"),
        ("file:///x", "is not an origin"),
        ("HTTPS://app.example.org", "is not an origin"),
        ("https://app.example.org:443", "browsers leave it out"),
        ("http://localhost:80", "browsers leave it out"),
        ("https://a\r\nX: y", "is not an origin"),
    ],
)
def test_what_is_no_origin_is_refused_at_the_start(origin: str, why: str) -> None:
    with pytest.raises(ValidationError, match="cors_origins") as refused:
        HttpSettings(cors_origins=(APP, origin))
    assert why in str(refused.value)


def test_origins_may_have_ports_and_be_addresses() -> None:
    given = (APP, LOCAL, "https://app.example.org:8443", "http://192.168.0.7:3000", "http://[::1]:3000")
    assert HttpSettings(cors_origins=given).cors_origins == given
    assert HttpSettings(cors_origins=", ".join(given)).cors_origins == given  # type: ignore[arg-type]
