"""From a workflow that was asked for to one that the store can insert: types' defaults, payloads, secrets, queues."""

import itertools
import json
import os
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from msgspec import UNSET
from tests.unit.test_task_types import PAGE, no_files

from taskflow_hub.domain.access import ANYBODY, Key, Scope, Who, by_key
from taskflow_hub.domain.errors import Forbidden, Invalid, NoSecretKeys
from taskflow_hub.domain.graph import FINALLY, Edge
from taskflow_hub.domain.messages import Register
from taskflow_hub.domain.model import DEFAULT_TIMEOUT_S, TaskType, Terms
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.submission import Limit
from taskflow_hub.domain.workflow import read
from taskflow_hub.engine.graphs import Graphs
from taskflow_hub.engine.hints import Hints
from taskflow_hub.engine.task_types import Known, TaskTypes
from taskflow_hub.secrets.keyring import NO_KEYS, Keyring
from taskflow_hub.store.sqlite import SqliteStore
from taskflow_hub.store.values import NewWorkflow

MAIL = TaskType(
    type="mail",
    payload_schema={
        "type": "object",
        "properties": {
            "to": {"type": "string"},
            "login": {
                "type": "object",
                "properties": {"password": {"type": "string"}, "user": {"type": "string"}},
            },
        },
    },
    secret=("/login/password",),
)
CRM = TaskType(type="crm", limits=(Limit("customer:{customer}", running=1), Limit("crm", per_second=2.0)))
KEYRING = Keyring([os.urandom(32)])


class Bench:
    def __init__(self, store: SqliteStore, *, strict: bool = False, keyring: Keyring = KEYRING) -> None:
        numbers = itertools.count(1)

        def new_id() -> str:
            return f"id-{next(numbers)}"

        formats = {"outbound-url": no_files}
        self.types = TaskTypes(store, Hints(), formats=formats, strict=strict, new_id=new_id, keyring=keyring)
        self.graphs = Graphs(self.types, new_id)

    async def new(
        self,
        nodes: Mapping[str, Any],
        *,
        who: Who = ANYBODY,
        known: Known | None = None,
        last: Any = None,
        **others: Any,
    ) -> NewWorkflow:
        await self.types.refresh()
        wanted = read(json.dumps({"name": "test", "nodes": nodes, "finally": last, **others}).encode())
        return self.graphs.new(
            wanted,
            account=who.account_id,
            user=who.user_id,
            queues=who.queues,
            traceparent="00-trace",
            known=known or {},
        )

    async def refused(self, nodes: Mapping[str, Any], **others: Any) -> dict[str, str]:
        with pytest.raises(Invalid) as caught:
            await self.new(nodes, **others)
        return {one.pointer: one.detail for one in caught.value.errors}


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(f"sqlite:///{tmp_path / 'test.db'}")
    await opened.register(
        Register(
            worker="w", name="w", host="h", pid=1, version="1", slots=1, window=1, types=(PAGE, MAIL, CRM)
        )
    )
    yield opened
    await opened.close()


@pytest.fixture
def bench(store: SqliteStore) -> Bench:
    return Bench(store)


def ref(text: str) -> dict[str, str]:
    return {"$ref": text}


def page(**payload: Any) -> dict[str, Any]:
    return {"type": "page", "payload": {"url": "https://example.com", **payload}}


async def test_a_plain_node_has_its_task_with_the_types_defaults(bench: Bench) -> None:
    new = await bench.new(
        {"a": page(), "b": {**page(depth=ref("a.result.n")), "timeout": None, "tags": ["x"]}}
    )
    plain, waiting = new.tasks["a"], new.tasks["b"]
    assert (plain.type, plain.max_retries, plain.timeout, plain.retry) == ("page", 7, 30.0, PAGE.retry)
    assert plain.traceparent == "00-trace"
    assert json.loads(bytes(plain.payload)) == {"url": "https://example.com"}
    assert new.graph.nodes["a"].payload is UNSET
    assert (waiting.timeout, waiting.tags, waiting.max_retries) == (None, ("x",), 7)
    assert waiting.payload == new.graph.nodes["b"].payload
    assert new.graph.nodes["b"].after == (Edge("a"),)
    template = new.graph.nodes["a"].task
    assert template is not None
    assert (template.type, template.queue, template.timeout) == ("page", None, 30.0)
    assert len({new.id, plain.id, waiting.id}) == 3


