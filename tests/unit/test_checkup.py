"""What `taskflow doctor` thinks of facts."""

from collections.abc import Callable
from typing import Any

import pytest

from taskflow_hub.cli.examining import Cause, Trouble, at_once
from taskflow_hub.cli.loadable import load
from taskflow_hub.domain.checkup.broker import RedisFacts, judge_redis
from taskflow_hub.domain.checkup.database import (
    PostgresFacts,
    Schema,
    SqliteFacts,
    judge_postgres,
    judge_schema,
    judge_sqlite,
)
from taskflow_hub.domain.checkup.exposure import Exposure, judge_exposure
from taskflow_hub.domain.checkup.finding import Finding, Level, size
from taskflow_hub.domain.checkup.machine import (
    Clock,
    Files,
    Folder,
    KeptFile,
    judge_clock,
    judge_file,
    judge_files,
    judge_folder,
)
from taskflow_hub.domain.checkup.processes import Seen, judge_processes
from taskflow_hub.domain.checkup.server import ServerFacts, judge_server
from taskflow_hub.domain.errors import StoreUnavailable

OURS = ("0001", "0002", "0003")
CURRENT = Schema("0003", OURS)


def sqlite(**differing: Any) -> list[Finding]:
    facts = {
        "path": "/data/taskflow.db",
        "there": True,
        "library": "3.45.1",
        "schema": CURRENT,
        "free": 5 << 30,
    }
    return list(judge_sqlite(SqliteFacts(**{**facts, **differing})))


def postgres(settings: dict[str, str] | None = None, **differing: Any) -> list[Finding]:
    well = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on"}
    facts = {
        "shown": "postgresql://db/hub", "server": "16.4", "schema": CURRENT, "octets": 1 << 20, "pool_size": 10,
        "connections": 12, "max_connections": 100, "standby": False,
        "settings": well | (settings or {}),
    }  # fmt: skip
    return list(judge_postgres(PostgresFacts(**{**facts, **differing})))


def redis(**differing: Any) -> list[Finding]:
    facts = {
        "shown": "redis://cache:6379/0", "program": "redis", "version": "7.4.1", "policy": "noeviction", "memory": 1 << 20,
        "max_memory": 0, "replica": False, "append_only": False, "write_failed": False, "clients": 9, "max_clients": 10_000,
        "dead": 0, "servers": 2, "ahead_s": 0.0, "unsure_s": 0.001,
    }  # fmt: skip
    return list(judge_redis(RedisFacts(**{**facts, **differing})))


def exposed(**differing: Any) -> list[Finding]:
    facts = {
        "host": "127.0.0.1", "loopback": True, "accounts": False, "open_registration": True, "proxies": False, "names": (),
        "private_net": True, "broker_password": False, "broker_elsewhere": False,
    }  # fmt: skip
    return list(judge_exposure(Exposure(**{**facts, **differing})))


def server(**differing: Any) -> list[Finding]:
    facts = {"url": "http://hub", "version": "1", "checks": {"store": "ok", "broker": "ok"}, "workers": ()}
    return list(judge_server(ServerFacts(**{**facts, **differing})))


AT_EASE = [sqlite(), postgres(), redis(), exposed(), server(), list(judge_schema(CURRENT))]


@pytest.mark.parametrize("findings", AT_EASE)
def test_what_is_well_is_not_complained_about(findings: list[Finding]) -> None:
    assert {one.level for one in findings} <= {Level.OK}


