"""Of the database: can it be used, does it have room, is its schema ours?"""

from collections.abc import Iterator

from msgspec import Struct

from taskflow_hub.domain.checkup.finding import Finding, ok, size, skipped, warning, wrong
from taskflow_hub.domain.checkup.processes import Seen

LITTLE_SPACE = 1 << 30  # bytes; a warning below
NO_SPACE = 100 << 20  # bytes; below, a busy hub fills the disk within the hour
# SQLite's locks, or the memory that its processes share, are not to be relied on there.
OF_A_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph", "glusterfs"}
)
NOT_DURABLE = {
    "fsync": "a crash of the machine can destroy the database",
    "full_page_writes": "a crash of the machine can destroy the database",
    "synchronous_commit": "what was accepted last can be lost when the server crashes",
}
ALMOST_ALL = 0.9  # of the connections


class Schema(Struct, frozen=True):
    """`version` None: there is nothing of ours yet. `ours`: all that this program knows, in order."""

    version: str | None
    ours: tuple[str, ...]


class SqliteFacts(Struct, frozen=True, kw_only=True):
    """Of the file that the URL names. `octets`: with what lies beside it until it is checkpointed."""

    path: str
    there: bool
    library: str
    schema: Schema
    octets: int = 0
    free: int | None = None
    filesystem: str | None = None
    workers: tuple[Seen, ...] = ()


class PostgresFacts(Struct, frozen=True, kw_only=True):
    """`settings`: by PostgreSQL's names. `held_back`: what keeps vacuum from its work, in words. `ahead_s`: its clock before
    this machine's, give or take `unsure_s`.
    """

    shown: str
    server: str
    schema: Schema
    octets: int
    pool_size: int
    connections: int
    max_connections: int
    standby: bool
    settings: dict[str, str]
    held_back: tuple[str, ...] = ()
    ahead_s: float = 0.0
    unsure_s: float = 0.0
    workers: tuple[Seen, ...] = ()


def judge_sqlite(facts: SqliteFacts) -> Iterator[Finding]:
    room = "" if facts.free is None else f", {size(facts.free)} free"
    if not facts.there:
        yield skipped("database", f"{facts.path} is not there yet{room}")
    else:
        yield ok("database", f"{facts.path}: SQLite {facts.library}, {size(facts.octets)}{room}")
    if facts.filesystem in OF_A_NETWORK:
        yield wrong(
            "database",
            f"{facts.path} lies on a file system of the network ({facts.filesystem}), where SQLite's locks do not hold",
            "Move the file to a disk of this machine; for several machines use PostgreSQL (`taskflow db copy`).",
        )
    if facts.free is not None and facts.free < LITTLE_SPACE:
        say = wrong if facts.free < NO_SPACE else warning
        yield say(
            "disk",
            f"{size(facts.free)} are left for {facts.path}",
            "Make room, or let finished tasks go sooner (retention.*). A full disk makes the hub refuse work (store_full).",
        )
    yield from judge_schema(facts.schema)


def judge_postgres(facts: PostgresFacts) -> Iterator[Finding]:
    yield ok(
        "database",
        f"{facts.shown}: PostgreSQL {facts.server}, {size(facts.octets)}, {facts.connections} of {facts.max_connections} "
        "connections in use",
    )
    if facts.standby:
        yield wrong(
            "database",
            "This server is a standby, which takes no writes",
            "Name the primary in the URL, or several hosts with ?target_session_attrs=read-write.",
        )
    if facts.connections >= ALMOST_ALL * facts.max_connections:
        yield warning(
            "database",
            f"{facts.connections} of {facts.max_connections} connections are in use; each process of the hub takes up to "
            f"{facts.pool_size + 1}",
            "Raise max_connections, lower ?pool_size= in the URL, or put pgbouncer before it.",
        )
    for name, consequence in NOT_DURABLE.items():
        if facts.settings.get(name) == "off":
            yield warning(
                "database", f"{name} is off: {consequence}", f"Set {name} = on, unless the data may be lost."
            )
    if facts.settings.get("autovacuum") == "off":
        yield warning(
            "database",
            "autovacuum is off: every lease and every finish leaves dead rows, and work gets slower",
            "Set autovacuum = on.",
        )
    for words in facts.held_back:
        problem, _, advice = words.partition(": ")
        yield warning("database", problem, advice[:1].upper() + advice[1:])
    yield from judge_schema(facts.schema)


def judge_schema(schema: Schema) -> Iterator[Finding]:
    version, newest = schema.version, schema.ours[-1]
    if version is None:
        yield skipped(
            "schema",
            f"There is no hub's database yet; this program makes schema {newest}",
            "`taskflow up` and `taskflow server` make it, or `taskflow db migrate`.",
        )
    elif version == newest:
        yield ok("schema", f"{version}, which is this program's")
    elif version in schema.ours:
        steps = schema.ours[schema.ours.index(version) + 1 :]
        yield wrong(
            "schema",
            f"The database has {version}, this program needs {newest}",
            f"`taskflow db migrate` applies {', '.join(steps)}; `taskflow db sql --from {version}` shows what that is. "
            "`taskflow up` and `taskflow server` do it when they start.",
        )
    else:
        yield wrong(
            "schema",
            f"The database has {version}, which this program does not know; it knows {newest} and older",
            "Update TaskFlow Hub on this machine. Processes that run go on; this version starts none.",
        )
