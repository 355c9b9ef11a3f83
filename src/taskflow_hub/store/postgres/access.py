"""Users, their logins, keys, and how often anybody may try."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import asyncpg

from taskflow_hub.domain.access import Key, Role, Scope, User, address_key
from taskflow_hub.domain.audit import Action, By
from taskflow_hub.domain.buckets import Charge
from taskflow_hub.domain.errors import EmailTaken, LastAdmin, NotFound, RegistrationClosed, TaskflowError
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.domain.quota import Quota
from taskflow_hub.store import audit
from taskflow_hub.store.buckets import take
from taskflow_hub.store.cursor import BEYOND, earliest_finish
from taskflow_hub.store.postgres.audit import record
from taskflow_hub.store.postgres.part import Part
from taskflow_hub.store.postgres.quotas import write_quota
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot, Transaction, columns
from taskflow_hub.store.values import Bucket, NewKey, NewUser

ANY_USER: Final = statement("any_user")
USERS_LOCK: Final = statement("only/users_lock")
ADD_USER: Final = statement("add_user")
USER: Final = statement("user")
LOGIN: Final = statement("login")
USERS: Final = statement("users")
ADMINS: Final = statement("admins")
SET_ROLE: Final = statement("set_role")
SET_PASSWORD: Final = statement("set_password")
BEGIN_SESSION: Final = statement("begin_session")
REFRESH_SESSION: Final = statement("refresh_session")
REUSE_SESSION: Final = statement("reuse_session")
END_SESSION: Final = statement("end_session")
END_SESSIONS: Final = statement("end_sessions")
SESSION: Final = statement("session")
CREATE_KEY: Final = statement("create_key")
KEY: Final = statement("key")
USE_KEYS: Final = statement("use_keys")
KEYS: Final = statement("keys")
REVOKE_KEY: Final = statement("revoke_key")
BUCKETS: Final = statement("buckets")
SPEND_LOCK: Final = statement("only/spend_lock")
SPEND: Final = statement("spend")
REFUND: Final = statement("refund")
CHARGE_LOCK: Final = statement("only/charge_lock")
CHARGE: Final = statement("only/charge")
OWNERS: Final = statement("owners")


class Access(Part):
    async def register_user(
        self, user: NewUser, *, closed: bool, quota: Quota | None = None, by: By | None = None
    ) -> User | TaskflowError:
        return await self._writer.write(_register, user, closed, quota, by)

    async def add_user(
        self, user: NewUser, account: str, role: Role, *, by: By | None = None
    ) -> User | TaskflowError:
        return await self._writer.write(_add, user, account, role, by, Action.USER_ADD)

    async def any_user(self) -> bool:
        return await self._readers.read(_any_user)

    async def user(self, user_id: str) -> User | None:
        return await self._readers.read(_user, USER, user_id)

    async def login(self, email: str) -> tuple[User, str] | None:
        return await self._readers.read(_login, email)

    async def users(
        self, account: str | None, *, after: str | None = None, limit: int | None = None
    ) -> list[User]:
        return await self._readers.read_long(_users, account, after or "", limit)

    async def set_role(self, user_id: str, role: Role, *, by: By | None = None) -> User | TaskflowError:
        return await self._writer.write(_set_role, user_id, role, by)

    async def set_password(
        self, user_id: str, password_hash: str, *, was: str | None = None, by: By | None = None
    ) -> User | None:
        return await self._writer.write(_set_password, user_id, password_hash, was, by)

    async def begin_session(
        self,
        session_id: str,
        user_id: str,
        ttl_s: float,
        *,
        password_hash: str | None = None,
        by: By | None = None,
    ) -> bool:
        return await self._writer.write(_begin_session, session_id, user_id, ttl_s, password_hash, by)

    async def refresh_session(
        self, session_id: str, generation: int, ttl_s: float, *, by: By | None = None
    ) -> User | None:
        return await self._writer.write(_refresh_session, session_id, generation, ttl_s, by)

    async def end_session(self, session_id: str, *, by: By | None = None) -> None:
        await self._writer.write(_end_session, session_id, by)

    async def session(self, session_id: str) -> User | None:
        return await self._readers.read(_session, session_id)

    async def create_key(self, key: NewKey, *, by: By | None = None) -> Key:
        return await self._writer.write(_create_key, key, by)

    async def key(self, digest: str) -> Key | None:
        return await self._readers.read(_key, digest)

    async def use_keys(self, ids: Collection[str]) -> None:
        if ids:
            await self._writer.write(_use_keys, ids)

    async def keys(
        self, account: str | None, *, before: str | None = None, limit: int | None = None
    ) -> list[Key]:
        return await self._readers.read_long(_keys, account, before or BEYOND, limit)

    async def revoke_key(self, account: str | None, key_id: str, *, by: By | None = None) -> Key | None:
        return await self._writer.write(_revoke_key, account, key_id, by)

    async def spend(self, buckets: Sequence[Bucket]) -> float:
        """See the protocol. Who is refused has only read: trying without end shall not keep others from writing."""
        wait_s, _ = await self._readers.read(_look, buckets)
        return wait_s or await self._writer.write(_spend, buckets)

    async def refund(self, name: str) -> None:
        await self._writer.write(_change, REFUND, name)

    async def charge(self, charges: Mapping[str, Charge]) -> dict[str, float]:
        return await self._writer.write(_charge, charges) if charges else {}

    async def owners(self, ids: Sequence[str]) -> dict[str, str]:
        return await self._readers.read(_owners, ids) if ids else {}


async def _change(tx: Transaction, sql: str, *values: object) -> None:
    await tx.run(sql, *values)


# --- users ---------------------------------------------------------------------------------------------------------------


def _user_of(row: asyncpg.Record) -> User:
    """From the columns of parts/user.sql."""
    return User(
        id=row["id"],
        account_id=row["account_id"],
        email=row["email"],
        role=Role(row["role"]),
        created_at=row["created_at"],
    )


async def _user(snapshot: Snapshot, sql: str, *values: object) -> User | None:
    row = await snapshot.row(sql, *values)
    return None if row is None else _user_of(row)


async def _any_user(snapshot: Snapshot) -> bool:
    return bool(await snapshot.value(ANY_USER))


async def _login(snapshot: Snapshot, email: str) -> tuple[User, str] | None:
    row = await snapshot.row(LOGIN, address_key(email))
    return None if row is None else (_user_of(row), row["password_hash"])


async def _users(snapshot: Snapshot, account: str | None, after: str, limit: int | None) -> list[User]:
    return [_user_of(row) for row in await snapshot.fetch(USERS, account, after, limit)]


async def _register(
    tx: Transaction, user: NewUser, closed: bool, quota: Quota | None, by: By | None
) -> User | TaskflowError:
    if not await tx.value(ANY_USER):
        await tx.connection.execute(USERS_LOCK)
        if not await tx.value(ANY_USER):
            return await _add(tx, user, DEFAULT_ACCOUNT, Role.ADMIN, by, Action.USER_REGISTER)
    if closed:
        return RegistrationClosed()
    added = await _add(tx, user, user.id, Role.USER, by, Action.USER_REGISTER)
    if isinstance(added, User) and quota is not None:
        await write_quota(tx, quota)
        await record(tx, by, audit.of_quota(Quota(account_id=quota.account_id), quota))
    return added


async def _add(
    tx: Transaction, user: NewUser, account: str, role: Role, by: By | None, action: Action
) -> User | TaskflowError:
    values = (user.id, account, user.email, address_key(user.email), user.password_hash, role.value)
    added = await _user(tx, ADD_USER, tx.now, *values)
    if added is None:
        return EmailTaken()
    await record(tx, by, [audit.of_user(action, added, after={"email": added.email, "role": added.role})])
    return added


async def _set_role(tx: Transaction, user_id: str, role: Role, by: By | None) -> User | TaskflowError:
    locked = {row["id"]: _user_of(row) for row in await tx.fetch(ADMINS, user_id)}
    user = locked.get(user_id)
    if user is None:
        return NotFound()
    if user.role is role:
        return user
    if [one.id for one in locked.values() if one.role is Role.ADMIN] == [user_id]:
        return LastAdmin()
    changed = await _user(tx, SET_ROLE, user_id, role.value)
    if changed is None:
        return NotFound()
    await record(tx, by, [audit.of_user(Action.USER_SET_ROLE, user, {"role": user.role}, {"role": role})])
    return changed


async def _set_password(
    tx: Transaction, user_id: str, password_hash: str, was: str | None, by: By | None
) -> User | None:
    user = await _user(tx, SET_PASSWORD, user_id, password_hash, was)
    if user is not None:
        await tx.run(END_SESSIONS, user_id)
        await record(tx, by, [audit.of_user(Action.USER_SET_PASSWORD, user)])
    return user


# --- sessions ------------------------------------------------------------------------------------------------------------


async def _begin_session(
    tx: Transaction, session_id: str, user_id: str, ttl_s: float, hash: str | None, by: By | None
) -> bool:
    if not await tx.run(BEGIN_SESSION, tx.now, session_id, user_id, ttl_s, hash):
        return False
    await _record_login(tx, by, Action.LOGIN_BEGIN, session_id, user_id)
    return True


async def _refresh_session(
    tx: Transaction, session_id: str, generation: int, ttl_s: float, by: By | None
) -> User | None:
    user_id = await tx.value(REFRESH_SESSION, tx.now, session_id, generation, ttl_s)
    if user_id is not None:
        return await _user(tx, USER, user_id)
    await _record_login(
        tx, by, Action.LOGIN_REUSE, session_id, await tx.value(REUSE_SESSION, session_id, generation)
    )
    return None


async def _end_session(tx: Transaction, session_id: str, by: By | None) -> None:
    await _record_login(tx, by, Action.LOGIN_END, session_id, await tx.value(END_SESSION, session_id))


async def _record_login(
    tx: Transaction, by: By | None, action: Action, session_id: str, user_id: str | None
) -> None:
    """`user_id` None: there was no such login."""
    if by is None or user_id is None:
        return
    user = await _user(tx, USER, user_id)
    if user is not None:
        await record(tx, by, [audit.of_login(action, user, session_id)])


async def _session(snapshot: Snapshot, session_id: str) -> User | None:
    return await _user(snapshot, SESSION, snapshot.now, session_id)


# --- keys ----------------------------------------------------------------------------------------------------------------


def _key_of(row: asyncpg.Record) -> Key:
    """From the columns of parts/key.sql."""
    return Key(
        id=row["id"],
        account_id=row["account_id"],
        user_id=row["user_id"],
        name=row["name"],
        scopes=tuple([Scope(scope) for scope in row["scopes"]]),
        queues=tuple(row["queues"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
        revoked_at=row["revoked_at"],
    )


async def _key(snapshot: Snapshot, digest: str) -> Key | None:
    row = await snapshot.row(KEY, snapshot.now, digest)
    return None if row is None else _key_of(row)


async def _keys(snapshot: Snapshot, account: str | None, before: str, limit: int | None) -> list[Key]:
    return [_key_of(row) for row in await snapshot.fetch(KEYS, account, before, limit)]


async def _create_key(tx: Transaction, key: NewKey, by: By | None) -> Key:
    row = await tx.row(
        CREATE_KEY,
        tx.now,
        key.id,
        key.account_id,
        key.user_id,
        key.name,
        key.digest,
        [scope.value for scope in key.scopes],
        list(key.queues),
        key.expires_in_s,
    )
    assert row is not None
    made = _key_of(row)
    await record(tx, by, [audit.of_new_key(made)])
    return made


async def _use_keys(tx: Transaction, ids: Collection[str]) -> None:
    await tx.run(USE_KEYS, tx.now, list(ids))


async def _revoke_key(tx: Transaction, account: str | None, key_id: str, by: By | None) -> Key | None:
    row = await tx.row(REVOKE_KEY, tx.now, key_id, account)
    if row is None:
        return None
    key = _key_of(row)
    if not row["before"]:
        await record(tx, by, [audit.of_revoked_key(key)])
    return key


# --- buckets -------------------------------------------------------------------------------------------------------------


async def _look(snapshot: Snapshot, buckets: Sequence[Bucket]) -> tuple[float, dict[str, float]]:
    """How long it is until there is a token in each; and by how much later each is full when it is taken."""
    rows = await snapshot.fetch(BUCKETS, snapshot.now, [bucket.name for bucket in buckets])
    later_s, wait_s = take(buckets, {row["name"]: row["full_in_s"] for row in rows})
    return wait_s, later_s


async def _spend(tx: Transaction, buckets: Sequence[Bucket]) -> float:
    await tx.run(SPEND_LOCK, tx.now, list({bucket.name for bucket in buckets}))
    wait_s, later_s = await _look(tx, buckets)
    if not wait_s:
        await tx.run(SPEND, tx.now, list(later_s), list(later_s.values()))
    return wait_s


async def _charge(tx: Transaction, charges: Mapping[str, Charge]) -> dict[str, float]:
    names = list(charges)
    await tx.run(CHARGE_LOCK, names)
    await tx.run(CHARGE, tx.now, names, *columns(charges.values()))
    return {row["name"]: row["full_in_s"] for row in await tx.fetch(BUCKETS, tx.now, names)}


# --- tasks ---------------------------------------------------------------------------------------------------------------


async def _owners(snapshot: Snapshot, ids: Sequence[str]) -> dict[str, str]:
    return {row["id"]: row["account_id"] for row in await snapshot.fetch(OWNERS, ids, earliest_finish(ids))}
