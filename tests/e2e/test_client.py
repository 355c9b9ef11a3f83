"""Both Python clients against a real hub on a real port, through lost connections and restarts."""

import asyncio
import contextlib
import gc
import inspect
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.hub_process import HubProcess
from tests.support.ports import free_port

from taskflow_hub.client import Client, SyncClient
from taskflow_hub.client.transport import MAX_LONG
from taskflow_hub.domain.ended import TaskCancelled, TaskFailed
from taskflow_hub.domain.errors import (
    Invalid,
    Misconfigured,
    NotAllowed,
    NotFound,
    QueueFull,
    Unavailable,
    UniqueConflict,
)

ENVIRON = {"PYTHONPATH": str(Path(__file__).parent)}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with HubProcess(tmp_path_factory.mktemp("client"), app="product_app:hub", environ=ENVIRON) as running:
        yield running


@pytest.fixture
def client(hub: HubProcess) -> Iterator[SyncClient]:
    with SyncClient(hub.url) as opened:
        yield opened


@pytest.fixture
async def aclient(hub: HubProcess) -> AsyncIterator[Client]:
    async with Client(hub.url) as opened:
        yield opened


# --- the same methods in both


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")} - {"close", "aclose"}


def test_both_clients_have_the_same_methods_and_every_one_is_documented() -> None:
    assert public(Client) == public(SyncClient)
    undocumented = {"resume"}  # the counterpart of pause
    assert {name for name in public(Client) if not getattr(Client, name).__doc__} <= undocumented


def test_help_shows_what_a_call_returns() -> None:
    assert str(inspect.signature(SyncClient.get)) == "(self, id: str) -> taskflow_hub.client.model.Task"
    assert inspect.iscoroutinefunction(Client.submit)
    listed = inspect.signature(Client.list).return_annotation
    assert str(listed) == "collections.abc.AsyncIterator[taskflow_hub.client.model.Task]"


def test_what_a_user_writes_is_type_checked(tmp_path: Path) -> None:
    user = tmp_path / "user.py"
    user.write_text(
        textwrap.dedent(
            """
            from collections.abc import AsyncGenerator, AsyncIterator, Iterator
            from taskflow_hub.client import Client, SyncClient, Task

            def sync(client: SyncClient) -> list[Task]:
                task: Task = client.submit("web.title", {"url": "x"}, delay=5, max_retries=None, tags=["a"])
                ids: list[str] = client.submit_many([{"type": "a", "payload": {"n": 1}, "priority": 9}])
                found: Iterator[Task] = client.list(status=["failed"], limit=3)
                client.submit("x", {}, priority="high")          # wrong
                client.submit("x", {}, pirority=3)               # wrong
                client.submit_many([{"payload": {}}])            # wrong
                client.get(5)                                    # wrong
                return [task, *found, client.get(ids[0])]

            async def aio(client: Client) -> AsyncIterator[Task]:
                task: Task = await client.submit("web.title", {"url": "x"}, wait=True)
                value: dict[str, int] = await client.result(task.id, timeout=3)
                await client.result(task.id, timout=3)           # wrong
                return client.events(task.id)
            """
        )
    )
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(user)],
        capture_output=True,
        text=True,
        check=False,
    )
    told = [int(line.split(":")[1]) for line in checked.stdout.splitlines() if ": error:" in line]
    wanted = [number for number, line in enumerate(user.read_text().splitlines(), 1) if "# wrong" in line]
    assert sorted(told) == wanted, checked.stdout


# --- a task's life


def test_submit_wait_and_look(client: SyncClient) -> None:
    task = client.submit("app.flaky", {"failures": 1}, tags=["one", "two"], priority=7, max_retries=2)
    assert (task.type, task.payload, task.tags, task.priority) == (
        "app.flaky",
        {"failures": 1},
        ("one", "two"),
        7,
    )
    assert task.created_at.tzinfo is not None

    ended = client.wait(task.id, timeout=30)

    assert (ended.succeeded, ended.result, ended.retry_count) == (True, "done", 1)
    assert client.result(task.id) == "done"
    assert [attempt.outcome for attempt in client.attempts(task.id)] == ["failed", "succeeded"]
    assert client.get(task.id) == ended