AMISS = [
    ("wrong", sqlite(filesystem="nfs4"), "nfs4", "PostgreSQL"),
    ("warning", sqlite(free=800 << 20), "800 MiB are left", "retention"),
    ("wrong", sqlite(free=50 << 20), "50 MiB are left", "store_full"),
    ("wrong", sqlite(schema=Schema("0001", OURS)), "has 0001, this program needs 0003", "applies 0002, 0003"),
    ("wrong", sqlite(schema=Schema("0009", OURS)), "has 0009", "Update TaskFlow Hub"),
    ("skipped", sqlite(schema=Schema(None, OURS)), "no hub's database yet", "taskflow db migrate"),
    ("wrong", postgres(standby=True), "standby", "target_session_attrs"),
    ("warning", postgres(connections=95), "95 of 100", "pgbouncer"),
    ("warning", postgres({"fsync": "off"}), "fsync is off", "fsync = on"),
    ("warning", postgres({"synchronous_commit": "off"}), "can be lost", "synchronous_commit = on"),
    ("warning", postgres({"autovacuum": "off"}), "autovacuum", "autovacuum = on"),
    ("warning", postgres(held_back=("A transaction is open for 90 s: end it.",)), "open for 90 s", "End it."),
    ("wrong", redis(version="6.0.16"), "too old", "6.2"),
    ("wrong", redis(program="valkey", version="7.0.0"), "Valkey 7.0.0 is too old", "7.2"),
    ("wrong", redis(policy="allkeys-lru"), "allkeys-lru", "noeviction"),
    ("wrong", redis(replica=True), "replica", "primary"),
    ("wrong", redis(write_failed=True), "could not write", "disk"),
    ("warning", redis(memory=95 << 20, max_memory=100 << 20), "95 MiB of 100 MiB", "maxmemory"),
    ("warning", redis(clients=9_500), "9500 of 10000", "maxclients"),
    ("warning", redis(dead=1), "1 message could not be read", "XRANGE tasks:dead"),
    ("warning", exposed(host="::", loopback=False, accounts=True, open_registration=False, private_net=False),
     "unencrypted", "http.trusted_proxies"),
    ("warning", exposed(names=("hub.example",), private_net=False), "without accounts", "auth.secret"),
    ("warning", exposed(names=("hub.example",), accounts=True, private_net=False), "registration is open", "=closed"),
    ("warning", exposed(names=("hub.example",), accounts=True, open_registration=False), "allow_private", "subnets"),
    ("warning", exposed(broker_elsewhere=True), "no password", "rediss://"),
    ("wrong", server(checks={"store": "database is away"}), "store: database is away", "Mend that"),
    ("wrong", server(checks={"store": "not ok"}), "store is not well", "TASKFLOW_KEY"),
    ("warning", server(warnings=("A slot is unused: drop it.",)), "A slot is unused", "Drop it."),
    ("skipped", server(workers=None), "only to those it knows", "taskflow login"),
    ("warning", [judge_clock(Clock("database", -7.0, 0.1))], "database: its clock is 7 s behind", "chrony"),
    ("wrong", [judge_clock(Clock("broker", 61.0, 0.1))], "61 s ahead of", "chrony"),
    ("warning", [judge_files(Files(1024, 4096, 4096, shared=True))], "may open 1024", "as root"),
    ("warning", [judge_files(Files(256, 1 << 20, 4096, shared=False))], "may open 256", "LimitNOFILE=4224"),
    ("wrong", list(judge_folder(Folder("results", "/x", None, "is no folder"))), "/x (results): is no folder", "folder"),
    ("warning", list(judge_folder(Folder("results", "/x", 1 << 20))), "1 MiB are left", "room"),
    ("wrong", [judge_file(KeptFile("key", "TASKFLOW_AUTH_SECRET_FILE", None))], "cannot be read", "read"),
    ("wrong", [judge_file(KeptFile("key", "TASKFLOW_AUTH_SECRET_FILE", 0o100622))], "can be written", "chmod 600 key"),
    ("warning", [judge_file(KeptFile("key", "TASKFLOW_AUTH_SECRET_FILE", 0o100640))], "can be read", "chmod 600 key"),
]  # fmt: skip


@pytest.mark.parametrize(("level", "findings", "text", "advice"), AMISS, ids=[one[2] for one in AMISS])
def test_what_is_amiss_is_told_with_what_to_do(
    level: str, findings: list[Finding], text: str, advice: str
) -> None:
    (one,) = [one for one in findings if one.level is not Level.OK]
    assert one.level == level
    assert text in one.text
    assert one.advice is not None
    assert advice in one.advice


