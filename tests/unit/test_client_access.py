"""What a client presents, and to whom; and what is never sent twice."""

from collections.abc import Sequence
from typing import Any

import httpx
import msgspec
import pytest

from taskflow_hub.client import Client, SyncClient
from taskflow_hub.client.api import Api
from taskflow_hub.client.bearer import Bearer
from taskflow_hub.client.conversation import Manner
from taskflow_hub.client.model import Login, SecretKey
from taskflow_hub.client.plan import Broken, Plan, Request, Response, Send, Sleep
from taskflow_hub.client.problems import PROBLEM
from taskflow_hub.domain import errors
from taskflow_hub.domain.errors import TaskflowError

SERVER = "http://hub.test"
USER = {
    "id": "u",
    "account_id": "default",
    "email": "a@example.com",
    "role": "admin",
    "created_at": "2030-01-01T00:00:00Z",
}
KEY = {
    "id": "k",
    "account_id": "default",
    "user_id": None,
    "name": "ci",
    "scopes": ["read"],
    "created_at": "2030-01-01T00:00:00Z",
}
LOGIN = {
    "user": USER,
    "access_token": "s3cret-a",
    "refresh_token": "s3cret-r",
    "expires_in": 900,
    "token_type": "Bearer",
}
ME = {
    "accounts": True,
    "account_id": "default",
    "user": USER,
    "key": None,
    "scopes": ["read"],
    "queues": [],
    "csrf_token": "x",
}


def api() -> Api:
    return Api(SERVER, Manner(chance=lambda: 0.5))


def ok(value: Any, status: int = 200) -> Response:
    return Response(status, {"content-type": "application/json"}, msgspec.json.encode(value))


def first(plan: Plan[Any], reply: Response) -> tuple[Any, Request]:
    """What a plan comes to that asks once, and what it asks."""
    step = next(plan)
    assert isinstance(step, Send)
    with pytest.raises(StopIteration) as ended:
        plan.send(reply)
    return ended.value.value, step.request


def operations() -> Sequence[tuple[Plan[Any], Any, str, Any]]:
    one = api()
    return [
        (
            one.login("a@b.c", "p"),
            LOGIN,
            "POST auth/login",
            {"email": "a@b.c", "password": "p"},
        ),
        (one.register("a@b.c", "p"), LOGIN, "POST auth/register", {"email": "a@b.c", "password": "p"}),
        (one.refresh("r"), LOGIN, "POST auth/refresh", {"refresh_token": "r"}),
        (
            one.change_password("old", "new"),
            LOGIN,
            "POST auth/password",
            {"old_password": "old", "new_password": "new"},
        ),
        (one.me(), ME, "GET auth/me", None),
        (
            one.create_key("ci", ["read"], queues=["mail"], expires_in=60.0),
            {"key": KEY, "secret": "tfk_s3cret"},
            "POST keys",
            {"name": "ci", "scopes": ["read"], "queues": ["mail"], "expires_in": 60.0},
        ),
        (one.keys(), {"items": [KEY]}, "GET keys", None),
        (one.revoke_key("k/1"), KEY, "POST keys/k%2F1/revoke", None),
        (one.users(), {"items": [USER]}, "GET users", None),
        (
            one.add_user("a@b.c", "p", role="viewer", account="team"),
            USER,
            "POST users",
            {"email": "a@b.c", "password": "p", "role": "viewer", "account": "team"},
        ),
        (one.set_role("u", "user"), USER, "PATCH users/u", {"role": "user"}),
    ]


@pytest.mark.parametrize(
    ("plan", "answer", "line", "body"), operations(), ids=[line for _, _, line, _ in operations()]
)
def test_every_operation_asks_for_its_path(plan: Plan[Any], answer: Any, line: str, body: Any) -> None:
    value, request = first(plan, ok(answer))
    assert f"{request.method} {request.path}" == line
    assert (msgspec.json.decode(request.body) if request.body else None) == body
    assert value is not None


def test_a_logout_has_no_answer() -> None:
    value, request = first(api().logout(), Response(204, {}, b""))
    assert (value, request.method, request.path) == (None, "POST", "auth/logout")


# --- a refresh token is good once


@pytest.mark.parametrize(
    "answer", [Broken("it took too long", sent=True), Response(504, {"content-type": "text/html"}, b"")]
)
@pytest.mark.parametrize("plan", ["refresh", "change_password", "create_key", "redrive"])
def test_what_may_have_been_done_is_not_sent_again(plan: str, answer: Response | Broken) -> None:
    asking: Any = {
        "refresh": lambda one: one.refresh("r"),
        "change_password": lambda one: one.change_password("a", "b"),
        "create_key": lambda one: one.create_key("ci", ["read"]),
        "redrive": lambda one: one.redrive("x"),
    }[plan](api())
    assert isinstance(next(asking), Send)
    with pytest.raises(errors.Unavailable):
        asking.throw(answer) if isinstance(answer, Broken) else asking.send(answer)


