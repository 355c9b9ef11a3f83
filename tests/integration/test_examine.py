"""What is asked of real databases and of a real Redis for `taskflow doctor`."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from redis import Redis
from tests.support.first_release import restore_postgres, restore_sqlite
from tests.support.ports import free_port
from tests.support.redis import redis_server
from tests.support.stores import open_store

from taskflow_hub.broker.redis_streams import examine as of_redis
from taskflow_hub.broker.redis_streams.keys import DEAD
from taskflow_hub.domain.checkup.broker import judge_redis
from taskflow_hub.domain.checkup.database import judge_postgres, judge_sqlite
from taskflow_hub.domain.checkup.finding import Level
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import Misconfigured, StoreUnavailable, Unavailable
from taskflow_hub.domain.messages import Register
from taskflow_hub.store.postgres import examine as of_postgres
from taskflow_hub.store.sqlite import examine as of_sqlite


def worker(name: str, *, version: str) -> Register:
    return Register(
        worker=new_id(),
        name=name,
        host="here",
        pid=1,
        version=version,
        slots=1,
        window=1,
        types=(),
        self_stop_s=20,
    )


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    facts = of_sqlite.examine(f"sqlite:///{tmp_path}/taskflow.db")
    assert not facts.there
    assert facts.schema.version is None
    assert facts.free is not None
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StoreUnavailable, match="there is no folder"):
        of_sqlite.examine(f"sqlite:///{tmp_path}/nowhere/taskflow.db")


def test_an_older_file_is_looked_at_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "taskflow.db"
    restore_sqlite(path)
    before = path.read_bytes()
    facts = of_sqlite.examine(f"sqlite:///{path}")
    (told,) = [one for one in judge_sqlite(facts) if one.check == "schema"]
    assert told.level is Level.WRONG
    assert told.text.startswith("The database has 0001")
    assert facts.octets > 0
    assert facts.workers
    assert path.read_bytes() == before


def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (id)")
    connection.close()
    with pytest.raises(Misconfigured, match="not one of TaskFlow Hub"):
        of_sqlite.examine(f"sqlite:///{path}")
    path.write_text("not a database, by far" * 100)
    with pytest.raises(Misconfigured, match="not an SQLite database"):
        of_sqlite.examine(f"sqlite:///{path}")


async def test_the_server_tells_how_it_is_set_and_who_works_on_it(postgres_tables_url: str) -> None:
    store = await open_store(postgres_tables_url)
    try:
        await store.register(worker("w1", version="7.1"))
        facts = await asyncio.to_thread(of_postgres.examine, postgres_tables_url)
    finally:
        await store.close()
    assert facts.schema.version == facts.schema.ours[-1]
    assert [(one.name, one.version) for one in facts.workers] == [("w1 on here", "7.1")]
    assert abs(facts.ahead_s) <= 2
    assert 0 < facts.connections <= facts.max_connections
    told = {one.text.partition(" is off")[0] for one in judge_postgres(facts) if one.level is Level.WARNING}
    assert told == {"fsync", "full_page_writes", "synchronous_commit"}, "as the tests' server is set"


async def test_an_older_database_and_an_empty_one_are_looked_at(postgres_url: str) -> None:
    assert (await asyncio.to_thread(of_postgres.examine, postgres_url)).schema.version is None
    await restore_postgres(postgres_url)
    facts = await asyncio.to_thread(of_postgres.examine, postgres_url)
    assert facts.schema.version == "0001"
    assert facts.workers


def test_a_database_that_is_away_is_said_to_be() -> None:
    with pytest.raises(StoreUnavailable, match="nothing listens"):
        of_postgres.examine(f"postgresql://taskflow@127.0.0.1:{free_port()}/hub")


def test_a_file_keeps_the_workers_that_registered(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/taskflow.db"

    async def registered() -> None:
        store = await open_store(url)
        await store.register(worker("w1", version="7.1"))
        await store.close()

    asyncio.run(registered())
    (seen,) = of_sqlite.examine(url).workers
    assert (seen.name, seen.version) == ("w1 on here", "7.1")
    assert seen.silent_s is not None


def test_redis_tells_how_it_is_set(redis_url: str) -> None:
    with Redis.from_url(redis_url) as client:
        client.xadd(DEAD, {"data": "?"})
    (facts,) = of_redis.examine(redis_url, "redis://here")
    assert (facts.policy, facts.replica, facts.append_only, facts.write_failed) == (
        "noeviction",
        False,
        False,
        False,
    )
    assert (facts.shown, facts.dead, facts.servers) == ("redis://here", 1, 0)
    assert facts.program in {"redis", "valkey"}
    assert abs(facts.ahead_s) < 2
    assert {one.level for one in judge_redis(facts)} == {Level.OK, Level.WARNING}


def test_each_server_of_a_cluster_is_asked(cluster_url: str) -> None:
    found = of_redis.examine(cluster_url, "redis://here")
    assert len({facts.shown for facts in found}) == 3
    assert all(one.level is Level.OK for facts in found for one in judge_redis(facts))


def test_a_redis_that_is_away_or_locked_is_said_to_be() -> None:
    with pytest.raises(Unavailable, match=r"redis://here: .*refused"):
        of_redis.examine(f"redis://127.0.0.1:{free_port()}/0", "redis://here")
    with redis_server() as server:
        server.run("CONFIG", "SET", "requirepass", "geheim")
        with pytest.raises(Misconfigured, match="other credentials"):
            of_redis.examine(server.url, "redis://here")