def test_why_a_task_is_not_running(client: SyncClient) -> None:
    task = client.submit("app.flaky", {"failures": 0}, delay=600)
    why = client.explain(task.id)
    assert (why.status, why.hold, why.causes[0].kind, why.causes[0].run_at) == (
        "scheduled",
        None,
        "run_at",
        task.run_at,
    )
    with pytest.raises(NotFound):
        client.explain("0198c0de-0000-7000-8000-000000000000")


def test_submit_can_wait_itself(client: SyncClient) -> None:
    assert client.submit("app.flaky", {"failures": 0}, wait=True).result == "done"
    assert client.submit("app.flaky", {"failures": 0}, wait=20).result == "done"
    unfinished = client.submit("app.slow_async", {"seconds": 30}, wait=0.2)
    assert not unfinished.done
    client.cancel(unfinished.id)


def test_no_result_raises_how_it_ended(client: SyncClient) -> None:
    failed = client.submit("app.broken", {"text": "x"}, max_retries=0)
    with pytest.raises(TaskFailed, match="LookupError: no x anywhere") as raised:
        client.result(failed.id, timeout=30)
    assert raised.value.task.error is not None
    assert "in broken" in (raised.value.task.error.traceback or "")
    running = client.submit("app.slow_async", {"seconds": 30})
    client.cancel(running.id)
    with pytest.raises(TaskCancelled):
        client.result(running.id, timeout=30)
    assert client.redrive(failed.id).status == "queued"
    client.wait(failed.id, timeout=30)


def test_a_large_result_comes_back_whole(client: SyncClient) -> None:
    task = client.submit("app.large", {"size": 200_000})
    assert client.result(task.id, timeout=30) == "x" * 200_000


def test_a_wait_runs_out_and_the_task_goes_on(client: SyncClient) -> None:
    task = client.submit("app.slow_async", {"seconds": 30})
    with pytest.raises(TimeoutError, match="has not ended after"):
        client.wait(task.id, timeout=0.3)
    assert not client.get(task.id).done
    client.cancel(task.id)


def test_scheduled_work_is_changed_promoted_and_deleted(client: SyncClient) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    task = client.submit("app.flaky", {"failures": 0}, run_at=later)
    assert (task.status, task.run_at) == ("scheduled", later.replace(microsecond=later.microsecond))
    assert client.update(task.id, priority=1).priority == 1
    with pytest.raises(NotAllowed):
        client.delete(task.id)
    client.promote(task.id)
    assert client.wait(task.id, timeout=30).succeeded
    client.delete(task.id)
    with pytest.raises(NotFound):
        client.get(task.id)


def test_many_are_submitted_at_once_listed_and_dealt_with_in_bulk(client: SyncClient) -> None:
    ids = client.submit_many(
        [{"type": "nobody.bulk", "payload": {"n": n}, "tags": ["bulk"]} for n in range(250)]
    )
    assert [task.id for task in client.list(tag="bulk")] == ids[::-1], "newest first, over several pages"
    assert len(list(client.list(tag="bulk", limit=120))) == 120
    assert client.bulk("cancel", {"tag": "bulk"}, dry_run=True).total == 250
    begun = client.bulk("cancel", {"tag": "bulk"})
    assert begun.id is not None
    for task_id in ids:
        assert client.wait(task_id, timeout=30).status == "cancelled"
    assert client.bulk_status(begun.id).total == 250
    assert client.bulk_abort(begun.id).id == begun.id
    with pytest.raises(Invalid) as raised:
        client.submit_many([{"type": "a"}, {"type": "b", "priority": 10}])
    assert raised.value.errors[0].pointer == "/tasks/1/priority"


