"""What holds back vacuum, in words for an operator.

Every lease and every finish leaves dead rows behind. While anything in the database may still see them they stay, and whatever
walks over them gets slower.
"""

from datetime import timedelta
from typing import Final

import asyncpg

from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot

HELD_BACK: Final = statement("only/held_back")

AFTER: Final = timedelta(minutes=1)  # what is shorter is harmless


async def held_back(snapshot: Snapshot) -> list[str]:
    return [_said(row) for row in await snapshot.fetch(HELD_BACK, AFTER)]


def _said(row: asyncpg.Record) -> str:
    match row["kind"]:
        case "session":
            application = f", application {row['application']!r}" if row["application"] else ""
            return (
                f"A transaction of user {row['owner']!r} (pid {row['name']}{application}, {row['state']}) has been open for "
                f"{row['seconds']:.0f} s and holds back vacuum, so work slows down: end it, and see "
                "idle_in_transaction_session_timeout."
            )
        case "prepared":
            return (
                f"The prepared transaction {row['name']!r} of user {row['owner']!r} has waited for {row['seconds']:.0f} s and "
                "holds back vacuum, so work slows down: COMMIT PREPARED or ROLLBACK PREPARED it."
            )
        case _:
            return (
                f"The replication slot {row['name']!r} is used by nobody and holds back vacuum, so work slows down: start "
                "what reads it, or drop it with pg_drop_replication_slot."
            )