async def test_a_type_that_nobody_knows_has_the_defaults_of_the_hub(bench: Bench) -> None:
    new = await bench.new({"a": {"type": "unheard.of", "for_each": [1]}})
    template = new.graph.nodes["a"].task
    assert template is not None
    assert (template.timeout, template.retry) == (DEFAULT_TIMEOUT_S, RetryPolicy())
    assert new.tasks == {}, "what is done for each item is made when the list is known"


async def test_unless_only_known_types_may_be_submitted(store: SqliteStore) -> None:
    strict = Bench(store, strict=True)
    sub = {"workflow": {"nodes": {"c": {"type": "unheard.of"}}}}
    assert await strict.refused({"a": {"type": "unheard.of"}, "b": sub, "d": page()}) == {
        "/nodes/a/type": "no worker has ever registered 'unheard.of'",
        "/nodes/b/workflow/nodes/c/type": "no worker has ever registered 'unheard.of'",
    }


async def test_what_a_workflow_says_of_itself_is_kept(bench: Bench) -> None:
    sub = {
        "name": "inner",
        "nodes": {"x": page()},
        "result": ref("x.result"),
        "max_concurrency": 2,
        "deadline": 5,
    }
    new = await bench.new(
        {"a": {"workflow": sub, "for_each": [1], "max_concurrency": 3, "allow_failure": True}},
        input={"day": 1},
        tags=["nightly"],
        max_concurrency=9,
        deadline=60,
        result=ref("a.results"),
        last=page(),
    )
    assert (new.name, new.tags, json.loads(bytes(new.input))) == ("test", ("nightly",), {"day": 1})
    assert (new.graph.name, new.graph.max_concurrency, new.graph.deadline) == (None, 9, 60.0)
    assert json.loads(bytes(new.graph.result)) == ref("a.results")  # type: ignore[arg-type]
    assert list(new.tasks) == [FINALLY]
    node = new.graph.nodes["a"]
    assert (node.max_concurrency, node.allow_failure, node.task) == (3, True, None)
    assert bytes(node.payload) == b"null"  # type: ignore[arg-type]
    inner = node.graph
    assert inner is not None
    assert (inner.name, inner.max_concurrency, inner.deadline) == ("inner", 2, 5.0)
    # What the store makes later needs its payload, references or not.
    assert json.loads(bytes(inner.nodes["x"].payload)) == {"url": "https://example.com"}  # type: ignore[arg-type]
    read_again = msgspec.json.decode(msgspec.json.encode(new.graph), type=type(new.graph))
    assert msgspec.json.encode(read_again) == msgspec.json.encode(new.graph)


async def test_a_literal_is_no_part_of_what_a_task_is_given(bench: Bench) -> None:
    new = await bench.new({"a": {"type": "unheard.of", "payload": {"x": {"$literal": {"$ref": "index"}}}}})
    assert json.loads(bytes(new.tasks["a"].payload)) == {"x": {"$ref": "index"}}


# --- payloads


async def test_payloads_are_checked_where_they_are_known(bench: Bench) -> None:
    sub = {"workflow": {"nodes": {"x": page(depth=-1)}}}
    each = {**page(depth="deep", url=ref("item")), "for_each": [1]}
    assert await bench.refused(
        {"a": page(depth="deep"), "b": sub, "c": each, "d": page(url="file:///etc")}
    ) == {
        "/nodes/a/payload/depth": 'the value is not of type "integer"',
        "/nodes/b/workflow/nodes/x/payload/depth": "the value is less than the minimum of 0",
        "/nodes/c/payload/depth": 'the value is not of type "integer"',
        "/nodes/d/payload/url": "must not be a file",
    }


