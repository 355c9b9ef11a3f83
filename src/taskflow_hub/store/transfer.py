"""A hub's whole data, as it moves from one store to another: which tables, which columns, and when two copies are the same.

A row is a list of plain values that mean the same in every store: a time is microseconds since 1970, an id and a document are
text. What one store keeps that another does not (places of sequences, shards) is not part of it.
"""

from collections.abc import Callable, Iterator
from enum import Enum, auto
from hashlib import blake2b
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct


class Kind(Enum):
    ID = auto()
    TEXT = auto()
    WHOLE = auto()
    NUMBER = auto()
    TIME = auto()
    TEXTS = auto()
    FLAG = auto()


Row = list[Any]


class Table(Struct, frozen=True, eq=False):
    name: str
    columns: dict[str, Kind]


def _columns(**names: str) -> dict[str, Kind]:
    return {column: Kind[kind.upper()] for kind, columns in names.items() for column in columns.split()}


_TASK: Final = _columns(
    id="id parent_id",
    text="status type queue worker traceparent account_id user_id retry progress error unique_key schedule_id workflow_id "
    "limits payload",
    whole="attempt priority rev crashes retry_count max_retries octets",
    number="timeout",
    time="expires_at cancel_requested_at started_at created_at run_at",
    texts="tags",
    flag="unrouted",
)

TABLES: Final = (
    Table(
        "tasks",
        _TASK | _columns(text="hold taken", whole="seq missing transits", time="leased_at"),
    ),
    Table(
        "finished_tasks",
        _TASK | _columns(text="outcome ended_by reason result result_ref fingerprint", time="finished_at"),
    ),
    Table("task_tags", _columns(text="account_id tag", id="task_id")),
    Table(
        "attempts",
        _columns(
            id="task_id",
            whole="attempt",
            text="outcome ended_by worker error",
            time="started_at ended_at",
            flag="crashed",
        ),
    ),
    Table("log_lines", _columns(id="task_id", whole="attempt n", time="at", text="level message fields")),
    Table(
        "idempotency_keys",
        _columns(text="account_id route key fingerprint answer", time="expires_at"),
    ),
    Table("unique_keys", _columns(text="account_id type key", id="task_id", time="until")),
    Table("calls", _columns(id="task_id", whole="number", text="answer")),
    Table(
        "workflows",
        _columns(
            id="id root_id parent_id",
            text="parent_node path account_id user_id name status input traceparent schedule_id ending result error",
            whole="item max_concurrency rev left_nodes broken",
            texts="tags",
            time="created_at deadline_at cancel_requested_at finished_at",
        ),
    ),
    Table("workflow_graphs", _columns(id="workflow_id", text="graph")),
    Table(
        "workflow_nodes",
        _columns(
            id="workflow_id",
            text="node status error",
            whole="waits missed total left_items failed cancelled",
            time="started_at finished_at",
        ),
    ),
    Table("workflow_tasks", _columns(id="workflow_id task_id", text="node", whole="item")),
    Table(
        "task_steps",
        _columns(
            id="task_id",
            text="kind name result",
            whole="attempt octets",
            number="ran_s",
            time="kept_at wakes_at decided_at",
        ),
    ),
    Table("task_events", _columns(id="task_id", text="name payload", time="sent_at")),
    Table("task_waits", _columns(id="task_id", text="event", whole="attempt")),
    Table(
        "schedules",
        _columns(
            id="id",
            text="account_id user_id name cron timezone type template overlap catch_up origin application",
            whole="catch_up_limit rev",
            number="every_s jitter_s",
            time="starts_at ends_at paused_at created_at updated_at next_at waiting_at last_at",
        ),
    ),
    Table(
        "schedule_fires",
        _columns(
            id="schedule_id task_id workflow_id",
            text="outcome reason detail by_hand",
            whole="ticks",
            time="planned_at decided_at started_at",
            flag="settled",
        ),
    ),
    Table(
        "workers",
        _columns(
            text="id name host version state",
            whole="pid slots window beats",
            texts="queues types stuck",
            time="registered_at last_beat_at died_at",
            number="loop_lag_s",
            flag="lost",
        ),
    ),
    Table(
        "limits",
        _columns(
            text="account_id key",
            whole="running",
            number="per_second tokens",
            time="filled_at",
            flag="pinned",
        ),
    ),
    Table(
        "quotas",
        _columns(
            text="account_id",
            whole="per_minute per_day queued in_minute in_day",
            number="weight",
            time="minute day",
        ),
    ),
    Table("task_types", _columns(text="type queue on_lost document")),
    Table("queues", _columns(text="name", flag="paused", whole="max_size")),
    # Without their sessions: whoever is logged in logs in again, so that no refresh token is good for two hubs, the one that
    # was left and the one that goes on. And without buckets: they are full again in a while, and a full one is none.
    Table(
        "account_users", _columns(text="id account_id email address password_hash role", time="created_at")
    ),
    Table(
        "api_keys",
        _columns(
            text="id account_id user_id name digest",
            texts="scopes queues",
            time="created_at expires_at last_used_at revoked_at",
        ),
    ),
    Table(
        "audit",
        _columns(
            id="id",
            time="ts",
            text="account_id actor actor_kind actor_name actor_account address agent action entity entity_id before after meta",
        ),
    ),
    Table(
        "failures",
        _columns(
            text="account_id fingerprint queue type",
            whole="failed gone",
            time="hour first_at last_at",
            id="last_task_id",
        ),
    ),
    Table(
        "samples",
        _columns(text="account_id queue", whole="step_s queued running", time="at", number="oldest_s"),
    ),
    Table("durations", _columns(text="account_id queue process waited ran", whole="step_s", time="at")),
    Table("rollups", _columns(text="account_id queue type status", time="minute", whole="count")),
    Table(
        "bulks",
        _columns(
            id="id",
            text="account_id action filter status cursor",
            whole="total done skipped",
            time="created_at finished_at",
        ),
    ),
)


class Source(Protocol):
    """A hub that stands still while it is read."""

    def rows(self, table: Table) -> Iterator[Row]:
        """Every row, with the values in the order of the table's columns."""
        ...

    def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        ...

    def last_seq(self) -> int:
        """The last place that was given in the line of all tasks."""
        ...


class Digest:
    """Two tables with the same digest have the same rows, in whatever order they were read."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    def add(self, row: Row) -> None:
        self.rows += 1
        self._sum += int.from_bytes(blake2b(_encode(row), digest_size=32).digest())

    @property
    def text(self) -> str:
        return f"{self._sum % 2**256:064x}"


class Copied(Struct, frozen=True):
    """What was copied, once the target had the same rows and the same digest as the source."""

    table: str
    rows: int
    digest: str


class Step(Struct, frozen=True):
    """How far it is. `doing`: "copy" or "compare"."""

    doing: str
    table: str
    done: int
    total: int


Watch = Callable[[Step], None]

_encode: Final = msgspec.msgpack.Encoder().encode