def test_keys_make_one_task_of_many_submits(client: SyncClient) -> None:
    first = client.submit("nobody.keys", idempotency_key='a "strange" key')
    assert client.submit("nobody.keys", idempotency_key='a "strange" key').id == first.id
    held = client.submit("nobody.keys", unique={"key": "k"})
    assert client.submit("nobody.keys", unique={"key": "k"}).id == held.id
    with pytest.raises(UniqueConflict):
        client.submit("nobody.keys", unique={"key": "k", "on_conflict": "reject"})


def test_operators_see_and_steer(client: SyncClient) -> None:
    assert client.pause("steered").paused
    task = client.submit("app.mail", {"n": 1}, queue="steered")
    assert client.get(task.id).hold == "paused"
    assert client.update_queue("steered", max_size=1).max_size == 1
    with pytest.raises(QueueFull) as raised:
        client.submit("app.mail", {"n": 1}, queue="steered")
    assert raised.value.retry_after_s is not None
    assert {queue.name: queue.depth["queued"] for queue in client.queues()}["steered"] == 1
    assert client.purge("steered") == 1
    client.update_queue("steered", max_size=None)
    assert not client.resume("steered").paused
    [worker] = client.workers()
    assert worker.state == "alive"
    assert "app.flaky" in {declared.type for declared in client.task_types()}


def test_events_and_logs_are_followed(client: SyncClient) -> None:
    task = client.submit("app.talks")
    seen = list(client.events(task.id))
    assert seen[-1].succeeded
    assert [one.rev for one in seen] == sorted({one.rev for one in seen})
    lines = list(client.logs(task.id, follow=True))
    assert [(line.level, line.message, line.fields["page"]) for line in lines] == [
        ("info", "reading", 1),
        ("warning", "page 2 is empty", 2),
    ]


async def test_the_asynchronous_client_does_the_same(aclient: Client) -> None:
    task = await aclient.submit("app.talks")
    assert (await aclient.wait(task.id, timeout=30)).succeeded
    assert (await aclient.result(task.id))["key"] == task.id
    assert [one.rev async for one in aclient.events(task.id)]
    assert len([line async for line in aclient.logs(task.id, follow=True)]) == 2
    assert task.id in [one.id async for one in aclient.list(type="app.talks")]
    assert (await aclient.explain(task.id)).summary == "It has run, and succeeded."
    with pytest.raises(NotFound):
        await aclient.get("0198c0de-0000-7000-8000-000000000000")
    with pytest.raises(TimeoutError):
        slow = await aclient.submit("app.slow_async", {"seconds": 30})
        await aclient.wait(slow.id, timeout=0.2)
    await aclient.cancel(slow.id)


async def test_more_may_wait_than_there_are_streams_and_requests_still_pass(aclient: Client) -> None:
    tasks = [await aclient.submit("app.slow_async", {"seconds": 1}) for _ in range(2 * MAX_LONG)]
    waiting = [asyncio.create_task(aclient.wait(task.id, timeout=60)) for task in tasks]
    assert (await aclient.submit("app.flaky", {"failures": 0}, wait=True)).succeeded, (
        "without a place it polls"
    )
    assert {task.status for task in await asyncio.gather(*waiting)} == {"success"}


async def test_a_thousand_submits_at_once_take_turns(aclient: Client) -> None:
    tasks = await asyncio.gather(*(aclient.submit("nobody.crowd", {"n": n}) for n in range(1000)))
    assert len({task.id for task in tasks}) == 1000


async def test_a_wait_that_is_cancelled_gives_its_stream_back(aclient: Client) -> None:
    task = await aclient.submit("app.slow_async", {"seconds": 60})
    for _ in range(2 * MAX_LONG):
        async with contextlib.aclosing(aclient.events(task.id)) as events:
            await anext(events)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await aclient.wait(task.id)
    free = [aclient._lines.places.acquire(blocking=False) for _ in range(MAX_LONG)]
    assert all(free), "every place is free again"
    aclient._lines.places.release(MAX_LONG)
    await aclient.cancel(task.id)