async def test_what_references_stand_for_is_not_judged(bench: Bench) -> None:
    nodes = {
        "a": page(),
        "b": page(url=ref("a.result.next"), depth=ref("a.result.depth")),
        "c": {"type": "page", "payload": {"url": "https://example.com", "a/b": [ref("a.result"), "x"]}},
        "d": {"type": "page", "payload": ref("a.result")},
    }
    await bench.new(nodes)


async def test_but_names_are_and_what_is_missing(bench: Bench) -> None:
    nodes = {
        "a": page(),
        "b": {"type": "page", "payload": {"ulr": ref("a.result")}},
        "c": page(**{"a/b": [ref("a.result"), 7]}),
    }
    assert await bench.refused(nodes) == {
        "/nodes/b/payload/url": "is required",
        "/nodes/b/payload/ulr": "is not a known field",
        "/nodes/c/payload/a~1b/1": 'the value is not of type "string"',
    }


async def test_finally_is_checked_like_any_other(bench: Bench) -> None:
    last = page(depth="deep")
    assert list(await bench.refused({"a": page()}, last=last)) == ["/finally/payload/depth"]


# --- limits


async def test_limits_of_the_type_are_filled_in_or_kept_for_later(bench: Bench) -> None:
    own = {"limits": [{"key": "mine", "running": 2}]}
    new = await bench.new(
        {
            "a": {"type": "crm", "payload": {"customer": 7}, **own},
            "b": {"type": "crm", "payload": {"customer": ref("a.result")}, **own},
        }
    )
    assert [limit.key for limit in new.tasks["a"].limits] == ["mine", "customer:7", "crm"]
    assert [limit.key for limit in new.tasks["b"].limits] == ["mine"]
    template = new.graph.nodes["b"].task
    assert template is not None
    assert (template.stated, template.limits) == (CRM.limits, (Limit("mine", running=2),))


async def test_too_many_limits_are_refused(bench: Bench) -> None:
    own = {"limits": [{"key": f"k{n}", "running": 1} for n in range(4)]}
    found = await bench.refused(
        {"b": {"type": "crm", "for_each": [1], "payload": {"customer": ref("item")}, **own}}
    )
    assert found == {
        "/nodes/b/limits": "with those that crm has by itself these are 6 limits, at most 5 are allowed"
    }


async def test_a_type_is_known_by_who_submits_before_a_worker_has_said_so(bench: Bench) -> None:
    known = {"new": Terms(secret=("/pin",), limits=(Limit("new", running=1),))}
    new = await bench.new({"a": {"type": "new", "payload": {"pin": "1"}}}, known=known)
    assert b"$secret" in bytes(new.tasks["a"].payload)
    assert [limit.key for limit in new.tasks["a"].limits] == ["new"]


# --- secrets


async def test_a_secret_is_encrypted_for_its_task_also_beside_references(bench: Bench) -> None:
    login = {"user": ref("a.result.user"), "password": "hunter2"}
    new = await bench.new(
        {
            "a": {"type": "mail", "payload": {"to": "x", "login": {"password": "hunter2"}}},
            "b": {"type": "mail", "payload": {"to": ref("a.result"), "login": login}},
        }
    )
    stored = msgspec.json.encode(new)
    assert b"hunter2" not in stored
    task = new.tasks["b"]
    assert task.payload == new.graph.nodes["b"].payload
    opened, secrets = KEYRING.open_payload(task.payload, type="mail", id=task.id)
    assert secrets == [b'"hunter2"']
    assert json.loads(bytes(opened)) == {"to": ref("a.result"), "login": login}


