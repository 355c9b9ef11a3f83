"""The idempotency keys of one batch of submits: claimed all at once, given back when what they stand for is refused."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from taskflow_hub.store.documents import decoder, to_json
from taskflow_hub.store.keys import Answer, require_same
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Transaction, columns
from taskflow_hub.store.values import Idempotency, Submit

IDEMPOTENCY_CLAIM: Final = statement("only/idempotency_claim")
IDEMPOTENCY_FIND: Final = statement("idempotency_find")
IDEMPOTENCY_KEEP: Final = statement("idempotency_keep")
IDEMPOTENCY_DROP: Final = statement("only/idempotency_drop")

Key = tuple[str, str, str]  # account, route, key


class _Row(NamedTuple):
    fingerprint: str
    answer: str
    expires_at: datetime


class IdempotencyKeys:
    """After `claim` nobody else can use them before our commit."""

    def __init__(self, submits: Iterable[Submit], now: datetime) -> None:
        self._now = now
        self._claimed: dict[Key, _Row] = {}  # with the answer that is the likely one: every task is made
        self._kept: dict[Key, _Row] = {}  # what a key stands for by now
        for request in submits:
            if (idempotency := request.idempotency) is not None and _key(idempotency) not in self._claimed:
                likely = [(new.id, True) for new in request.tasks]
                self._claimed[_key(idempotency)] = self._row(idempotency, likely)

    async def claim(self, tx: Transaction) -> None:
        if not self._claimed:
            return
        wanted = [(*key, *row) for key, row in self._claimed.items()]
        free = {tuple(row) for row in await tx.fetch(IDEMPOTENCY_CLAIM, tx.now, *columns(wanted))}
        used = [key for key in self._claimed if key not in free]
        for key in used:
            del self._claimed[key]
        if used:
            for account, route, key, *row in await tx.fetch(IDEMPOTENCY_FIND, *columns(used)):
                self._kept[account, route, key] = _Row(row[0], row[1], self._now)

    def answered(self, idempotency: Idempotency | None) -> Answer | None:
        """What this key was answered with before. Raises IdempotencyMismatch."""
        found = None if idempotency is None else self._kept.get(_key(idempotency))
        if idempotency is None or found is None:
            return None
        require_same(idempotency, found.fingerprint)
        answer: Answer = decoder(Answer).decode(found.answer)
        return answer

    def keep(self, idempotency: Idempotency | None, answer: Answer) -> None:
        if idempotency is not None:
            self._kept[_key(idempotency)] = self._row(idempotency, answer)

    async def settle(self, tx: Transaction) -> None:
        """Write what came out otherwise than it was claimed."""
        other = [
            (*key, *self._kept[key])
            for key, row in self._claimed.items()
            if key in self._kept and self._kept[key] != row
        ]
        if other:
            await tx.run(IDEMPOTENCY_KEEP, *columns(other))
        refused = [key for key in self._claimed if key not in self._kept]
        if refused:
            await tx.run(IDEMPOTENCY_DROP, *columns(refused))

    def _row(self, idempotency: Idempotency, answer: Sequence[tuple[str, bool]]) -> _Row:
        return _Row(
            idempotency.fingerprint, to_json(answer), self._now + timedelta(seconds=idempotency.ttl_s)
        )


def _key(idempotency: Idempotency) -> Key:
    return idempotency.account_id, idempotency.route, idempotency.key
