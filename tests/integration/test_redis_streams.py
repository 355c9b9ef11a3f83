"""What only the broker on Redis Streams promises: bounds, leftovers, entries nobody can read, and what it refuses."""

import asyncio
import contextlib
import json
import re
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from msgspec import Raw
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from tests.support.redis import RedisServer, redis_server

from taskflow_hub.broker.base import WorkerSide
from taskflow_hub.broker.redis_streams import RedisBroker, Timing
from taskflow_hub.broker.redis_streams.engine_side import REPORTS_AT_ONCE, RedisEngineSide, spans
from taskflow_hub.broker.redis_streams.envelopes import DeadEntry
from taskflow_hub.broker.redis_streams.exchange import Command, call
from taskflow_hub.broker.redis_streams.link import Link
from taskflow_hub.broker.redis_streams.scripts import PUSH
from taskflow_hub.domain.errors import Misconfigured, Unavailable
from taskflow_hub.domain.messages import (
    Drain,
    Heartbeat,
    HeartbeatAnswer,
    Released,
    Reply,
    Request,
    Retire,
    Retired,
)
from taskflow_hub.testing.broker_contract import LONG_S, assignment, succeeded
from taskflow_hub.testing.faults import TcpProxy

QUICK = Timing(block=0.1, seen_every=0.05)
MANUAL = Path(__file__).parents[2] / "docs/how-to/servers-and-workers.md"


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
async def broker(redis_url: str) -> AsyncIterator[RedisBroker]:
    async with RedisBroker.open(redis_url, QUICK) as broker:
        yield broker


@pytest.fixture
async def engine(broker: RedisBroker) -> RedisEngineSide:
    return broker.engine_side()


@pytest.fixture
async def worker(broker: RedisBroker) -> AsyncIterator[WorkerSide]:
    side = broker.worker_side()
    await side.open("w1")
    yield side
    await side.close()


def documents(redis: Redis, stream: str) -> list[Any]:
    """What lies in a stream; each entry has one field."""
    found = []
    for _, fields in entries(redis, stream):
        assert list(fields) == [b"data"]
        found.append(json.loads(fields[b"data"]))
    return found


def entries(redis: Redis, stream: str) -> list[Any]:
    return list(redis.xrange(stream) or ())


def _now_ms(redis: Redis) -> int:
    seconds, microseconds = redis.time()
    return int(seconds) * 1000 + int(microseconds) // 1000


async def until(true: Callable[[], object]) -> None:
    """What happens inside Redis is told to nobody, so it is looked for."""
    async with asyncio.timeout(LONG_S):
        while True:
            if true():
                return
            await asyncio.sleep(0.01)


# --- what lies in Redis ---------------------------------------------------------------------------------------------


async def test_every_entry_is_one_json_document_of_version_1(
    redis: Redis, engine: RedisEngineSide, worker: WorkerSide
) -> None:
    await engine.publish("w1", [assignment("a")])
    await engine.tell("w1", Drain())
    await worker.report([succeeded(1)])
    calling = asyncio.create_task(worker.call(Retire(worker="w1"), timeout_s=LONG_S))
    await until(lambda: redis.xlen("tasks:calls"))
    streams = ("tasks:created:w1", "tasks:results", "tasks:calls")
    found = {stream: documents(redis, stream) for stream in streams}
    assert [len(found[stream]) for stream in streams] == [2, 1, 1]
    assert all(document["v"] == 1 for some in found.values() for document in some)
    assert found["tasks:created:w1"][0] == json.loads(msgspec.json.encode(assignment("a")))
    assert found["tasks:results"] == [json.loads(msgspec.json.encode(succeeded(1)))]
    await engine.serve(answer_retired)
    assert await calling == Retired()


