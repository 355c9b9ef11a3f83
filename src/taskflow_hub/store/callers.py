"""Connections that belong to the caller, told apart by where their classes come from: no driver need be installed for it."""

import importlib
from typing import Any, Final, Literal

from msgspec import Struct

from taskflow_hub.domain.errors import Invalid

Dialect = Literal["postgresql", "sqlite"]
Driver = Literal["asyncpg", "psycopg", "sqlite3", "sqlalchemy"]

_DIALECTS: Final[dict[str, Dialect]] = {"asyncpg": "postgresql", "psycopg": "postgresql", "sqlite3": "sqlite"}
_KNOWN: Final = (
    "an asyncpg, psycopg or sqlite3 connection, or a connection or session of SQLAlchemy, asynchronous or not"
)


class Caller(Struct, frozen=True):
    """A connection with a transaction of the caller's on it. Of SQLAlchemy it is the Connection or AsyncConnection."""

    dialect: Dialect
    driver: Driver
    connection: Any


async def recognise(connection: object) -> Caller:
    """What the caller has given us. Raises TypeError when it is no connection that we can use."""
    for base in type(connection).__mro__:
        package = base.__module__.partition(".")[0]
        if package == "sqlalchemy":
            return await _sqlalchemy(connection)
        if package in _DIALECTS and base.__name__.endswith(("Connection", "ConnectionProxy")):
            return Caller(_DIALECTS[package], package, connection)  # type: ignore[arg-type]
    raise _unknown(connection)


async def _sqlalchemy(given: Any) -> Caller:
    """A session's connection is the one that its transaction is on."""
    core, orm, aio = (importlib.import_module(f"sqlalchemy{name}") for name in ("", ".orm", ".ext.asyncio"))
    connection = given
    if isinstance(given, aio.AsyncSession | aio.async_scoped_session):
        connection = await given.connection()
    elif isinstance(given, orm.Session | orm.scoped_session):
        connection = given.connection()
    if not isinstance(connection, core.Connection | aio.AsyncConnection):
        raise _unknown(given)
    dialect = connection.dialect.name
    if dialect not in {"postgresql", "sqlite"}:
        raise TypeError(f"connection: a hub's database is PostgreSQL or SQLite, this one is {dialect}")
    return Caller(dialect, "sqlalchemy", connection)


def no_transaction() -> Invalid:
    """In a mode in which every statement is committed by itself, nothing would belong to anything."""
    return Invalid.field(
        "/connection", "has no transaction open that the task could belong to; begin one first"
    )


def _unknown(given: object) -> TypeError:
    kind = f"{type(given).__module__}.{type(given).__qualname__}"
    return TypeError(f"connection: expected {_KNOWN}, not {kind}")
