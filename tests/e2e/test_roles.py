"""Server and worker as processes of their own: who knows what, who waits for whom, and what is refused."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.hub_process import SELDOM, HubProcess, until
from tests.support.ports import free_port
from tests.support.redis import RedisServer, redis_server

HERE = Path(__file__).parent
APP = "roles_app:hub"
QUICK = {"PYTHONPATH": str(HERE), "TASKFLOW_WORKER_GRACE": "5"}


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


def server_in(folder: Path, redis: RedisServer, **more: str) -> HubProcess:
    folder.mkdir(exist_ok=True)
    return HubProcess(folder, environ=QUICK | {"TASKFLOW_BROKER_URL": redis.url, **more}, role=("server",))


def worker_in(folder: Path, redis: RedisServer, *flags: str, **more: str) -> HubProcess:
    folder.mkdir(exist_ok=True)
    environ = QUICK | {"TASKFLOW_BROKER_URL": redis.url, **more}
    return HubProcess(folder, app=APP, environ=environ, role=("worker", "run", *flags))


@contextmanager
def spawned(process: HubProcess) -> Iterator[HubProcess]:
    """Started, and not waited for."""
    try:
        process.spawn()
        yield process
    finally:
        process.__exit__()


def refused(folder: Path, *args: str, **variables: str) -> str:
    return said(folder, 2, *args, **variables)


def probed(folder: Path, status: int, port: int) -> str:
    return said(folder, status, "worker", "healthcheck", TASKFLOW_WORKER_HEALTH_PORT=str(port))


def said(folder: Path, status: int, *args: str, **variables: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TASKFLOW_")}
    run = subprocess.run(
        [sys.executable, "-m", "taskflow_hub", *args],
        cwd=folder,
        env=environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == status, f"{run.returncode}\n{run.stdout}\n{run.stderr}"
    assert "Traceback" not in run.stderr
    return run.stderr


# --- who knows what -------------------------------------------------------------------------------------------------


def test_a_worker_needs_nothing_but_the_broker(tmp_path: Path, redis: RedisServer) -> None:
    with server_in(tmp_path / "server", redis) as server, worker_in(tmp_path / "worker", redis) as worker:
        told = server.final(server.submit("roles.about")["id"])["result"]
        assert told["pid"] == worker.pid != server.pid
        assert told["environ"] == ["TASKFLOW_BROKER_URL", "TASKFLOW_WORKER_GRACE"]
        assert told["stores"] == ["taskflow_hub.store.settings"]
        assert not {"taskflow_hub.engine.engine", "taskflow_hub.http.app"} & set(told["rooms"])
        assert not told["sqlite"]
        assert list((tmp_path / "worker").iterdir()) == []
        assert worker.terminate() == server.terminate() == 0
        assert "Traceback" not in worker.output() + server.output()


def test_what_a_handler_submits_goes_through_the_server(tmp_path: Path, redis: RedisServer) -> None:
    with server_in(tmp_path / "server", redis) as server, worker_in(tmp_path / "worker", redis):
        parent = server.final(server.submit("roles.family", {"children": 5})["id"])
        children = [server.final(child) for child in parent["result"]]
        assert len({child["id"] for child in children}) == 5
        assert {(child["parent_id"], child["status"]) for child in children} == {(parent["id"], "success")}


def test_a_hub_without_a_database_says_so_and_makes_none(tmp_path: Path, redis: RedisServer) -> None:
    """The default would be a file of the worker's own, and what is submitted into that never runs."""
    with server_in(tmp_path / "server", redis) as server, worker_in(tmp_path / "worker", redis):
        task = server.final(server.submit("roles.direct")["id"])
        assert task["error"]["type"] == "Misconfigured"
        assert "ctx.submit" in task["error"]["message"]
        assert list((tmp_path / "worker").iterdir()) == []