async def test_what_is_done_with_leaves_nothing_behind(redis_url: str, redis: Redis) -> None:
    async with RedisBroker.open(redis_url, QUICK) as broker:
        engine, worker = broker.engine_side(), broker.worker_side()
        await engine.serve(answer_retired)
        await worker.open("w1")
        for n in range(1, 51):
            await engine.publish("w1", [assignment(str(n))])
            assert len(await worker.take(10, LONG_S)) == 1
            await worker.report([succeeded(n)])
            await (await engine.collect(10, LONG_S)).ack()
            await worker.call(Retire(worker="w1"))
        await worker.until_acknowledged(50)
        await worker.take(10, 0.0)
        assert [redis.xlen(stream) for stream in ("tasks:created:w1", "tasks:results", "tasks:calls")] == [
            0,
            0,
            0,
        ]
        assert redis.xpending("tasks:results", "servers")["pending"] == 0
        await worker.close()
    assert redis.exists("tasks:created:w1", "tasks:workers") == 0
    assert 0 < redis.ttl("tasks:replies:w1") <= 60


async def test_the_streams_of_a_worker_that_was_killed_go_by_themselves(redis_url: str, redis: Redis) -> None:
    timing = Timing(block=0.1, kept=2.0, seen=2.0)
    async with RedisBroker.open(redis_url, timing) as broker:
        engine = broker.engine_side()
        await broker.worker_side().open("w1")  # and nothing is heard of it any more
        await engine.publish("w1", [assignment("a")])
        await until(lambda: not redis.exists("tasks:created:w1"))
        assert await engine.reachable() == []
        with pytest.raises(Unavailable):
            await engine.publish("w1", [assignment("b")])
        assert not redis.exists("tasks:created:w1")


async def test_an_inbox_whose_opening_was_given_up_is_removed_by_close(redis_url: str, redis: Redis) -> None:
    """A worker that is stopped while it starts; Redis has done what it was asked, and nobody waited for the answer."""
    at = urlsplit(redis_url)
    assert at.hostname
    assert at.port
    with TcpProxy(at.hostname, at.port) as network:
        async with RedisBroker.open(f"redis://127.0.0.1:{network.port}{at.path}", QUICK) as broker:
            worker = broker.worker_side()
            network.delay_s = 0.5
            opening = asyncio.create_task(worker.open("w1"))
            await until(lambda: redis.exists("tasks:created:w1"))
            opening.cancel()
            await asyncio.wait({opening})
            network.delay_s = 0.0
            await worker.close()
            assert redis.exists("tasks:created:w1", "tasks:workers") == 0


async def test_a_worker_that_takes_stays_reachable(redis_url: str) -> None:
    timing = Timing(block=0.05, kept=2.0, seen=1.5, seen_every=0.05)
    async with RedisBroker.open(redis_url, timing) as broker:
        engine, worker = broker.engine_side(), broker.worker_side()
        await worker.open("w1")
        taking = asyncio.create_task(worker.take(10, LONG_S))
        loop = asyncio.get_running_loop()
        until = loop.time() + 2 * timing.kept
        while loop.time() < until:
            assert await engine.reachable() == ["w1"]
        await engine.publish("w1", [assignment("a")])
        assert len(await taking) == 1
        await worker.close()


