"""A stopped hub's file, read for the move to another store (store/transfer.py)."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from taskflow_hub.domain.errors import Misconfigured, SchemaMismatch
from taskflow_hub.store.documents import decoder
from taskflow_hub.store.sqlite import schema
from taskflow_hub.store.sqlite.connection import explain
from taskflow_hub.store.sqlite.transaction import from_us
from taskflow_hub.store.sqlite.url import Location, parse_url
from taskflow_hub.store.transfer import TABLES, Kind, Row, Table
from taskflow_hub.store.versions import SchemaState

_WITH_PAYLOAD: Final = "{} JOIN payloads ON task_id = id"
_FROM: Final = {name: _WITH_PAYLOAD.format(name) for name in ("tasks", "finished_tasks")}
_texts: Final = decoder(list[str]).decode


class Registered(Struct, frozen=True):
    """A worker that has not said good-bye."""

    id: str
    name: str
    host: str
    last_beat_at: datetime


class StoppedHub:
    """See store/transfer.py."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def workers(self) -> list[Registered]:
        rows = self._connection.execute(
            "SELECT id, name, host, last_beat_at FROM workers WHERE state <> 'dead'"
        )
        return [Registered(id, name, host, from_us(beat)) for id, name, host, beat in rows]

    def rows(self, table: Table) -> Iterator[Row]:
        columns = ", ".join(f'"{column}"' for column in table.columns)
        everything = f"SELECT {columns} FROM {_FROM.get(table.name, table.name)}"  # noqa: S608 (names of ours)
        found = self._connection.execute(everything)
        special = [(index, _READ[kind]) for index, kind in enumerate(table.columns.values()) if kind in _READ]
        for values in found:
            row = list(values)
            for index, reader in special:
                if row[index] is not None:
                    row[index] = reader(row[index])
            yield row

    def counts(self) -> dict[str, int]:
        return {table.name: self._value(f"SELECT count(*) FROM {table.name}") for table in TABLES}  # noqa: S608

    def results_outside(self) -> int:
        """How many results lie in the results folder."""
        return int(self._value("SELECT count(*) FROM finished_tasks WHERE result_ref IS NOT NULL"))

    def last_seq(self) -> int:
        return int(self._value("SELECT last FROM sequence"))

    def _value(self, sql: str) -> Any:
        return self._connection.execute(sql).fetchone()[0]


@contextmanager
def stopped_hub(url: str) -> Iterator[StoppedHub]:
    """The file, closed to every writer meanwhile. Raises Misconfigured, SchemaMismatch, StoreUnavailable."""
    location = parse_url(url)
    match schema.check(url):
        case SchemaState.EMPTY:
            raise Misconfigured(f"There is no hub's database at {location.path}.")
        case SchemaState.CURRENT:
            pass
        case state:
            raise SchemaMismatch(
                f"Database {location.path} has a schema that is {state} than this program's."
            )
    with _explained(location):
        connection = schema.begin(location)
        try:
            yield StoppedHub(connection)
        finally:
            connection.close()


@contextmanager
def _explained(location: Location) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        meaning = explain(error, location)
        if meaning is None:
            raise
        raise meaning from error


_READ: Final[dict[Kind, Callable[[Any], Any]]] = {Kind.TEXTS: _texts, Kind.FLAG: bool, Kind.NUMBER: float}