def test_queues_and_slots_are_as_the_flags_say(tmp_path: Path, redis: RedisServer) -> None:
    with (
        server_in(tmp_path / "server", redis) as server,
        worker_in(tmp_path / "worker", redis, "--queues", "mail, other", "--slots", "3"),
    ):
        assert server.final(server.submit("roles.mail", {"n": 1})["id"])["result"] == 1
        waiting = server.submit("roles.about")["id"]
        (worker,) = server.get("/workers").json()["items"]
        assert (worker["queues"], worker["slots"]) == (["mail", "other"], 3)
        assert server.task(waiting)["hold"] == "no_worker"


def test_up_is_both_and_others_may_join(tmp_path: Path, redis: RedisServer) -> None:
    with (
        HubProcess(tmp_path, app=APP, environ=QUICK, role=("up", "--broker", redis.url)) as up,
        worker_in(tmp_path / "worker", redis, "--queues", "mail") as worker,
    ):
        assert up.final(up.submit("roles.about")["id"])["result"]["pid"] == up.pid
        assert len(up.get("/workers").json()["items"]) == 2
        up_worker = next(one for one in up.get("/workers").json()["items"] if not one["queues"])
        assert up.post(f"/workers/{up_worker['id']}/drain").status_code == 200
        mail = up.final(up.submit("roles.mail", {"n": 1})["id"])
        assert mail["worker"] != up_worker["id"]
        assert worker.terminate() == 0


# --- who waits for whom ---------------------------------------------------------------------------------------------


def test_a_worker_waits_for_redis_and_for_a_server(tmp_path: Path, redis: RedisServer) -> None:
    redis.kill()
    with spawned(worker_in(tmp_path / "worker", redis)) as worker:
        worker.until_logs("the broker cannot be reached yet")
        redis.start()
        with server_in(tmp_path / "server", redis) as server:
            worker.until_says("ready")
            assert server.final(server.submit("roles.about")["id"])["status"] == "success"
            assert worker.terminate() == 0


def test_a_worker_that_waits_for_a_server_can_be_told_to_end(tmp_path: Path, redis: RedisServer) -> None:
    with spawned(worker_in(tmp_path / "worker", redis)) as worker:
        worker.until_logs("not registered yet")
        assert worker.terminate() == 0


def test_a_server_accepts_tasks_while_redis_is_away(tmp_path: Path, redis: RedisServer) -> None:
    redis.kill()
    with server_in(tmp_path / "server", redis) as server:
        task_id = server.submit("roles.about")["id"]
        ready = server.get("/readyz")
        assert ready.status_code == 503
        assert "Redis" in ready.json()["checks"]["broker"]
        redis.start()
        with worker_in(tmp_path / "worker", redis):
            assert server.final(task_id)["status"] == "success"
        until(lambda: server.get("/readyz").status_code == 200)


def test_two_servers_share_a_database_and_each_other_s_workers(
    tmp_path: Path, redis: RedisServer, postgres_url: str
) -> None:
    database = {"TASKFLOW_DATABASE_URL": postgres_url}
    with (
        server_in(tmp_path / "one", redis, **database) as one,
        server_in(tmp_path / "two", redis, **database) as two,
        worker_in(tmp_path / "w1", redis, "--slots", "2"),
        worker_in(tmp_path / "w2", redis, "--slots", "2"),
        (tmp_path / "gate").open("w") as gate,
    ):
        fcntl.flock(gate, fcntl.LOCK_EX)
        work = {"folder": str(tmp_path), "n": 0}
        ids = [server.submit("roles.gated", work)["id"] for _ in range(100) for server in (one, two)]
        until(lambda: len(two.at_work()) == 2)
        fcntl.flock(gate, fcntl.LOCK_UN)
        tasks = [two.final(task_id) for task_id in ids]
        assert {(task["status"], task["attempt"]) for task in tasks} == {("success", 1)}
        one.kill()
        more = [two.submit("roles.long", {"seconds": 0.02})["id"] for _ in range(20)]
        assert {two.final(task_id)["status"] for task_id in more} == {"success"}
        assert len(two.get("/workers").json()["items"]) == 2, "no worker belongs to a server"


