"""API keys: made once, shown once, revoked at once."""

from collections.abc import Callable, Sequence

from taskflow_hub.domain.access import Confidential, Key, Scope, Who
from taskflow_hub.domain.audit import By
from taskflow_hub.domain.errors import Invalid, NotFound
from taskflow_hub.engine.accounts import secrets
from taskflow_hub.engine.accounts.identity import Identity
from taskflow_hub.store.base import AccessStore
from taskflow_hub.store.cursor import make_cursor, read_cursor
from taskflow_hub.store.values import NewKey


class SecretKey(Confidential, frozen=True):
    """A new key with its secret, which is told here and never again."""

    key: Key
    secret: str


class Keys:
    def __init__(self, store: AccessStore, identity: Identity, new_id: Callable[[], str]) -> None:
        self._store, self._identity, self._new_id = store, identity, new_id

    async def create(
        self,
        who: Who,
        name: str,
        scopes: Sequence[Scope],
        queues: Sequence[str],
        expires_in_s: float | None,
        *,
        by: By | None = None,
    ) -> SecretKey:
        """A key of the asker's account.

        Raises Forbidden for more than the asker may do, and to a key without the scope `admin`: one that was stolen shall not
        make others, which would outlive it. AccountsOff.
        """
        self._identity.require_accounts()
        if queues and Scope.ADMIN in scopes:
            raise Invalid.field(
                "/queues", "cannot narrow the scope admin, which is for what all queues share"
            )
        if who.key is not None:
            who.require(Scope.ADMIN)
        who.require_lasting()
        for scope in scopes:
            who.require(scope)
        secret = secrets.new_secret()
        digest = secrets.digest(secret)
        assert digest is not None
        new = NewKey(
            id=self._new_id(),
            account_id=who.account_id,
            user_id=who.user_id,
            name=name,
            digest=digest,
            scopes=tuple(sorted(set(scopes))),
            queues=tuple(sorted(set(queues))),
            expires_in_s=expires_in_s,
        )
        return SecretKey(await self._store.create_key(new, by=by), secret)

    async def all(self, who: Who) -> list[Key]:
        """Those of the account, for an admin of all, newest first; revoked ones too. Raises AccountsOff."""
        self._identity.require_accounts()
        return await self._store.keys(who.looks_into)

    async def page(self, who: Who, *, limit: int, cursor: str | None) -> tuple[list[Key], str | None]:
        """Some of them, and the cursor of those that come next. Raises AccountsOff, Invalid for a foreign cursor."""
        self._identity.require_accounts()
        before = None if cursor is None else read_cursor(cursor)
        found = await self._store.keys(who.looks_into, before=before, limit=limit + 1)
        return found[:limit], make_cursor(found[limit - 1].id) if len(found) > limit else None

    async def revoke(self, who: Who, key_id: str, *, by: By | None = None) -> Key:
        """Twice is harmless. Other processes may serve it for REMEMBERED_S more (identity.py). Raises NotFound,
        AccountsOff."""
        self._identity.require_accounts()
        key = await self._store.revoke_key(who.looks_into, key_id, by=by)
        if key is None:
            raise NotFound(f"There is no key {key_id}.")
        self._identity.forget()
        return key
