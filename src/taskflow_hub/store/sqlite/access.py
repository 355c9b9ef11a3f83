"""Users, their logins, keys, and how often anybody may try."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from msgspec import Struct

from taskflow_hub.domain.access import Key, Role, Scope, User, address_key
from taskflow_hub.domain.audit import Action, By
from taskflow_hub.domain.buckets import Charge, charged
from taskflow_hub.domain.errors import EmailTaken, LastAdmin, NotFound, RegistrationClosed, TaskflowError
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.domain.quota import Quota
from taskflow_hub.store import audit
from taskflow_hub.store.buckets import take
from taskflow_hub.store.cursor import BEYOND
from taskflow_hub.store.documents import decoder, to_json
from taskflow_hub.store.sqlite.audit import record
from taskflow_hub.store.sqlite.part import Part
from taskflow_hub.store.sqlite.quotas import write_quota
from taskflow_hub.store.sqlite.statements import Statement, statement
from taskflow_hub.store.sqlite.transaction import SECOND, Snapshot, Transaction, from_us, to_us
from taskflow_hub.store.values import Bucket, NewKey, NewUser

ANY_USER: Final = statement("any_user")
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
KEY_REVOKED: Final = statement("only/key_revoked")
BUCKETS: Final = statement("buckets")
SPEND: Final = statement("spend")
REFUND: Final = statement("refund")
OWNERS: Final = statement("owners")
ANY_NUMBER: Final = -1  # as SQLite says it after LIMIT


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
        return await self._readers.read(_user, SESSION, session_id, to_us(self._clock()))

    async def create_key(self, key: NewKey, *, by: By | None = None) -> Key:
        return await self._writer.write(_create_key, key, by)

    async def key(self, digest: str) -> Key | None:
        return await self._readers.read(_key, digest, to_us(self._clock()))

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
        wait_s = await self._readers.read(_wait_s, buckets, to_us(self._clock()))
        return wait_s or await self._writer.write(_spend, buckets)

    async def refund(self, name: str) -> None:
        await self._writer.write(_change, REFUND, name)

    async def charge(self, charges: Mapping[str, Charge]) -> dict[str, float]:
        return await self._writer.write(_charge, charges) if charges else {}

    async def owners(self, ids: Sequence[str]) -> dict[str, str]:
        return await self._readers.read(_owners, ids) if ids else {}


# --- users ---------------------------------------------------------------------------------------------------------------


class UserRow(Struct, array_like=True):
    """One row of user.sql."""

    id: str
    account_id: str
    email: str
    role: Role
    created_at: int

    def user(self) -> User:
        return User(
            id=self.id,
            account_id=self.account_id,
            email=self.email,
            role=self.role,
            created_at=from_us(self.created_at),
        )


def _user(snapshot: Snapshot, sql: Statement, *values: object) -> User | None:
    found = snapshot.value(sql, *values)
    if found is None:
        return None
    row: UserRow = decoder(UserRow).decode(found)
    return row.user()


def _any_user(snapshot: Snapshot) -> bool:
    return bool(snapshot.value(ANY_USER))


def _login(snapshot: Snapshot, email: str) -> tuple[User, str] | None:
    found = snapshot.value(LOGIN, address_key(email))
    if found is None:
        return None
    row: UserRow
    row, password_hash = decoder(tuple[UserRow, str]).decode(found)
    return row.user(), password_hash


def _users(snapshot: Snapshot, account: str | None, after: str, limit: int | None) -> list[User]:
    values = (account, after, account, after, ANY_NUMBER if limit is None else limit)
    return [row.user() for row in snapshot.document(list[UserRow], USERS, *values)]


def _register(
    tx: Transaction, user: NewUser, closed: bool, quota: Quota | None, by: By | None
) -> User | TaskflowError:
    if not _any_user(tx):
        return _add(tx, user, DEFAULT_ACCOUNT, Role.ADMIN, by, Action.USER_REGISTER)
    if closed:
        return RegistrationClosed()
    added = _add(tx, user, user.id, Role.USER, by, Action.USER_REGISTER)
    if isinstance(added, User) and quota is not None:
        write_quota(tx, quota)
        record(tx, by, audit.of_quota(Quota(account_id=quota.account_id), quota))
    return added


def _add(
    tx: Transaction, user: NewUser, account: str, role: Role, by: By | None, action: Action
) -> User | TaskflowError:
    address = address_key(user.email)
    if not tx.run(ADD_USER, user.id, account, user.email, address, user.password_hash, role, tx.now):
        return EmailTaken()
    added = _known_user(tx, user.id)
    record(tx, by, [audit.of_user(action, added, after={"email": added.email, "role": added.role})])
    return added


def _known_user(tx: Transaction, user_id: str) -> User:
    user = _user(tx, USER, user_id)
    assert user is not None
    return user


def _set_role(tx: Transaction, user_id: str, role: Role, by: By | None) -> User | TaskflowError:
    user = _user(tx, USER, user_id)
    if user is None:
        return NotFound()
    if user.role is role:
        return user
    if tx.document(list[str], ADMINS) == [user_id]:
        return LastAdmin()
    tx.run(SET_ROLE, role, user_id)
    record(tx, by, [audit.of_user(Action.USER_SET_ROLE, user, {"role": user.role}, {"role": role})])
    return _known_user(tx, user_id)


def _set_password(
    tx: Transaction, user_id: str, password_hash: str, was: str | None, by: By | None
) -> User | None:
    if not tx.run(SET_PASSWORD, password_hash, user_id, was):
        return None
    tx.run(END_SESSIONS, user_id)
    user = _known_user(tx, user_id)
    record(tx, by, [audit.of_user(Action.USER_SET_PASSWORD, user)])
    return user


# --- sessions ------------------------------------------------------------------------------------------------------------


def _begin_session(
    tx: Transaction, session_id: str, user_id: str, ttl_s: float, hash: str | None, by: By | None
) -> bool:
    if not tx.run(BEGIN_SESSION, session_id, tx.now, tx.now + round(ttl_s * SECOND), user_id, hash):
        return False
    _record_login(tx, by, Action.LOGIN_BEGIN, session_id, user_id)
    return True


def _refresh_session(
    tx: Transaction, session_id: str, generation: int, ttl_s: float, by: By | None
) -> User | None:
    values = (tx.now + round(ttl_s * SECOND), session_id, generation, tx.now)
    whose = tx.connection.execute(REFRESH_SESSION.text, values).fetchall()
    if whose:
        return _known_user(tx, whose[0][0])
    for (user_id,) in tx.connection.execute(REUSE_SESSION.text, (session_id, generation)).fetchall():
        _record_login(tx, by, Action.LOGIN_REUSE, session_id, user_id)
    return None


def _end_session(tx: Transaction, session_id: str, by: By | None) -> None:
    for (user_id,) in tx.connection.execute(END_SESSION.text, (session_id,)).fetchall():
        _record_login(tx, by, Action.LOGIN_END, session_id, user_id)


def _record_login(tx: Transaction, by: By | None, action: Action, session_id: str, user_id: str) -> None:
    if by is not None:
        record(tx, by, [audit.of_login(action, _known_user(tx, user_id), session_id)])


def _change(tx: Transaction, sql: Statement, *values: object) -> None:
    tx.run(sql, *values)


# --- keys ----------------------------------------------------------------------------------------------------------------


class KeyRow(Struct, array_like=True):
    """One row of key.sql."""

    id: str
    account_id: str
    user_id: str | None
    name: str
    scopes: tuple[Scope, ...]
    queues: tuple[str, ...]
    created_at: int
    expires_at: int | None
    last_used_at: int | None
    revoked_at: int | None

    def key(self) -> Key:
        return Key(
            id=self.id,
            account_id=self.account_id,
            user_id=self.user_id,
            name=self.name,
            scopes=self.scopes,
            queues=self.queues,
            created_at=from_us(self.created_at),
            expires_at=None if self.expires_at is None else from_us(self.expires_at),
            last_used_at=None if self.last_used_at is None else from_us(self.last_used_at),
            revoked_at=None if self.revoked_at is None else from_us(self.revoked_at),
        )


def _key(snapshot: Snapshot, digest: str, now: int) -> Key | None:
    return _key_of(snapshot.value(KEY, digest, now))


def _key_of(found: str | None) -> Key | None:
    if found is None:
        return None
    row: KeyRow = decoder(KeyRow).decode(found)
    return row.key()


def _keys(snapshot: Snapshot, account: str | None, before: str, limit: int | None) -> list[Key]:
    values = (account, before, account, before, ANY_NUMBER if limit is None else limit)
    return [row.key() for row in snapshot.document(list[KeyRow], KEYS, *values)]


def _create_key(tx: Transaction, key: NewKey, by: By | None) -> Key:
    expires_at = None if key.expires_in_s is None else tx.now + round(key.expires_in_s * SECOND)
    tx.run(
        CREATE_KEY,
        key.id,
        key.account_id,
        key.user_id,
        key.name,
        key.digest,
        to_json(key.scopes),
        to_json(key.queues),
        tx.now,
        expires_at,
    )
    made = Key(
        id=key.id,
        account_id=key.account_id,
        user_id=key.user_id,
        name=key.name,
        scopes=key.scopes,
        queues=key.queues,
        created_at=from_us(tx.now),
        expires_at=None if expires_at is None else from_us(expires_at),
    )
    record(tx, by, [audit.of_new_key(made)])
    return made


def _use_keys(tx: Transaction, ids: Collection[str]) -> None:
    tx.run(USE_KEYS, tx.now, to_json(list(ids)))


def _revoke_key(tx: Transaction, account: str | None, key_id: str, by: By | None) -> Key | None:
    before = tx.value(KEY_REVOKED, key_id)
    rows = tx.connection.execute(REVOKE_KEY.text, (tx.now, key_id, account)).fetchall()
    key = _key_of(rows[0][0] if rows else None)
    if key is not None and not before:
        record(tx, by, [audit.of_revoked_key(key)])
    return key


# --- buckets -------------------------------------------------------------------------------------------------------------


def _full_at(snapshot: Snapshot, names: Sequence[str]) -> dict[str, int]:
    return snapshot.document(dict[str, int], BUCKETS, to_json(names))


def _taken(buckets: Sequence[Bucket], full_at: dict[str, int], now: int) -> tuple[dict[str, float], float]:
    return take(buckets, {name: (at - now) / SECOND for name, at in full_at.items()})


def _wait_s(snapshot: Snapshot, buckets: Sequence[Bucket], now: int) -> float:
    return _taken(buckets, _full_at(snapshot, [bucket.name for bucket in buckets]), now)[1]


def _spend(tx: Transaction, buckets: Sequence[Bucket]) -> float:
    full_at = _full_at(tx, [bucket.name for bucket in buckets])
    later_s, wait_s = _taken(buckets, full_at, tx.now)
    if not wait_s:
        items = [(name, max(full_at.get(name, 0), tx.now) + round(s * SECOND)) for name, s in later_s.items()]
        tx.run_items(SPEND, items)
    return wait_s


def _charge(tx: Transaction, charges: Mapping[str, Charge]) -> dict[str, float]:
    full_at = _full_at(tx, list(charges))
    full_in_s = {
        name: charged((full_at.get(name, 0) - tx.now) / SECOND, charge) for name, charge in charges.items()
    }
    tx.run_items(SPEND, [(name, tx.now + round(s * SECOND)) for name, s in full_in_s.items()])
    return full_in_s


# --- tasks ---------------------------------------------------------------------------------------------------------------


def _owners(snapshot: Snapshot, ids: Sequence[str]) -> dict[str, str]:
    these = to_json(ids)
    return snapshot.document(dict[str, str], OWNERS, these, these)