# --- control --------------------------------------------------------------------------------------------------------


def test_cancel_drain_and_recall_reach_a_worker_elsewhere_at_once(tmp_path: Path, redis: RedisServer) -> None:
    """Heartbeats would bring it ten minutes later."""
    with (
        server_in(tmp_path / "server", redis, **SELDOM) as server,
        worker_in(tmp_path / "worker", redis, "--slots", "1", **SELDOM),
    ):
        running = server.submit("roles.long", {"seconds": 600})["id"]
        server.until(running, "running")
        waiting = server.submit("roles.mail", {"n": 1})["id"]  # in the worker's window, not started
        server.until(waiting, "running")
        assert server.post("/queues/mail/pause").status_code == 200
        server.until(waiting, "queued")
        assert server.post(f"/tasks/{running}/cancel").status_code in {200, 202}
        assert server.final(running)["status"] == "cancelled"
        (worker,) = server.get("/workers").json()["items"]
        assert server.post(f"/workers/{worker['id']}/drain").json()["state"] == "draining"


def test_a_handler_that_blocks_its_loop_does_not_silence_its_worker(
    tmp_path: Path, redis: RedisServer
) -> None:
    """Beats have a loop of their own, and what speaks to Redis has another."""
    with (
        (tmp_path / "gate").open("w") as gate,
        server_in(tmp_path / "server", redis) as server,
        worker_in(tmp_path / "worker", redis, TASKFLOW_WORKER_HEARTBEAT_S="0.2") as worker,
    ):
        fcntl.flock(gate, fcntl.LOCK_EX)
        task_id = server.submit("roles.blocking", {"folder": str(tmp_path)})["id"]
        until(lambda: server.get("/workers").json()["items"][0]["loop_lag_s"] > 1)
        fcntl.flock(gate, fcntl.LOCK_UN)
        task = server.final(task_id)
        assert (task["status"], task["attempt"]) == ("success", 1)
        worker.until_logs("roles.blocking blocks it")


def test_a_probe_tells_whether_a_worker_is_heard(tmp_path: Path, redis: RedisServer) -> None:
    port = free_port()
    with server_in(tmp_path / "server", redis) as server:
        more = {"TASKFLOW_WORKER_HEARTBEAT_S": "0.2", "TASKFLOW_WORKER_SELF_STOP_S": "5"}
        with worker_in(tmp_path / "worker", redis, "--health-port", str(port), **more) as worker:
            assert "ok" in probed(tmp_path, 0, port)
            server.kill()
            worker.until_logs("no heartbeat was accepted")
            assert "unheard" in probed(tmp_path, 1, port)
    assert "No worker answers" in probed(tmp_path, 5, port)
    assert "TASKFLOW_WORKER_HEALTH_PORT" in refused(tmp_path, "worker", "healthcheck")


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("args", [("server",), ("worker", "run")])
def test_half_a_hub_without_a_broker_is_refused(tmp_path: Path, args: tuple[str, ...]) -> None:
    words = refused(tmp_path, *args)
    assert "TASKFLOW_BROKER_URL=redis://" in words
    assert "taskflow up" in words
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("args", [("server",), ("worker", "run"), ("up",)])
def test_a_redis_that_evicts_is_refused(tmp_path: Path, args: tuple[str, ...]) -> None:
    with redis_server("--maxmemory-policy", "allkeys-lru") as redis:
        words = refused(tmp_path, *args, TASKFLOW_BROKER_URL=redis.url)
    assert "maxmemory-policy allkeys-lru" in words
    assert "noeviction" in words


@pytest.mark.parametrize("args", [("up",), ("config", "check")])
def test_a_broker_we_do_not_know_is_refused_without_its_password(
    tmp_path: Path, args: tuple[str, ...]
) -> None:
    words = refused(tmp_path, *args, TASKFLOW_BROKER_URL="kafka://user:secret@host")
    assert "broker.url: 'kafka' is not a broker we know" in words
    assert "secret" not in words
