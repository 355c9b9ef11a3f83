"""Every way in which a PostgreSQL URL can be wrong: said clearly, with an exit status, and without a secret."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import pytest
from tests.support.hub_process import HubProcess
from tests.support.ports import free_port
from tests.support.postgres import FAST, PostgresServer

SECRET = "s3cret"
MISCONFIGURED, UNAVAILABLE = 2, 5


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One that asks for passwords."""
    server = PostgresServer(settings=FAST, password=SECRET)
    try:
        server.start()
        server.run("CREATE DATABASE hub")
        server.run("CREATE ROLE guest LOGIN PASSWORD 's3cret'")
        server.run("CREATE ROLE owner LOGIN PASSWORD 's3cret'")
        server.run("CREATE DATABASE owned OWNER owner")
        yield server
    finally:
        server.remove()


def taskflow(folder: Path, *args: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("TASKFLOW_", "PG"))}
    run = subprocess.run(
        [sys.executable, "-m", "taskflow_hub", *args],
        cwd=folder,
        env={**environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = run.stdout + run.stderr
    assert "Traceback" not in said
    assert SECRET not in said, "no secret is shown"
    return run


def refused(folder: Path, url: str, status: int, words: str) -> None:
    """By `up`, which starts nothing, and by `db check`."""
    for command in (("up", "--port", str(free_port())), ("db", "check")):
        run = taskflow(folder, *command, "--database", url)
        assert (run.returncode, words in run.stderr) == (status, True), f"{command}: {run.stderr}"
    assert list(folder.iterdir()) == []


# --- what needs no server to be seen: `config check` sees it, too ------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://bob:s3cret@localhost", "it names no database"),
        ("postgresql://bob:s3cret@localhost/", "it names no database"),
        ("postgresql://bob:s3cret@localhost/a/b", "'a/b' cannot be the name of a database"),
        ("postgresql+asyncpg://bob:s3cret@localhost/hub", "use sqlite:///taskflow.db or postgresql://"),
        ("mysql://bob:s3cret@localhost/hub", "'mysql' is not a database we know"),
        ("postgresql:bob:s3cret@localhost/hub", "two slashes"),
        ("postgresql://bob:s3cret@localhost:http/hub", "its port is not a number from 1 to 65535"),
        ("postgresql://bob:s3cret@localhost:65536/hub", "its port is not a number from 1 to 65535"),
        ("postgresql://bob:s3cret/hub", "its port is not a number"),
        ("postgresql://bob:a/s3cret@localhost/hub", "written %2F"),
        ("postgresql://bob:a#s3cret@localhost/hub", "written %2F %3F %23"),
        ("postgresql://bob:a?s3cret@localhost/hub", "written %2F %3F %23"),
        ("postgresql://bob:a[s3cret@localhost/hub", "written %2F %3F %23"),
        ("postgresql://bob:s3cret@localhost/hub?size=5", "unknown option 'size'; there are pool_size"),
        (
            "postgresql://bob:s3cret@localhost/hub?pool_size=3",
            "pool_size must be a whole number from 4 to 1000",
        ),
        ("postgresql://bob:s3cret@localhost/hub?pool_size=9&pool_size=9", "pool_size is given twice"),
        ("postgresql://bob:s3cret@localhost/hub?sslmode=on", "sslmode must be one of allow, disable"),
    ],
)
def test_a_url_that_cannot_be_right(tmp_path: Path, url: str, words: str) -> None:
    refused(tmp_path, url, MISCONFIGURED, words)
    run = taskflow(tmp_path, "config", "check", TASKFLOW_DATABASE_URL=url)
    assert (run.returncode, words in run.stderr) == (MISCONFIGURED, True), run.stderr


def test_a_listen_url_that_cannot_be_right(tmp_path: Path) -> None:
    variables = {
        "TASKFLOW_DATABASE_URL": "postgresql://localhost/hub",
        "TASKFLOW_DATABASE_LISTEN_URL": "postgresql://bob:s3cret@localhost",
    }
    for command in (("config", "check"), ("up", "--port", str(free_port()))):
        run = taskflow(tmp_path, *command, **variables)
        assert run.returncode == MISCONFIGURED
        assert "database.listen_url" in run.stderr
        assert "it names no database" in run.stderr


# --- what only the world can tell --------------------------------------------------------------------------------------


def test_a_wrong_password(tmp_path: Path, server: PostgresServer) -> None:
    where = f"127.0.0.1:{server.port}/hub"
    for url in (f"postgresql://taskflow:wr0ng@{where}", f"postgresql://taskflow@{where}"):
        refused(tmp_path, url, MISCONFIGURED, "check the user and the password in the URL")
    assert (
        "wr0ng"
        not in taskflow(tmp_path, "db", "check", "--database", f"postgresql://taskflow:wr0ng@{where}").stderr
    )


def test_an_unknown_user(tmp_path: Path, server: PostgresServer) -> None:
    url = f"postgresql://nobody:s3cret@127.0.0.1:{server.port}/hub"
    refused(tmp_path, url, MISCONFIGURED, "check the user and the password in the URL")


def test_an_unknown_database(tmp_path: Path, server: PostgresServer) -> None:
    words = 'database "nosuch" does not exist; make it with: createdb nosuch'
    refused(tmp_path, server.url("nosuch"), MISCONFIGURED, words)


def test_an_unknown_host(tmp_path: Path) -> None:
    url = "postgresql://taskflow:s3cret@nosuch.invalid/hub"
    refused(tmp_path, url, UNAVAILABLE, "the host nosuch.invalid is not known")


def test_a_port_where_nothing_listens(tmp_path: Path) -> None:
    port = free_port()
    url = f"postgresql://taskflow:s3cret@127.0.0.1:{port}/hub"
    refused(tmp_path, url, UNAVAILABLE, f"nothing listens at 127.0.0.1:{port}; is PostgreSQL running there")


