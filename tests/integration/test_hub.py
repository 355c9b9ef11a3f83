"""The hub as a program uses it, beside the database: what it accepts, what it refuses, and that refusing changes nothing."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw
from tests.support.stores import open_store

from taskflow_hub import (
    Fail,
    Hub,
    IdempotencyMismatch,
    Invalid,
    Limit,
    Misconfigured,
    NotAllowed,
    NotFound,
    RetryPolicy,
    State,
    Submission,
    TaskCancelled,
    TaskFailed,
    Unique,
    UniqueConflict,
)
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.domain.submission import OnConflict
from taskflow_hub.engine.idempotency import fingerprint
from taskflow_hub.hub.hub import _idempotency
from taskflow_hub.store.values import AuditFilter, TaskFilter
from taskflow_hub.testing.handlers import working

NOBODY = "01a2074b-2052-74ef-be80-d944dd8e120a"


@pytest.fixture
async def hub(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    monkeypatch.chdir(tmp_path)
    async with Hub(database_url) as hub:
        yield hub


async def count(hub: Hub) -> int:
    """How many tasks are stored, as another process sees it."""
    assert hub.database_url is not None
    store = await open_store(hub.database_url)
    found = await store.count(DEFAULT_ACCOUNT, TaskFilter())
    await store.close()
    return found


# --- what is stored


async def test_a_submit_stores_what_was_asked_for(hub: Hub) -> None:
    now = datetime.now(UTC)

    @hub.task("a.type", queue="home", max_retries=7, timeout=9)
    async def handler(a: int, b: str = "b") -> None: ...

    handle = await handler.submit(
        1,
        b="ü",
        priority=8,
        run_at=now + timedelta(hours=1),
        max_retries=None,
        timeout=None,
        retry=RetryPolicy(base=2),
        expires_at=now + timedelta(hours=2),
        tags=["x", "y"],
    )

    task = await handle.task()
    assert json.loads(bytes(task.payload)) == {"a": 1, "b": "ü"}
    assert (task.status, task.priority, task.tags) == (State.SCHEDULED, 8, ("x", "y"))
    assert (task.max_retries, task.timeout, task.retry.base) == (None, None, 2.0)
    assert task.run_at is not None
    assert abs(task.run_at - now - timedelta(hours=1)) < timedelta(seconds=1)


async def test_defaults_of_parameters_are_left_to_the_worker(hub: Hub) -> None:
    @hub.task("a.type")
    async def handler(a: int = 5) -> None: ...

    assert bytes((await (await handler.submit()).task()).payload) == b"{}"


async def test_options_hold_for_every_submit_made_through_them(hub: Hub) -> None:
    @hub.task("a.type")
    async def handler(a: int) -> None: ...

    later = handler.options(delay=60, tags=("x",)).options(priority=9)
    tasks = [await (await later.submit(n)).task() for n in range(2)]
    assert {(task.priority, task.tags, task.status) for task in tasks} == {(9, ("x",), State.SCHEDULED)}
    assert (await (await handler.submit(1)).task()).priority == 5, "the handler itself is as before"


async def test_a_parameter_called_like_an_option_is_the_handlers(hub: Hub) -> None:
    @hub.task("a.type")
    async def handler(priority: int) -> None: ...

    task = await (await handler.options(priority=9).submit(priority=1)).task()
    assert (json.loads(bytes(task.payload)), task.priority) == ({"priority": 1}, 9)


async def test_one_tag_is_one_tag(hub: Hub) -> None:
    """A text is iterable too, and must not become a tag per letter."""
    task = await (await hub.submit("a.type", options={"tags": "billing"})).task()
    assert task.tags == ("billing",)


async def test_many_in_one_transaction(hub: Hub) -> None:
    @hub.task("a.type")
    async def handler(a: int) -> None: ...

    handles = await handler.submit_many([{"a": n} for n in range(3)])
    handles += await hub.submit_many(
        [Submission(type="b.type"), Submission(type="c.type", payload=Raw(b'{"d": 4}'), delay=60)]
    )
    tasks = [await handle.task() for handle in handles]
    assert [task.type for task in tasks] == ["a.type"] * 3 + ["b.type", "c.type"]
    assert await handler.submit_many([]) == await hub.submit_many([]) == []


async def test_submits_made_by_a_second_hub_are_seen_by_the_first(hub: Hub) -> None:
    async with Hub(hub.database_url) as other:
        handle = await other.submit("a.type", {"a": 1})
    assert await hub.handle(handle.id).status() is State.QUEUED


async def test_closing_twice_is_harmless_and_a_later_submit_opens_it_again(hub: Hub) -> None:
    await hub.close()
    await hub.close()
    assert await (await hub.submit("a.type")).status() is State.QUEUED


# --- once


async def test_an_idempotency_key_answers_with_the_first_task(hub: Hub) -> None:
    @hub.task("a.type")
    async def handler(a: int) -> None: ...

    first = await handler.submit(1, idempotency_key="k")
    again = await handler.submit(1, idempotency_key="k")
    assert first.id == again.id
    assert await count(hub) == 1
    with pytest.raises(IdempotencyMismatch):
        await handler.submit(2, idempotency_key="k")
    assert await count(hub) == 1


async def test_a_key_may_stand_for_many(hub: Hub) -> None:
    wanted = [Submission(type="a.type"), Submission(type="b.type")]
    first = await hub.submit_many(wanted, idempotency_key="k")
    again = await hub.submit_many(wanted, idempotency_key="k")
    assert [one.id for one in first] == [one.id for one in again]


@pytest.mark.parametrize("key", ["", "a\nb", "ü", "x" * 256])
async def test_a_key_that_could_not_be_sent_as_a_header_is_refused(hub: Hub, key: str) -> None:
    with pytest.raises(Invalid, match="/idempotency_key"):
        await hub.submit("a.type", options={"idempotency_key": key})
    assert await count(hub) == 0


async def test_unique_keys(hub: Hub) -> None:
    unique = Unique(key="k")
    first = await hub.submit("a.type", options={"unique": unique})
    assert (await hub.submit("a.type", options={"unique": unique})).id == first.id
    with pytest.raises(UniqueConflict):
        await hub.submit("a.type", options={"unique": Unique(key="k", on_conflict=OnConflict.REJECT)})
    assert await count(hub) == 1


async def test_a_limit_that_is_stated_without_numbers_is_named(hub: Hub) -> None:
    with pytest.raises(Invalid) as refused:
        await hub.submit("a.type", options={"limits": [Limit("a")]})
    assert [error.pointer for error in refused.value.errors] == ["/limits/0/running"]
    assert await count(hub) == 0


async def test_limits(hub: Hub) -> None:
    """However they are stated, they are kept: of these five, three run one after the other."""
    most, now = 0, 0

    @hub.task("a.type")
    async def handler(n: int) -> None:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1

    one = Limit("a", running=1)
    async with working(hub, slots=10):
        handles = [
            await handler.submit(1, limits=[one]),
            *await handler.options(limits=(one,)).submit_many([{"n": 2}]),
            *await hub.submit_many([Submission(type="a.type", payload=Raw(b'{"n": 3}'), limits=(one,))]),
            await hub.submit("a.type", {"n": 4}, options={"limits": (one for _ in range(1))}),
        ]
        for handle in handles:
            await handle.result(10)
    assert most == 1


async def test_a_key_used_before_there_were_limits_is_still_known(hub: Hub) -> None:
    """What is hashed of a submit without limits has no trace of them."""
    plain = _idempotency("k", [Submission(type="a.type")])
    body: dict[str, object] = {
        "type": "a.type",
        "payload": {},
        "queue": None,
        "priority": 5,
        "run_at": None,
        "delay": None,
    }
    before = fingerprint("hub.submit", "k", [{**body, "expires_at": None, "tags": [], "unique": None}])
    assert plain == before
    assert plain != _idempotency("k", [Submission(type="a.type", limits=(Limit("a", running=1),))])


# --- what is refused, by name, before anything is stored


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"priority": 10}, "/priority"),
        ({"priority": "high"}, "/priority"),
        ({"priority": True}, "/priority"),
        ({"delay": -1}, "/delay"),
        ({"delay": 1, "run_at": datetime(2030, 1, 1, tzinfo=UTC)}, "/delay"),
        ({"run_at": datetime(2030, 1, 1)}, "/run_at"),  # noqa: DTZ001 (that is what is wrong)
        ({"max_retries": -1}, "/max_retries"),
        ({"timeout": 0}, "/timeout"),
        ({"queue": "No Spaces"}, "/queue"),
        ({"tags": ["x" * 65]}, "/tags"),
        ({"unique": {"key": ""}}, "/unique/key"),
        ({"unique": Unique(key="")}, "/unique/key"),
        ({"limits": [Limit("")]}, "/limits/0/key"),
        ({"limits": [Limit("a", running=1), {"key": "b", "per_second": -1}]}, "/limits/1/per_second"),
        ({"limits": [Limit("a", per_second=float("nan"))]}, "/limits/0/per_second"),
        ({"limits": [Limit("a", running=1), Limit("a")]}, "/limits/1/key"),
        ({"retry": {"base": -1}}, "/retry/base"),
        ({"dealy": 60}, "/dealy"),
    ],
)
async def test_a_wrong_option_is_named(hub: Hub, options: Any, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        await hub.submit("a.type", options=options)
    assert [error.pointer.startswith(pointer) for error in refused.value.errors] == [True]
    assert await count(hub) == 0


@pytest.mark.parametrize(
    "payload", [{"x": float("nan")}, {"x": [float("inf")]}, {"x": object()}, {"x": "\ud800"}]
)
async def test_what_json_cannot_carry_is_refused(hub: Hub, payload: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="/payload"):
        await hub.submit("a.type", payload)
    assert await count(hub) == 0


async def test_a_handlers_arguments_are_checked_before_anything_is_stored(hub: Hub) -> None:
    @hub.task("a.type")
    async def handler(a: float, b: list[int] | None = None) -> None: ...

    for wrong, pointer in (
        ({"a": "one"}, "/payload/a"),
        ({"a": float("nan")}, "/payload/a"),
        ({"a": 1, "b": [1, "two"]}, "/payload/b/1"),
    ):
        with pytest.raises(Invalid) as refused:
            await handler.submit(**wrong)
        assert [error.pointer for error in refused.value.errors] == [pointer]
        with pytest.raises(Invalid) as refused:
            await handler.submit_many([{"a": 1}, wrong])
        assert [error.pointer for error in refused.value.errors] == [f"/tasks/1{pointer}"]
    for call in ({}, {"a": 1, "c": 2}):
        with pytest.raises(TypeError, match=r"a\.type: "):
            await handler.submit(**call)
    assert await count(hub) == 0


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        (Submission(type="Not a name"), "/tasks/1/type"),
        (Submission(type="a.type", priority=42), "/tasks/1/priority"),
        (Submission(type="a.type", payload=Raw(b"[]")), "/tasks/1/payload"),
    ],
)
async def test_a_submission_made_in_python_is_checked_too(hub: Hub, wrong: Submission, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        await hub.submit_many([Submission(type="a.type"), wrong])
    assert [error.pointer for error in refused.value.errors] == [pointer]
    assert await count(hub) == 0


async def test_a_batch_has_a_limit(hub: Hub) -> None:
    with pytest.raises(Invalid, match="at most 10000"):
        await hub.submit_many([Submission(type="a.type")] * 10_001)
    assert await count(hub) == 0


async def test_a_database_we_do_not_know(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="mysql"):
        await Hub("mysql://localhost/x").submit("a.type")


# --- handles


async def test_a_handle_of_a_task_that_is_not_there(hub: Hub) -> None:
    for look in (hub.handle(NOBODY).task, hub.handle(NOBODY).status, hub.handle(NOBODY).cancel):
        with pytest.raises(NotFound):
            await look()
    with pytest.raises(NotFound):
        await hub.handle(NOBODY).result(timeout=1)


@pytest.mark.parametrize("text", ["", "nothing", NOBODY.upper(), NOBODY.replace("-", ""), f"{NOBODY}\n"])
async def test_what_cannot_be_an_id_is_refused(hub: Hub, text: str) -> None:
    """On every store alike, also where another spelling of an id would find its task."""
    with pytest.raises(Invalid, match="/task_id"):
        hub.handle(text)


async def test_waiting_ends_when_the_time_is_over_and_the_task_goes_on(hub: Hub) -> None:
    handle = await hub.submit("nobody.serves.this")
    with pytest.raises(TimeoutError, match="queued"):
        await handle.result(timeout=0)
    assert await handle.status() is State.QUEUED


async def test_cancelling(hub: Hub) -> None:
    handle = await hub.submit("nobody.serves.this")
    assert await handle.cancel() is State.CANCELLED
    assert await handle.cancel() is State.CANCELLED
    with pytest.raises(TaskCancelled):
        await handle.result()
    [entry] = (await (await hub._opened()).store.audit(AuditFilter(), limit=9)).items
    assert (entry.action, entry.entity_id, entry.actor_kind) == ("task.cancel", handle.id, "operator")
    assert entry.actor_name
    assert entry.actor_name.endswith(f"@{socket.gethostname()}")


async def test_results_failures_and_what_has_ended_otherwise() -> None:
    hub = Hub()

    @hub.task("works")
    async def works(n: int) -> dict[str, int]:
        return {"n": n}

    @hub.task("large")
    async def large() -> str:
        return "x" * 100_000

    @hub.task("fails")
    def fails() -> Fail:
        return Fail("as asked")

    async with working(hub):
        handle = await works.submit(n=1)
        assert await handle.result(timeout=20) == {"n": 1}
        assert len(await (await large.submit()).result(timeout=20)) == 100_000
        failed = await fails.submit()
        with pytest.raises(TaskFailed, match="as asked") as ended:
            await failed.result(timeout=20)
        assert ended.value.task.id == failed.id
        with pytest.raises(NotAllowed):
            await handle.cancel()


# --- attached to a running engine


async def test_a_served_hub_stays_with_its_process_also_when_a_handler_closes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hub = Hub()

    @hub.task("inner")
    async def inner() -> str:
        return "done"

    @hub.task("outer")
    async def outer() -> str:
        async with hub:
            handle = await inner.submit()
        return await (await inner.submit()).result(timeout=10) + (await handle.result(timeout=10))

    async with working(hub):
        assert await (await outer.submit()).result(timeout=20) == "donedone"
    assert list(tmp_path.iterdir()) == [], "nobody opened ./taskflow.db beside the engine's"


async def test_a_handler_is_still_a_function(hub: Hub) -> None:
    @hub.task("a.type")
    def double(n: int) -> int:
        """Twice."""
        return 2 * n

    assert double(21) == 42
    assert (double.type, double.__name__, double.__doc__) == ("a.type", "double", "Twice.")
    assert repr(double) == "<task type 'a.type'>"
    assert await count(hub) == 0
