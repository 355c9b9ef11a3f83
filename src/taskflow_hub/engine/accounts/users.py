"""Users, as an admin sees them."""

from collections.abc import Callable

from taskflow_hub.domain.access import Role, Scope, User, Who
from taskflow_hub.domain.audit import By
from taskflow_hub.domain.errors import or_raise
from taskflow_hub.engine.accounts.identity import Identity
from taskflow_hub.engine.accounts.passwords import Passwords
from taskflow_hub.store.base import AccessStore
from taskflow_hub.store.cursor import make_cursor, read_cursor
from taskflow_hub.store.values import NewUser


class Users:
    def __init__(
        self, store: AccessStore, identity: Identity, passwords: Passwords, new_id: Callable[[], str]
    ) -> None:
        self._store, self._identity, self._passwords, self._new_id = store, identity, passwords, new_id

    async def all(self, who: Who) -> list[User]:
        """Every user for an admin; for others those of their account. Oldest first. Raises AccountsOff."""
        self._identity.require_accounts()
        return await self._store.users(who.looks_into)

    async def page(self, who: Who, *, limit: int, cursor: str | None) -> tuple[list[User], str | None]:
        """Some of them, and the cursor of those that come next. Raises AccountsOff, Invalid for a foreign cursor."""
        self._identity.require_accounts()
        after = None if cursor is None else read_cursor(cursor)
        found = await self._store.users(who.looks_into, after=after, limit=limit + 1)
        return found[:limit], make_cursor(found[limit - 1].id) if len(found) > limit else None

    async def add(
        self,
        who: Who,
        email: str,
        password: str,
        role: Role,
        account: str | None,
        *,
        by: By | None = None,
    ) -> User:
        """Add a user to an account (None: the asker's). Raises Forbidden, EmailTaken, AccountsOff."""
        self._identity.require_accounts()
        who.require(Scope.ADMIN)
        who.require_lasting()
        user = NewUser(id=self._new_id(), email=email, password_hash=await self._passwords.hash(password))
        return or_raise(await self._store.add_user(user, account or who.account_id, role, by=by))

    async def set_role(self, who: Who, user_id: str, role: Role, *, by: By | None = None) -> User:
        """Raises Forbidden, NotFound, LastAdmin, AccountsOff."""
        self._identity.require_accounts()
        who.require(Scope.ADMIN)
        who.require_lasting()
        user = or_raise(await self._store.set_role(user_id, role, by=by))
        self._identity.forget()
        return user