def test_a_clock_is_not_blamed_for_the_way_there_and_back() -> None:
    assert judge_clock(Clock("server", 3.0, 1.5)).level is Level.OK


def test_one_machine_by_itself_needs_fewer_files() -> None:
    assert judge_files(Files(1024, 4096, 4096, shared=False)).level is Level.OK


def test_what_a_container_was_given_may_be_read_by_others_but_not_written() -> None:
    assert judge_file(KeptFile("key", "X", 0o100444, mounted=True)).level is Level.OK
    assert judge_file(KeptFile("key", "X", 0o100666, mounted=True)).level is Level.WRONG


def test_processes_of_other_versions_and_silent_ones_are_named() -> None:
    seen = [
        Seen("server", "http://hub", "2"),
        Seen("worker", "a on one", "2", 1.0),
        Seen("worker", "b on two", "1", 3.0),
        Seen("worker", "c on two", "1", 90.0),
    ]
    silent, odd = judge_processes(seen, "2", 30.0)
    assert (silent.level, odd.level) == (Level.WARNING, Level.WARNING)
    assert "worker c on two" in silent.text
    assert odd.text == "Of other versions than this program (2): 1: worker b on two"
    (alike,) = judge_processes(seen[:2], "2", 30.0)
    assert alike.level is Level.OK
    assert "server http://hub, worker a on one" in alike.text


def test_sizes_are_for_people() -> None:
    assert [size(n) for n in (12, 2048, 3 << 20, 5 << 30, 7 << 40)] == [
        "12 bytes",
        "2 KiB",
        "3 MiB",
        "5 GiB",
        "7.0 TiB",
    ]


def test_a_look_that_fails_or_hangs_hides_no_other() -> None:
    from threading import Event

    never = Event()

    def away() -> None:
        raise StoreUnavailable("nobody listens")

    def broken() -> None:
        raise ZeroDivisionError("ours")

    looks: dict[str, Callable[[], Any]] = {
        "hangs": never.wait,
        "away": away,
        "broken": broken,
        "well": lambda: 42,
    }
    brought = at_once(looks, 0.2)
    never.set()
    assert brought == {
        "hangs": Trouble("It has not answered within 0.2 s."),
        "away": Trouble("nobody listens"),
        "broken": Trouble("ZeroDivisionError: ours", Cause.OURS),
        "well": 42,
    }


def test_settings_that_can_be_read_are_read_beside_those_that_cannot(tmp_path: Any) -> None:
    environ = {
        "TASKFLOW_HTTP_PORT": "many",
        "TASKFLOW_HTTP_PROT": "1",
        "TASKFLOW_AUTH_SECRET_FILE": str(tmp_path / "missing"),
        "TASKFLOW_BROKER_URL": "redis://here/0",
        "TASKFLOW_ENGINE_DEAD_AFTER": "6",  # no good together with the default of another
    }
    loaded, found = load({"database.url": "sqlite:///other.db"}, environ, tmp_path / "taskflow.toml")
    told = [one.text for one in found]
    assert {one.level for one in found} == {Level.WRONG}
    assert any(text.startswith("TASKFLOW_HTTP_PROT: is not a setting; did you mean") for text in told)
    assert any("missing" in text for text in told)
    assert any(text.startswith("TASKFLOW_HTTP_PORT: ") for text in told)
    assert any("engine.dead_after" in text for text in told)
    assert loaded.settings.database.url == "sqlite:///other.db"


def test_a_settings_file_that_cannot_be_read_is_left_out(tmp_path: Any) -> None:
    file = tmp_path / "taskflow.toml"
    file.write_text("[http\n")
    loaded, (told,) = load({}, {"TASKFLOW_HTTP_PORT": "81"}, file)
    assert str(file) in told.text
    assert loaded.settings.http.port == 81