def test_a_client_may_be_shared_by_threads(client: SyncClient) -> None:
    with ThreadPoolExecutor(8) as threads:
        running = [threads.submit(client.submit, "app.flaky", {"failures": 0}, wait=True) for _ in range(8)]
    assert [one.result().status for one in running] == ["success"] * 8


# --- when things break


class Cutting:
    """A proxy that passes a request on, waits for its answer, and then, for the first `cuts` connections, says nothing."""

    def __init__(self, target: int, cuts: int) -> None:
        self.target, self.cuts, self.seen = target, cuts, 0

    async def __aenter__(self) -> "Cutting":
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        await self.server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen += 1
        cut = self.seen <= self.cuts
        there, back = await asyncio.open_connection("127.0.0.1", self.target)
        asking = asyncio.create_task(_pump(reader, back))
        try:
            while (answer := await there.read(65_536)) and not cut:
                writer.write(answer)
                await writer.drain()
        finally:
            asking.cancel()
            for one in (writer, back):
                one.close()
                with contextlib.suppress(ConnectionError):
                    await one.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()


async def test_a_submit_whose_answer_is_lost_is_repeated_and_makes_one_task(hub: HubProcess) -> None:
    async with Cutting(hub.port, cuts=2) as proxy, Client(proxy.url) as lossy, Client(hub.url) as direct:
        task = await lossy.submit("nobody.lost", {"n": 1})
        assert proxy.seen == 3
        assert [one.id async for one in direct.list(type="nobody.lost")] == [task.id]


async def test_a_redrive_whose_answer_is_lost_is_not_repeated(hub: HubProcess) -> None:
    async with Client(hub.url) as direct:
        task = await direct.submit("nobody.redriven")
        await direct.cancel(task.id)
        async with Cutting(hub.port, cuts=1) as proxy, Client(proxy.url) as lossy:
            with pytest.raises(Unavailable, match="did not answer"):
                await lossy.redrive(task.id)
            assert proxy.seen == 1


def test_nobody_there_is_said_at_once_and_helpfully() -> None:
    with (
        SyncClient(f"http://127.0.0.1:{free_port()}", retries=1) as client,
        pytest.raises(Unavailable, match=r"There is no hub at http://127.*connection refused.*taskflow up"),
    ):
        client.get("x")


@pytest.mark.parametrize("bad", ["ftp://x", "http://", "http://a:b@c", "http://x:99999", "http://x?y=1"])
def test_a_bad_address_is_refused(bad: str) -> None:
    with pytest.raises(Misconfigured, match="is not the address of a hub"):
        SyncClient(bad)


def test_the_address_comes_from_the_environment(hub: HubProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKFLOW_SERVER", f"127.0.0.1:{hub.port}/")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    with SyncClient() as client:
        assert client.server == hub.url
        assert client.workers(), "a proxy is not asked for what is on this machine"


def test_waiting_and_submitting_live_through_a_restart(tmp_path: Path) -> None:
    with (
        HubProcess(tmp_path, app="product_app:hub", environ=ENVIRON) as hub,
        SyncClient(hub.url, retries=12) as client,
        ThreadPoolExecutor() as threads,
    ):
        task = client.submit("app.slow_async", {"seconds": 1})
        waiting = threads.submit(client.wait, task.id, timeout=60)
        hub.until(task.id, "running")
        hub.kill()
        submitting = threads.submit(client.submit, "nobody.restarted")
        hub.start()
        assert waiting.result(60).succeeded
        assert submitting.result(60).status == "queued"


def test_nothing_is_left_open(hub: HubProcess) -> None:
    client = SyncClient(hub.url)
    task = client.submit("app.slow_async", {"seconds": 60})
    events = client.events(task.id)
    next(events)
    client.cancel(task.id)
    client.close()
    client.close()
    del events
    gc.collect()  # a socket left open would warn now, and warnings are errors
