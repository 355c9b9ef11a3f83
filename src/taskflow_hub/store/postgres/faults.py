"""What an error of the driver or the network means."""

from enum import Enum, auto
from typing import Final

import asyncpg

from taskflow_hub.domain.errors import SchemaMismatch, StoreFull, StoreUnavailable


class Fault(Enum):
    """What to do about it."""

    COLLISION = auto()  # another transaction was in the way: nothing happened, do all of it again
    NO_PARTITION = auto()  # a day nobody has made yet: make it, do all of it again
    BROKEN = auto()  # this connection is of no use any more: take another
    HOPELESS = auto()  # the database cannot, whichever connection asks
    OURS = auto()  # a mistake in what was asked


class Collision(Exception):
    """What was read is true no longer; a verb that finds it out raises this, and runs again."""


# What PostgreSQL cannot store though it is a text in Python: NUL characters, lone surrogates.
UNSTORABLE: Final = (asyncpg.DataError, UnicodeEncodeError)

# Refused at the door, or shown out: 57P* (shutdown, starting up), 53300 (too many), 08* (connection), 25006 (a primary that
# has become a standby), 57P05 (idle session timeout), 25P03 (idle in transaction).
_BROKEN: Final = ("08", "57P", "53300", "25006", "25P03", "57014")
_HOPELESS: Final = ("28", "3D000", "42501", "42P01", "42703", "53", "58", "XX", "0A000")


def fault_of(error: BaseException) -> Fault:
    if isinstance(error, Collision):
        return Fault.COLLISION
    if isinstance(error, asyncpg.PostgresError):
        code = error.sqlstate or ""
        if code in {"40P01", "40001", "55P03"}:
            return Fault.COLLISION
        if code == "23514" and error.constraint_name is None:  # no check of ours, whatever the language
            return Fault.NO_PARTITION
        if code.startswith(_BROKEN):
            return Fault.BROKEN
        if code.startswith(_HOPELESS):
            return Fault.HOPELESS
        return Fault.OURS
    if isinstance(error, asyncpg.InterfaceError):
        # A closed connection, or a pool that is closing; what is wrong with a value is a DataError.
        return Fault.OURS if isinstance(error, ValueError) else Fault.BROKEN
    if isinstance(error, OSError | TimeoutError | asyncpg.InternalClientError):
        return Fault.BROKEN
    return Fault.OURS


def explain(error: BaseException, shown: str) -> StoreUnavailable:
    """What it means for the caller. `shown`: the database, as people may see it."""
    where = f"database {shown}"
    code = getattr(error, "sqlstate", None) or ""
    text = str(error).partition("\n")[0] or type(error).__name__
    if code == "53100":
        return StoreFull(f"{where} has no space left: {text}")
    if code in {"42P01", "42703"}:
        return SchemaMismatch(
            f"{where} does not have the tables this program needs ({text}): run `taskflow db migrate`"
        )
    if code == "53300":
        return StoreUnavailable(f"{where} takes no more connections ({text})")
    if code == "25006":
        return StoreUnavailable(f"{where} is read-only: it is a standby, or its disk is full")
    if isinstance(error, TimeoutError):
        return StoreUnavailable(f"{where} does not answer")
    if isinstance(error, OSError):
        return StoreUnavailable(f"{where} cannot be reached: {text}")
    return StoreUnavailable(f"{where}: {text}")