async def test_an_inbox_that_nobody_empties_does_not_grow_without_bound(
    redis: Redis, engine: RedisEngineSide, worker: WorkerSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskflow_hub.broker.redis_streams.keys.INBOX_MAX", 500)
    for _ in range(20):
        await engine.publish("w1", [assignment(str(n)) for n in range(100)])
    assert redis.xlen("tasks:created:w1") < 700


async def test_what_was_leased_too_long_ago_is_not_published(
    redis: Redis, engine: RedisEngineSide, worker: WorkerSide
) -> None:
    await engine.reachable()
    now = time.monotonic()
    with pytest.raises(Unavailable, match="too old"):
        await engine.publish("w1", [assignment("a")], leased_at=now - QUICK.fresh - 0.5)
    assert redis.xlen("tasks:created:w1") == 0
    await engine.publish("w1", [assignment("b")], leased_at=now - QUICK.fresh + 5)
    assert redis.xlen("tasks:created:w1") == 1


async def test_so_many_large_reports_are_not_collected_at_once(
    engine: RedisEngineSide, worker: WorkerSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskflow_hub.broker.redis_streams.engine_side.COLLECT_BYTES", 100_000)
    large = Raw(b'"' + b"x" * 10_000 + b'"')
    await worker.report([msgspec.structs.replace(succeeded(n), result=large) for n in range(1, 101)])
    sizes: list[int] = []
    while sum(sizes) < 100:
        batch = await engine.collect(2000, LONG_S)
        assert [report.n for report in batch.reports] == list(
            range(sum(sizes) + 1, sum(sizes) + len(batch.reports) + 1)
        )
        sizes.append(len(batch.reports))
        await batch.ack()
    assert max(sizes) <= 10 + REPORTS_AT_ONCE
    await worker.report([succeeded(n) for n in range(101, 1101)])
    assert len((await engine.collect(900, LONG_S)).reports) == 900
    assert len((await engine.collect(900, LONG_S)).reports) == 100


async def test_reports_that_nobody_reads_lie_there_once(
    redis: Redis, engine: RedisEngineSide, worker: WorkerSide
) -> None:
    for _ in range(3):
        await worker.report([succeeded(1), succeeded(2)])
    await worker.report([succeeded(2), succeeded(3)])
    assert [document["n"] for document in documents(redis, "tasks:results")] == [1, 2, 3]
    batch = await engine.collect(2, LONG_S)  # and perhaps its server dies: they come again, once
    for _ in range(3):
        await worker.report([succeeded(1), succeeded(2), succeeded(3)])
    again = await engine.collect(10, LONG_S)
    assert [report.n for report in again.reports] == [3, 1, 2]
    await batch.ack()
    await again.ack()
    await worker.until_acknowledged(3)
    assert redis.xlen("tasks:results") == 0


# --- several servers ------------------------------------------------------------------------------------------------


async def test_a_server_that_is_gone_is_replaced(redis_url: str, redis: Redis) -> None:
    """Its pending reports are another's after a while, and then its name leaves the group."""
    timing = Timing(block=0.1, claim_after=0.3, claim_every=0.1, gone=0.5)
    async with RedisBroker.open(redis_url, timing) as broker:
        gone, other, worker = broker.engine_side(), broker.engine_side(), broker.worker_side()
        await worker.open("w1")
        await worker.report([succeeded(1), succeeded(2)])
        assert len((await gone.collect(10, LONG_S)).reports) == 2
        found: list[int] = []
        async with asyncio.timeout(LONG_S):
            while len(found) < 2:
                batch = await other.collect(10, 0.1)
                found += [report.n for report in batch.reports]
                await batch.ack()
        assert found == [1, 2]
        await worker.until_acknowledged(2)
        async with asyncio.timeout(LONG_S):
            while len(redis.xinfo_consumers("tasks:results", "servers")) > 1:
                await other.collect(10, 0.1)
        await worker.close()


async def test_what_a_living_server_has_collected_is_not_taken_from_it(redis_url: str) -> None:
    async with RedisBroker.open(redis_url, Timing(block=0.1, claim_every=0.0)) as broker:
        one, two, worker = broker.engine_side(), broker.engine_side(), broker.worker_side()
        await worker.open("w1")
        await worker.report([succeeded(1)])
        batch = await one.collect(10, LONG_S)
        assert list((await two.collect(10, 0.2)).reports) == []
        await batch.ack()
        await worker.until_acknowledged(1)
        await worker.close()


async def test_each_call_is_answered_by_one_of_the_servers(broker: RedisBroker, worker: WorkerSide) -> None:
    asked = []

    async def answer(request: Request) -> Reply:
        asked.append(request)
        return Retired()

    for _ in range(3):
        await broker.engine_side().serve(answer)
    await asyncio.gather(*(worker.call(Retire(worker=f"w{n}")) for n in range(50)))
    assert sorted(request.worker for request in asked) == sorted(f"w{n}" for n in range(50))


async def test_a_call_whose_caller_has_given_up_is_not_answered(
    redis: Redis, engine: RedisEngineSide, worker: WorkerSide
) -> None:
    """A heartbeat that lay there while no server ran tells nothing about now."""
    with pytest.raises(Unavailable):
        await worker.call(Heartbeat(worker="old"), timeout_s=0.5)
    [(id, _)] = entries(redis, "tasks:calls")  # laid there a moment after its caller began to wait
    await until(lambda: _now_ms(redis) > int(id.partition(b"-")[0]) + 500)
    asked = []

    async def answer(request: Request) -> Reply:
        asked.append(request)
        return HeartbeatAnswer(known=True)

    await engine.serve(answer)
    await worker.call(Heartbeat(worker="new"))
    assert [request.worker for request in asked] == ["new"]
    assert redis.xlen("tasks:calls") == 0


async def test_the_links_loop_may_be_the_first_to_give_up(
    worker: WorkerSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both loops look at the clock, and the caller's may be late."""
    in_time = asyncio.timeout
    monkeypatch.setattr(asyncio, "timeout", lambda delay: in_time(delay + LONG_S))
    with pytest.raises(Unavailable, match="no engine has answered Retire within"):
        await worker.call(Retire(worker="w1"), timeout_s=0.1)


async def test_an_answer_that_takes_too_long_is_given_up(engine: RedisEngineSide, worker: WorkerSide) -> None:
    ended = asyncio.Event()

    async def answer(_: Request) -> Reply:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    await engine.serve(answer)
    with pytest.raises(Unavailable):
        await worker.call(Retire(worker="w1"), timeout_s=0.2)
    async with asyncio.timeout(LONG_S):
        await ended.wait()


# --- what cannot be read --------------------------------------------------------------------------------------------

UNREADABLE = [
    b"not JSON",
    b"\xff\xfe",
    b"",
    b"[]",
    b'{"kind":"danced","v":1,"id":"x","attempt":"one"}',
]
NAMES_AN_ATTEMPT = b'{"kind":"danced","v":1,"worker":"w1","n":1,"id":"x","attempt":7}'
OF_ANOTHER_VERSION = msgspec.json.encode(succeeded(1)).replace(b'"v":1', b'"v":2')


@pytest.mark.parametrize("data", UNREADABLE)
async def test_a_report_nobody_can_read_is_put_aside_and_the_next_one_is_not(
    redis: Redis, broker: RedisBroker, worker: WorkerSide, data: bytes
) -> None:
    engine = broker.engine_side()
    redis.xadd("tasks:results", {"data": data})
    await worker.report([succeeded(1)])
    batch = await engine.collect(10, LONG_S)
    assert [report.n for report in batch.reports] == [1]
    await batch.ack()
    (kept,) = entries(redis, "tasks:dead")
    entry = msgspec.json.decode(kept[1][b"data"], type=DeadEntry)
    assert (entry.stream, entry.data) == ("tasks:results", data.decode(errors="replace"))
    assert redis.xlen("tasks:results") == 0


@pytest.mark.parametrize("data", [NAMES_AN_ATTEMPT, OF_ANOTHER_VERSION])
async def test_an_unreadable_report_that_names_an_attempt_hands_it_back(
    redis: Redis, engine: RedisEngineSide, worker: WorkerSide, data: bytes
) -> None:
    redis.xadd("tasks:results", {"data": data})
    batch = await engine.collect(10, LONG_S)
    named = json.loads(data)
    assert list(batch.reports) == [Released(worker="w1", n=1, id=named["id"], attempt=named["attempt"])]
    await batch.ack()
    await worker.until_acknowledged(1)
    assert redis.xlen("tasks:dead") == 1


async def test_an_unreadable_remark_does_not_end_its_attempt(redis: Redis, engine: RedisEngineSide) -> None:
    redis.xadd(
        "tasks:results", {"data": b'{"kind":"progressed","v":1,"worker":"w1","n":1,"id":"x","attempt":7}'}
    )
    while not redis.xlen("tasks:dead"):
        assert list((await engine.collect(10, 0.2)).reports) == []
    assert redis.xlen("tasks:dead") == 1
    assert list((await engine.collect(10, 0.0)).reports) == []


async def test_an_assignment_its_worker_cannot_read_is_handed_back(
    redis: Redis, engine: RedisEngineSide, worker: WorkerSide
) -> None:
    for n in (1, 2):
        redis.xadd("tasks:created:w1", {"data": b'{"kind":"assignment","v":9,"id":"t%d","attempt":3}' % n})
    redis.xadd("tasks:created:w1", {"other": b"field"})
    await engine.publish("w1", [assignment("a")])
    assert [type(one).__name__ for one in await worker.take(10, LONG_S)] == ["Assignment"]
    batch = await engine.collect(10, LONG_S)
    assert [(report.id, report.attempt) for report in batch.reports] == [("t1", 3), ("t2", 3)]
    await batch.ack()
    assert worker.acknowledged == 0
    assert redis.xlen("tasks:dead") == 3


async def test_a_call_and_a_reply_nobody_can_read_stand_in_nobodys_way(
    redis: Redis, engine: RedisEngineSide, worker: WorkerSide
) -> None:
    await engine.serve(answer_retired)
    redis.xadd("tasks:calls", {"data": b"{}"})
    redis.xadd("tasks:replies:w1", {"data": b"{}"})
    assert await worker.call(Retire(worker="w1")) == Retired()
    await until(lambda: redis.xlen("tasks:dead") == 2)


async def test_what_anybody_could_not_read_is_counted_by_one_server(redis: Redis, redis_url: str) -> None:
    async with RedisBroker.open(redis_url, Timing(block=0.05, claim_every=0.0)) as broker:
        counted: list[str] = []
        one, other = (broker.engine_side(lambda name=name: counted.append(name)) for name in ("one", "other"))  # type: ignore[misc]
        worker = broker.worker_side()
        await worker.open("w1")
        redis.xadd("tasks:created:w1", {"data": b"not JSON"})
        while redis.xlen("tasks:dead") < 1:
            assert await worker.take(10, 0.1) == []
        redis.xadd("tasks:results", {"data": b"not JSON"})
        while redis.xlen("tasks:dead") < 2:
            await one.collect(10, 0.1)
        for server in (one, other, one, other):
            await server.collect(10, 0.0)
        assert sorted(counted) == ["one", "one"]
        for _ in range(150):
            redis.xadd("tasks:dead", {"data": b"{}"})
        await other.collect(10, 0.0)
        assert counted.count("other") == 150
        await worker.close()


async def test_of_what_cannot_be_read_a_thousand_are_kept(redis: Redis, engine: RedisEngineSide) -> None:
    for _ in range(1500):
        redis.xadd("tasks:results", {"data": b"x"})
    async with asyncio.timeout(LONG_S * 2):
        while redis.xlen("tasks:results"):
            await engine.collect(2000, 0.1)
    assert 1000 <= redis.xlen("tasks:dead") <= 1100


async def test_of_commands_sent_together_a_refused_one_stands_in_no_others_way(
    redis_url: str, redis: Redis
) -> None:
    redis.set("tasks:text", "x")
    redis.script_flush()
    link = Link(redis_url, QUICK)
    await link.open()
    wrong, right = (call(PUSH, key, 10, 0, 0, 0, b"{}") for key in ("tasks:text", "tasks:stream"))
    try:
        with pytest.raises(Unavailable, match="WRONGTYPE"):
            await link.run(link.ask(wrong, right))
        assert documents(redis, "tasks:stream") == [{}]
        assert await link.run(link.ask(Command(("XLEN", "tasks:stream")), right, Command(("PING",)))) == [
            1,
            1,
            b"PONG",
        ]
    finally:
        await link.close()


# --- a Redis that will not do, or is away ---------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
async def test_a_redis_that_evicts_is_refused(policy: str) -> None:
    with redis_server("--maxmemory", "100mb", "--maxmemory-policy", policy) as server:
        opening = RedisBroker.open(server.url)
        with pytest.raises(Misconfigured, match=f"maxmemory-policy {policy}.*noeviction"):
            await opening.__aenter__()


@pytest.mark.parametrize("url", ["http://127.0.0.1", "redis://127.0.0.1:port/0"])
async def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured, match=r"broker\.url"):
        async with RedisBroker.open(url):
            pass


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


async def test_a_user_with_the_rights_the_manual_names_is_enough(server: RedisServer) -> None:
    (words,) = re.findall(r"`(ACL SETUSER [^`]+)`", MANUAL.read_text())
    server.run(*words.split())
    url = server.url.replace("redis://", "redis://hub:secret@")
    async with RedisBroker.open(url, Timing(block=0.1, claim_every=0.0)) as broker:
        engine, worker = broker.engine_side(), broker.worker_side()
        await engine.serve(answer_retired)
        await worker.open("w1")
        await engine.publish("w1", [assignment("a")])
        assert len(await worker.take(10, LONG_S)) == 1
        await worker.report([succeeded(1)])
        await (await engine.collect(10, LONG_S)).ack()
        await worker.until_acknowledged(1)
        assert await worker.call(Retire(worker="w1")) == Retired()
        assert await engine.reachable() == ["w1"]
        await worker.close()


@pytest.mark.parametrize("login", ["", "hub:wrong@", ":wrong@", "few:rights@"])
async def test_a_redis_that_does_not_let_us_in_is_refused(server: RedisServer, login: str) -> None:
    server.run("ACL", "SETUSER", "few", "on", ">rights", "+ping")
    server.run("CONFIG", "SET", "requirepass", "secret")
    opening = RedisBroker.open(server.url.replace("redis://", f"redis://{login}"))
    with pytest.raises(Misconfigured, match="credentials") as refused:
        await opening.__aenter__()
    assert "wrong" not in refused.value.detail.replace("WRONGPASS", "")


async def test_a_password_that_is_changed_later_is_an_outage(server: RedisServer) -> None:
    async with RedisBroker.open(server.url, QUICK) as broker:
        engine = broker.engine_side()
        assert await engine.reachable() == []
        server.run("CONFIG", "SET", "requirepass", "secret")
        with Redis.from_url(server.url.replace("redis://", "redis://:secret@")) as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            with pytest.raises(Unavailable):
                await engine.reachable()
            client.execute_command("CONFIG", "SET", "requirepass", "")
        assert await engine.reachable() == []


async def test_a_redis_that_is_away_at_the_start_is_waited_for(server: RedisServer) -> None:
    server.kill()
    async with RedisBroker.open(server.url, QUICK) as broker:
        engine, worker = broker.engine_side(), broker.worker_side()
        with pytest.raises(Unavailable):
            await worker.open("w1")
        with pytest.raises(Unavailable):
            await engine.reachable()
        await engine.serve(answer_retired)
        server.start()
        await worker.open("w1")
        assert await engine.reachable() == ["w1"]
        assert await worker.call(Retire(worker="w1")) == Retired()
        await worker.close()


async def test_one_that_evicts_and_comes_later_is_not_used(server: RedisServer) -> None:
    server.kill()
    async with RedisBroker.open(server.url, QUICK) as broker:
        engine = broker.engine_side()
        with (
            redis_server("--maxmemory-policy", "allkeys-lru", port=server.port),
            pytest.raises(Unavailable, match="maxmemory-policy"),
        ):
            await engine.reachable()


async def test_a_redis_without_memory_refuses_and_loses_nothing(server: RedisServer) -> None:
    """It is known that the assignments did not get there, so the engine takes them back at once."""
    async with RedisBroker.open(server.url, QUICK) as broker:
        engine, worker = broker.engine_side(), broker.worker_side()
        await worker.open("w1")
        server.run("CONFIG", "SET", "maxmemory", "1")
        with pytest.raises(Unavailable, match="maxmemory"):
            await engine.publish("w1", [assignment("a")])
        await engine.tell("w1", Drain())
        with pytest.raises(Unavailable):
            await worker.report([succeeded(1)])
        server.run("CONFIG", "SET", "maxmemory", "0")
        await engine.publish("w1", [assignment("b")])
        assert len(await worker.take(10, LONG_S)) == 1
        await worker.close()


async def test_what_could_not_be_sent_is_known_not_to_have_got_there(server: RedisServer) -> None:
    """So it is handed back at once, and holds no slot until heartbeats have missed it."""
    async with RedisBroker.open(server.url, QUICK) as broker:
        engine, worker = broker.engine_side(), broker.worker_side()
        await worker.open("w1")
        await engine.publish("w1", [assignment("a")])
        server.kill()
        with contextlib.suppress(Unavailable):
            await engine.publish("w1", [assignment("b")])  # it may be the one that notices
        with pytest.raises(Unavailable, match="refused"):
            await engine.publish("w1", [assignment("c")])


async def test_a_redis_that_falls_silent_is_unavailable_and_then_is_not(server: RedisServer) -> None:
    """A connection that is open and dead looks like a stream in which nothing comes."""
    async with RedisBroker.open(server.url, Timing(answer=1.0, block=0.1, seen_every=0.1)) as broker:
        engine, worker = broker.engine_side(), broker.worker_side()
        await worker.open("w1")
        await engine.serve(answer_retired)
        server.send(signal.SIGSTOP)
        for ask in (
            lambda: worker.take(10, LONG_S),
            lambda: engine.collect(10, LONG_S),
            lambda: worker.call(Retire(worker="w1"), timeout_s=5.0),
            engine.reachable,
        ):
            with pytest.raises(Unavailable):
                await ask()
        await engine.tell("w1", Drain())
        server.send(signal.SIGCONT)
        async with asyncio.timeout(LONG_S):
            assert await worker.call(Retire(worker="w1"), timeout_s=LONG_S) == Retired()
        await engine.publish("w1", [assignment("a")])
        assert len(await worker.take(10, LONG_S)) >= 1
        await worker.close()


async def test_after_closing_everything_is_unavailable(redis_url: str) -> None:
    async with RedisBroker.open(redis_url, QUICK) as broker:
        engine, worker = broker.engine_side(), broker.worker_side()
        await worker.open("w1")
        taking = asyncio.create_task(worker.take(10, LONG_S))
        await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await taking
    with pytest.raises(Unavailable):
        await engine.reachable()


def test_spans() -> None:
    assert list(spans([])) == []
    assert list(spans([3])) == [(3, 3)]
    assert list(spans([7, 1, 2, 3, 9, 8, 2])) == [(1, 3), (7, 9)]


async def answer_retired(_: Request) -> Reply:
    return Retired()


async def test_a_connection_lost_before_the_client_knows_is_an_outage_and_no_fault(redis_url: str) -> None:
    link = Link(redis_url, QUICK)
    await link.open()

    async def lose_then_ask() -> Any:
        client = await link.client()
        assert isinstance(client, AsyncRedis)
        idle = client.connection_pool._available_connections
        assert idle
        for connection in idle:
            assert connection._writer is not None
            connection._writer.transport.abort()
        return await link.command("PING")

    with pytest.raises(Unavailable, match="the connection was lost"):
        await link.run(lose_then_ask())
    assert await link.run(link.command("PING"))
    await link.close()