async def test_a_secret_for_which_there_is_no_task_yet_is_refused(bench: Bench) -> None:
    secret = {"type": "mail", "payload": {"login": {"password": "hunter2"}}}
    found = await bench.refused(
        {
            "a": {**secret, "for_each": [1]},
            "b": {"workflow": {"nodes": {"c": secret}}},
            "d": {"type": "mail", "payload": {"login": {"password": ref("e.result")}}},
            "e": {"type": "mail", "payload": {"login": ref("input.login")}},
            "f": {"type": "mail", "payload": ref("input")},
            "g": {
                "type": "mail",
                "payload": {"login": {"$literal": {"password": "hunter2"}}, "to": ref("input.to")},
            },
        }
    )
    assert list(found) == [
        "/nodes/a/payload/login/password",
        "/nodes/b/workflow/nodes/c/payload/login/password",
        "/nodes/e/payload/login/$ref",
        "/nodes/d/payload/login/password/$ref",
        "/nodes/f/payload/$ref",
        "/nodes/g/payload/login/password",
    ]
    assert (
        "/login/password is secret in mail: a secret is encrypted for one task"
        in found["/nodes/e/payload/login/$ref"]
    )
    assert "$literal" in found["/nodes/g/payload/login/password"]


@pytest.mark.parametrize("beside", [{}, {"to": ref("workflow.status")}])
async def test_a_finally_has_no_secrets(bench: Bench, beside: dict[str, Any]) -> None:
    """A redrive makes another task of it, and what is encrypted is for one task."""
    nodes = {"a": {"type": "noop"}}
    last = {"type": "mail", "payload": {"login": {"user": "me", "password": "hunter2"}, **beside}}
    found = await bench.refused(nodes, last=last)
    assert list(found) == ["/finally/payload/login/password"]
    assert found["/finally/payload/login/password"].startswith(
        "is secret in mail: a secret is encrypted for one task"
    )
    assert "not in finally" in found["/finally/payload/login/password"]
    new = await bench.new(nodes, last={"type": "mail", "payload": {"login": {"user": "me"}, **beside}})
    assert new.tasks[FINALLY].type == "mail"


async def test_a_type_with_secrets_may_be_done_for_each_item_without_them(bench: Bench) -> None:
    await bench.new(
        {
            "a": {
                "type": "mail",
                "for_each": [1],
                "payload": {"to": ref("item"), "login": {"user": ref("item")}},
            }
        }
    )


async def test_without_keys_no_secret_is_taken(store: SqliteStore) -> None:
    with pytest.raises(NoSecretKeys):
        await Bench(store, keyring=NO_KEYS).new(
            {"a": {"type": "mail", "payload": {"login": {"password": "x"}}}}
        )


# --- keys that are for some queues only


def only(*queues: str) -> Who:
    made = datetime(2026, 1, 1, tzinfo=UTC)
    scopes = (Scope.SUBMIT,)
    key = Key(id="k", account_id="acme", user_id="u", name="k", scopes=scopes, queues=queues, created_at=made)
    return by_key(key, None)


async def test_who_submits_owns_it(bench: Bench) -> None:
    new = await bench.new({"a": page(), "b": page(depth=ref("a.result"))}, who=only("web"))
    assert (new.account_id, new.user_id) == ("acme", "u")
    assert {(one.account_id, one.user_id) for one in new.tasks.values()} == {("acme", "u")}


async def test_a_key_for_some_queues_binds_every_node_to_its_queue(bench: Bench) -> None:
    sub = {"workflow": {"nodes": {"x": {"type": "other", "queue": "web"}}}}
    new = await bench.new({"a": page(), "b": {**page(), "for_each": [1]}, "c": sub}, who=only("web"))
    assert new.tasks["a"].queue == "web"
    template = new.graph.nodes["b"].task
    assert template is not None
    assert template.queue == "web"


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ({"type": "other"}, "/nodes/a/queue: This key is not for the queue default"),
        ({"type": "page", "queue": "slow"}, "/nodes/a/queue: This key is not for the queue slow"),
        (
            {"workflow": {"nodes": {"x": {"type": "other"}}}},
            "/nodes/a/workflow/nodes/x/queue: This key is not for the queue default",
        ),
        (
            {**page(), "limits": [{"key": "k", "running": 1}]},
            "/nodes/a/limits: Limits hold for the whole account",
        ),
    ],
)
async def test_and_refuses_other_queues_and_limits(bench: Bench, node: Mapping[str, Any], words: str) -> None:
    with pytest.raises(Forbidden, match=words):
        await bench.new({"a": node}, who=only("web"))