@pytest.mark.parametrize(
    "answer",
    [
        Broken("connection refused", sent=False),
        Response(503, {"content-type": PROBLEM}, msgspec.json.encode({"code": "store_unavailable"})),
    ],
)
def test_what_the_hub_says_was_not_done_is(answer: Response | Broken) -> None:
    asking = api().refresh("r")
    next(asking)
    step = asking.throw(answer) if isinstance(answer, Broken) else asking.send(answer)
    assert isinstance(step, Sleep)


# --- what is presented


class Heard:
    """A network that writes down what reaches it, and answers 401 to what it does not know."""

    def __init__(self, *good: str) -> None:
        self.good, self.seen = good, list[tuple[str, str | None]]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        shown = request.headers.get("authorization")
        self.seen.append((str(request.url), shown))
        return httpx.Response(200 if shown in {f"Bearer {one}" for one in self.good} else 401)


def opened(heard: Heard, bearer: Bearer) -> httpx.Client:
    return httpx.Client(base_url=SERVER + "/", auth=bearer, transport=httpx.MockTransport(heard))


def test_a_key_goes_to_its_server_and_to_no_other() -> None:
    heard = Heard("tfk_x")
    with opened(heard, Bearer(SERVER, "tfk_x\n")) as client:
        for url in (
            "tasks",
            "http://hub.test:80/x",
            "http://other.test/",
            "https://hub.test/",
            "http://hub.test:81/",
        ):
            client.get(url)
    assert [shown for _, shown in heard.seen] == ["Bearer tfk_x", "Bearer tfk_x", None, None, None]


def test_no_key_is_nothing() -> None:
    heard = Heard()
    with opened(heard, Bearer(SERVER, "")) as client:
        assert client.get("tasks").status_code == 401
    assert heard.seen == [(f"{SERVER}/tasks", None)]


def test_what_runs_out_is_asked_for_anew_once() -> None:
    heard, asked = Heard("second"), list[str | None]()

    def key(refused: str | None) -> str:
        asked.append(refused)
        return "first" if refused is None else "second"

    with opened(heard, Bearer(SERVER, key)) as client:
        assert client.post("tasks", content=b"{}").status_code == 200
        assert [shown for _, shown in heard.seen] == ["Bearer first", "Bearer second"]
        assert asked == [None, "first"]
        heard.good = ()
        assert client.get("tasks").status_code == 401
        assert len(heard.seen) == 4, "and not for ever"


@pytest.mark.parametrize("bad", ["s3cret key", "s3cret\nkey", "s3crét", "s3cret\x00"])
def test_what_no_header_can_carry_is_refused_without_being_repeated(bad: str) -> None:
    for kind in (Client, SyncClient):
        with pytest.raises(errors.Misconfigured) as raised:
            kind(SERVER, key=bad)
        assert "s3cr" not in str(raised.value)
        assert raised.value.__cause__ is raised.value.__context__ is None


def test_the_variable_is_the_default_and_empty_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKFLOW_KEY", "tfk_variable")
    for key, shown in ((None, "Bearer tfk_variable"), ("tfk_given", "Bearer tfk_given"), ("", None)):
        with SyncClient(SERVER, key=key) as client:
            heard = Heard()
            monkeypatch.setattr(client._lines, "short", opened(heard, client._lines.short.auth))  # type: ignore[arg-type]
            with pytest.raises(TaskflowError):
                client.me()
            assert heard.seen == [(f"{SERVER}/auth/me", shown)]
            client._lines.short.close()


def test_nothing_shows_a_secret() -> None:
    login = msgspec.convert(LOGIN, Login)
    made = msgspec.convert({"key": KEY, "secret": "tfk_s3cret"}, SecretKey)
    request = next(api().login("a@b.c", "s3cret"))
    client = SyncClient(SERVER, key="s3cret")
    with client:
        built = client._lines.short.build_request("GET", "x")
        for one in (
            login,
            made,
            request,
            client,
            client._api,
            client._api.manner,
            client._lines,
            built.headers,
        ):
            assert "s3cret" not in repr(one)
        assert "s3cret" not in str(vars(client._lines.short))


@pytest.mark.parametrize("code", ["unauthenticated", "forbidden", "registration_closed", "throttled"])
def test_no_to_the_caller_is_not_asked_again(code: str) -> None:
    asking = api().me()
    next(asking)
    answer = Response(403, {"content-type": PROBLEM, "retry-after": "2"}, msgspec.json.encode({"code": code}))
    with pytest.raises(TaskflowError) as raised:
        asking.send(answer)
    assert raised.value.code == code
    assert raised.value.retry_after_s == 2.0
