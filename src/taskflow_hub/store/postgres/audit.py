"""The audit: written with what it tells of, and listed."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from taskflow_hub.domain.audit import Act, By
from taskflow_hub.store.audit import entry_of, page, question, rows
from taskflow_hub.store.postgres.part import Part
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot, Transaction, columns
from taskflow_hub.store.values import AuditFilter, AuditPage

APPEND_AUDIT: Final = statement("append_audit")
AUDIT: Final = statement("audit")


class Audit(Part):
    async def append_audit(self, by: By, act: Act) -> None:
        await self._writer.write(record, by, [act])

    async def audit(self, where: AuditFilter, *, limit: int, cursor: str | None = None) -> AuditPage:
        return await self._readers.read_long(_audit, where, limit, cursor)


async def record(tx: Transaction, by: By | None, acts: Iterable[Act]) -> None:
    """With what this transaction does. What the hub does by itself costs nothing: `acts` are not even looked at."""
    if by is not None and (made := rows(by, acts)):
        await tx.run(APPEND_AUDIT, tx.now, *columns(made))


async def _audit(snapshot: Snapshot, where: AuditFilter, limit: int, cursor: str | None) -> AuditPage:
    text, values = question(AUDIT, where, limit, cursor, "${}".format)
    found = [entry_of(tuple(row), _as_it_is) for row in await snapshot.fetch(text, *values)]
    return page(found, limit)


def _as_it_is(at: datetime) -> datetime:
    return at
