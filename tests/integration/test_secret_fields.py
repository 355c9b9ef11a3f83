"""Secret fields between the faces and the handler: what is refused, what is a repeat, what is seen of a task while it waits."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw
from pydantic import BaseModel, SecretStr
from tests.support.http_api import Running, api

from taskflow_hub import Hub, Invalid, Secret
from taskflow_hub.bootstrap import builtin_registry
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import NoSecretKeys
from taskflow_hub.domain.messages import CallFailed, Register, Submit, Submitted
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, TaskType
from taskflow_hub.domain.submission import Submission
from taskflow_hub.secrets.keyring import Keyring
from taskflow_hub.settings import Settings
from taskflow_hub.testing.handlers import working

MASK = {"$secret": True}
KEY = "Idempotency-Key"
KEYRING = Keyring([os.urandom(32)])
SCHEMA = {
    "type": "object",
    "properties": {
        "to": {"type": "string"},
        "pin": {"type": "string", "writeOnly": True, "minLength": 4, "pattern": "^[0-9]+$"},
        "kind": {"enum": ["a", "b"], "writeOnly": True},
        "login": {
            "anyOf": [
                {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"password": {"type": "string", "writeOnly": True, "maxLength": 20}},
                },
                {"type": "null"},
            ]
        },
        "tokens": {"type": "object", "additionalProperties": {"type": "integer"}, "writeOnly": True},
    },
    "required": ["pin"],
    "additionalProperties": False,
}
DECLARED = TaskType(
    type="mail.send", payload_schema=SCHEMA, secret=("/kind", "/login/password", "/pin", "/tokens")
)


@pytest.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with api(tmp_path, database_url, loops=False, keyring=KEYRING) as hub:
        await declare(hub)
        yield hub


async def declare(hub: Running, declared: TaskType = DECLARED) -> None:
    await hub.engine.workers.answer(
        Register(
            worker=new_id(), name="w", host="h", pid=1, version="1", slots=1, window=1, types=(declared,)
        )
    )


async def post(hub: Running, payload: Any, **headers: str) -> Any:
    body = {"type": "mail.send", "payload": payload}
    return await hub.client.post(
        "/tasks", json=body, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


@pytest.mark.parametrize(
    ("payload", "pointer", "words"),
    [
        ({"pin": "5y"}, "/payload/pin", "is secret, and does not fit what the type says of it"),
        ({"pin": ["8642"]}, "/payload/pin", "is secret"),
        ({"pin": "8642", "kind": "8642"}, "/payload/kind", "is secret"),
        ({"pin": "8642", "login": {"password": "8642" * 9}}, "/payload/login/password", "is secret"),
        ({"pin": "8642", "tokens": {"tok-8642": "8642"}}, "/payload/tokens", "is secret"),
        ({"to": "x"}, "/payload/pin", "is required"),
        ({"pin": "8642", "to": 7}, "/payload/to", 'is not of type "string"'),
        ({"pin": "8642", "other": 7}, "/payload/other", "is not a known field"),
        ({"pin": MASK}, "/payload/pin", "stands for a secret, which is not shown: give the value itself"),
    ],
)
async def test_a_wrong_secret_is_not_repeated(hub: Running, payload: Any, pointer: str, words: str) -> None:
    refused = await post(hub, payload)
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["pointer"] == pointer
    assert words in error["detail"]
    assert "8642" not in refused.text
    assert await hub.count() == 0


async def test_where_a_task_is_shown_its_secrets_are_not(hub: Running) -> None:
    payload = {
        "to": "x",
        "pin": "8642",
        "login": {"password": "open sesame"},
        "kind": "a",
        "tokens": {"t": 8642},
    }
    shown = {"to": "x", "pin": MASK, "login": {"password": MASK}, "kind": MASK, "tokens": MASK}
    task = (await post(hub, payload, Prefer="wait=0.01")).json()
    assert task["payload"] == shown
    path = f"/tasks/{task['id']}"
    assert (await hub.client.get(path)).json()["payload"] == shown
    assert (await hub.client.get("/tasks")).json()["items"][0]["payload"] == shown
    assert (await hub.client.patch(path, json={"priority": 9})).json()["payload"] == shown
    async with hub.client.stream("GET", f"{path}/events") as events:
        async for line in events.aiter_lines():
            if line.startswith("data:"):
                assert json.loads(line[5:])["payload"] == shown
                break
    assert (await hub.client.post(f"{path}/cancel")).json()["payload"] == shown
    assert (await hub.client.post(f"{path}/redrive")).json()["payload"] == shown
    (lease,) = (await hub.engine.store.lease(None, 1)).leases
    assert b"8642" not in bytes(lease.assignment.payload)
    opened, _ = KEYRING.open_payload(lease.assignment.payload, type="mail.send", id=task["id"])
    assert json.loads(bytes(opened)) == payload


@pytest.mark.parametrize(
    "fields",
    [
        '"login":{"password":"open sesame"},"login":null',
        '"login":{"password":"open sesame","password":null}',
        '"kind":"open sesame","kind":null',
    ],
)
async def test_a_name_that_comes_twice_hides_nothing(hub: Running, fields: str) -> None:
    """Over HTTP it is refused; of what a running task submits only the last counts, and the text before it is not stored."""
    payload = Raw(b"{%s}" % fields.encode())
    await declare(hub, TaskType(type="parent"))
    await declare(hub, TaskType(type="late.one", secret=DECLARED.secret))
    parent = (await hub.submit("parent"))["id"]
    (lease,) = (await hub.engine.store.lease(None, 1)).leases
    sealed = KEYRING.seal_call(payload, parent=parent, number=1, type="late.one")
    task = Submission(type="late.one", payload=sealed)
    reply = await hub.engine.workers.answer(
        Submit(worker=lease.worker, id=parent, attempt=1, call=1, task=task)
    )
    assert isinstance(reply, Submitted), reply
    shown = await hub.client.get(f"/tasks/{reply.id}")
    (lease,) = (await hub.engine.store.lease(None, 1)).leases
    for told in (shown.text, bytes(lease.assignment.payload).decode()):
        assert "sesame" not in told


async def test_what_type_has_secrets_is_told(hub: Running) -> None:
    (declared,) = (await hub.client.get("/task-types")).json()["items"]
    assert declared["secret"] == list(DECLARED.secret)
    assert declared["payload_schema"]["properties"]["pin"]["writeOnly"]


# --- Idempotency-Key


async def test_the_same_secret_is_the_same_request_and_another_is_not(hub: Running) -> None:
    first = await post(hub, {"pin": "8642", "to": "x"}, Idempotency_Key="k")
    again = await post(hub, {"to": "x", "pin": "8642"}, Idempotency_Key="k")
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json()["id"] == first.json()["id"]
    other = await post(hub, {"to": "x", "pin": "8643"}, Idempotency_Key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert "864" not in other.text


async def test_a_batch(hub: Running) -> None:
    def body(pin: str) -> Any:
        return {"tasks": [{"type": "a"}, {"type": "mail.send", "payload": {"pin": pin}}]}

    first = await hub.client.post("/tasks/batch", json=body("8642"), headers={KEY: "k"})
    again = await hub.client.post("/tasks/batch", json=body("8642"), headers={KEY: "k"})
    assert again.json() == first.json()
    assert (await hub.client.post("/tasks/batch", json=body("8643"), headers={KEY: "k"})).status_code == 422
    wrong = await hub.client.post("/tasks/batch", json=body("x"))
    assert wrong.json()["errors"][0]["pointer"] == "/tasks/1/payload/pin"


async def test_a_request_from_before_the_type_had_secrets(hub: Running) -> None:
    await declare(hub, TaskType(type="late.one"))
    body = {"type": "late.one", "payload": {"pin": "8642"}}
    first = await hub.client.post("/tasks", json=body, headers={KEY: "k"})
    await declare(hub, TaskType(type="late.one", secret=("/pin",)))
    again = await hub.client.post("/tasks", json=body, headers={KEY: "k"})
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])


# --- what a running task submits


async def test_a_child_with_secrets_must_come_encrypted(hub: Running) -> None:
    await declare(hub, TaskType(type="parent"))
    parent = await hub.submit("parent")
    (lease,) = (await hub.engine.store.lease(None, 1)).leases
    assert lease.assignment.id == parent["id"]

    async def submit(task: Submission, number: int = 1) -> Any:
        request = Submit(worker=lease.worker, id=parent["id"], attempt=1, call=number, task=task)
        return await hub.engine.workers.answer(request)

    bare = Submission(type="mail.send", payload=_raw({"pin": "8642"}))
    refused = await submit(bare)
    assert isinstance(refused, CallFailed)
    assert refused.code == NoSecretKeys.code
    assert f"worker {lease.worker}" in refused.detail
    assert "TASKFLOW_SECRETS_KEYS" in refused.detail
    foreign = Keyring([os.urandom(32)]).seal_call(
        bare.payload, parent=parent["id"], number=1, type="mail.send"
    )
    unreadable = await submit(Submission(type="mail.send", payload=foreign))
    assert isinstance(unreadable, CallFailed)
    assert unreadable.code == NoSecretKeys.code
    moved = KEYRING.seal_call(bare.payload, parent=parent["id"], number=2, type="mail.send")
    assert isinstance(await submit(Submission(type="mail.send", payload=moved)), CallFailed)
    made = await submit(Submission(type="mail.send", payload=moved), 2)
    assert isinstance(made, Submitted)
    task = await hub.engine.store.task(DEFAULT_ACCOUNT, made.id)
    assert task is not None
    assert json.loads(bytes(task.payload)) == {"pin": MASK}
    plain = await submit(Submission(type="parent", payload=_raw({})), 3)
    assert isinstance(plain, Submitted), "what has no secrets may come as it is, from an older worker too"


def _raw(value: Any) -> Raw:
    return Raw(json.dumps(value).encode())


# --- handlers


class Login(BaseModel):
    user: str
    password: Secret[str]


async def test_handlers_are_given_the_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    hub, given = Hub(), []

    @hub.task("a")
    async def a(login: Login, pin: Secret[int], token: SecretStr, spare: Secret[str | None] = None) -> None:
        given.append((login, pin, token.get_secret_value(), spare))

    async with working(hub):
        handle = await a.submit(Login(user="u", password="p"), pin=86_429_753, token=SecretStr("tok-en"))
        await handle.result(timeout=30)
        assert given == [(Login(user="u", password="p"), 86_429_753, "tok-en", None)]
        assert json.loads(bytes((await handle.task()).payload)) == {
            "login": {"user": "u", "password": MASK},
            "pin": MASK,
            "token": MASK,
        }
        with pytest.raises(Invalid, match="/payload/pin: is secret, and does not fit") as refused:
            await hub.submit("a", {"login": {"user": "u", "password": "p"}, "pin": "8642", "token": "x"})
        assert "8642" not in str(refused.value)


def test_the_builtin_types_have_none() -> None:
    """So that a hub without keys is whole."""
    assert not [one.type for one in builtin_registry(Settings()).types() if one.secret]
