"""The audit: written with what it tells of, and listed."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from taskflow_hub.domain.audit import Act, By
from taskflow_hub.store.audit import entry_of, page, question, rows
from taskflow_hub.store.sqlite.part import Part
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.transaction import Snapshot, Transaction, from_us, to_us
from taskflow_hub.store.values import AuditFilter, AuditPage

APPEND_AUDIT: Final = statement("append_audit")
AUDIT: Final = statement("audit")


class Audit(Part):
    async def append_audit(self, by: By, act: Act) -> None:
        await self._writer.write(record, by, [act])

    async def audit(self, where: AuditFilter, *, limit: int, cursor: str | None = None) -> AuditPage:
        return await self._readers.read_long(_audit, where, limit, cursor)


def record(tx: Transaction, by: By | None, acts: Iterable[Act]) -> None:
    """With what this transaction does. What the hub does by itself costs nothing: `acts` are not even looked at."""
    if by is not None:
        tx.run_items(APPEND_AUDIT, rows(by, acts), tx.now)


def _audit(snapshot: Snapshot, where: AuditFilter, limit: int, cursor: str | None) -> AuditPage:
    text, values = question(AUDIT.text, where, limit, cursor, "?{}".format)
    given = [to_us(value) if isinstance(value, datetime) else value for value in values]
    found = [entry_of(row, from_us) for row in snapshot.decode(list[list[Any]], text, given)]
    found.sort(key=lambda entry: entry.id, reverse=True)
    return page(found, limit)