def test_several_hosts_of_which_none_will_do(tmp_path: Path, server: PostgresServer) -> None:
    """As in the middle of a failover: what answers is not said to be down."""
    url = f"{server.url('hub')}?target_session_attrs=standby"
    refused(tmp_path, url, UNAVAILABLE, "no server there is what target_session_attrs asks for")
    here, nowhere = f"127.0.0.1:{server.port}", f"127.0.0.1:{free_port()}"
    words = f"none of {here}, {nowhere} can be used: nothing listens at one, and the others are no better, or not what"
    refused(tmp_path, url.replace(here, f"{here},{nowhere}"), UNAVAILABLE, words)


def test_something_that_does_not_answer(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=16) as silent:
        url = f"postgresql://taskflow:s3cret@127.0.0.1:{silent.getsockname()[1]}/hub?connect_timeout=0.2"
        refused(tmp_path, url, UNAVAILABLE, "does not answer within 0.2 s")


def test_something_that_hangs_up(tmp_path: Path) -> None:
    with answering(lambda _: None) as port:
        url = f"postgresql://taskflow:s3cret@127.0.0.1:{port}/hub"
        refused(tmp_path, url, UNAVAILABLE, f"what listens at 127.0.0.1:{port} hangs up at once")


def test_something_that_is_not_postgresql(tmp_path: Path) -> None:
    """A hub's own API, say: the port is that of another program."""
    (hubs := tmp_path / "hub").mkdir()
    (mine := tmp_path / "mine").mkdir()
    with HubProcess(hubs) as hub:
        for options in ("", "?sslmode=disable", "?sslmode=require"):
            url = f"postgresql://taskflow:s3cret@127.0.0.1:{hub.port}/hub{options}"
            refused(
                mine, url, MISCONFIGURED, f"what answers at 127.0.0.1:{hub.port} is not a PostgreSQL server"
            )


def test_a_server_without_the_tls_that_is_asked_for(tmp_path: Path, server: PostgresServer) -> None:
    url = f"{server.url('hub')}?sslmode=require"
    refused(tmp_path, url, MISCONFIGURED, "the server does not speak TLS, which the URL demands (sslmode)")
    url = f"{server.url('hub')}?sslmode=verify-full&sslrootcert=/nowhere/root.crt"
    refused(tmp_path, url, MISCONFIGURED, "a file that sslrootcert, sslcert or sslkey names cannot be read")


def test_a_server_that_is_too_old(tmp_path: Path, server: PostgresServer) -> None:
    """A true one that says it is: what it says of itself is changed on its way."""
    (version,) = server.run("SHOW server_version")[0]
    major = version[:2].encode()

    def older(client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", server.port)) as true:
            there = threading.Thread(target=pump, args=(client, true, lambda data: data))
            there.start()
            pump(
                true, client, lambda data: data.replace(b"server_version\0" + major, b"server_version\x0013")
            )
            there.join()

    with answering(older) as port:
        refused(
            tmp_path,
            server.url("hub", port=port),
            MISCONFIGURED,
            "PostgreSQL 13 is too old; 14 or later is needed",
        )


def test_a_user_without_rights(tmp_path: Path, server: PostgresServer) -> None:
    guest = f"postgresql://guest:s3cret@127.0.0.1:{server.port}/hub"
    run = taskflow(tmp_path, "up", "--port", str(free_port()), "--database", guest)
    assert run.returncode == MISCONFIGURED
    assert "permission denied for schema public; the hub's user needs CONNECT" in run.stderr
    assert taskflow(tmp_path, "db", "migrate", "--database", server.url("hub")).returncode == 0
    run = taskflow(tmp_path, "up", "--port", str(free_port()), "--database", guest)
    assert run.returncode == MISCONFIGURED
    assert "must own the hub's tables" in run.stderr
    owner = f"postgresql://owner:s3cret@127.0.0.1:{server.port}/owned"
    assert taskflow(tmp_path, "db", "migrate", "--database", owner).returncode == 0, "no superuser is needed"


async def test_no_connection_left(tmp_path: Path, server: PostgresServer) -> None:
    guest = f"postgresql://guest:s3cret@127.0.0.1:{server.port}/crowded"
    operator = await asyncpg.connect(server.url())
    held: list[asyncpg.Connection] = []
    try:
        await operator.execute("CREATE DATABASE crowded CONNECTION LIMIT 2")
        held += [await asyncpg.connect(guest) for _ in range(2)]
        refused(tmp_path, guest, UNAVAILABLE, "takes no more connections")
    finally:
        for connection in (*held, operator):
            await connection.close()


def test_a_url_that_is_right(tmp_path: Path, server: PostgresServer) -> None:
    environ = {"TASKFLOW_DATABASE_URL": server.url("owned").replace("taskflow:", "owner:")}
    with HubProcess(tmp_path, environ=environ) as hub:
        assert hub.final(hub.submit("demo.noop")["id"])["status"] == "success"
        assert hub.terminate() == 0
        assert SECRET not in hub.output()
    assert [path.name for path in tmp_path.iterdir()] == [], "nothing but large results would lie here"


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port where every connection is dealt with in this way."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve(client: socket.socket) -> None:
        with client:
            answer(client)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(client,)))
            threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for thread in threads:
            thread.join()


def pump(source: socket.socket, target: socket.socket, change: Callable[[bytes], bytes]) -> None:
    """Pass on what comes, until it ends; then end the other side, too."""
    try:
        while data := source.recv(65_536):
            target.sendall(change(data))
    except OSError:
        pass
    for side in (source, target):
        with suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
