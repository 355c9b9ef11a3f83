"""Who may do what: accounts own, users log in, keys are what programs present.

A role is a person's; it comes down to scopes, which is all that is ever asked for. A key has scopes of its own, never more than
whoever made it, and may be narrowed to queues.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final
from unicodedata import normalize

from msgspec import Struct

from taskflow_hub.domain.errors import Forbidden
from taskflow_hub.domain.model import DEFAULT_ACCOUNT


class Scope(StrEnum):
    """What a request may do, within its account."""

    SUBMIT = "submit"
    READ = "read"
    MANAGE = "manage"  # cancel, redrive, delete, and make keys
    WORK = "work"  # serve as a worker
    ADMIN = "admin"  # everything, in every account; and what all accounts share, such as queues


class Role(StrEnum):
    """What a user may do."""

    ADMIN = "admin"
    USER = "user"
    VIEWER = "viewer"


EVERYTHING: Final = frozenset(Scope)
SCOPES: Final[Mapping[Role, frozenset[Scope]]] = {
    Role.ADMIN: EVERYTHING,
    Role.USER: frozenset({Scope.SUBMIT, Scope.READ, Scope.MANAGE, Scope.WORK}),
    Role.VIEWER: frozenset({Scope.READ}),
}


class Confidential(Struct, frozen=True):
    """What must not be seen where it is printed by mistake."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class User(Struct, frozen=True, kw_only=True):
    """Someone who logs in. The password's hash is nowhere but in the store and where it is compared."""

    id: str
    account_id: str
    email: str
    role: Role
    created_at: datetime


def address_key(email: str) -> str:
    """What two spellings of one e-mail address have in common: upper and lower case, and how accents are put together."""
    return normalize("NFC", normalize("NFC", email).lower())


class Key(Struct, frozen=True, kw_only=True):
    """What a program presents. The secret itself is shown once and not kept; `queues` empty means: every queue."""

    id: str
    account_id: str
    user_id: str | None  # who made it
    name: str
    scopes: tuple[Scope, ...]
    queues: tuple[str, ...] = ()
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None  # to the minute
    revoked_at: datetime | None = None


class Who(Struct, frozen=True, kw_only=True):
    """Who asks, once it is known."""

    account_id: str
    scopes: frozenset[Scope]
    user: User | None = None
    key: Key | None = None
    session: str | None = None  # the login that this belongs to
    everywhere: bool = False  # may look into every account

    @property
    def user_id(self) -> str | None:
        """Who answers for what is done: the user, or who made the key."""
        if self.user is not None:
            return self.user.id
        return None if self.key is None else self.key.user_id

    @property
    def looks_into(self) -> str | None:
        """The account they may look into; None: every one."""
        return None if self.everywhere else self.account_id

    @property
    def queues(self) -> tuple[str, ...]:
        """The only queues it may see and use; empty: all."""
        return () if self.key is None else self.key.queues

    def require(self, scope: Scope) -> None:
        """Raises Forbidden."""
        if scope not in self.scopes:
            raise Forbidden(f"This needs the scope {scope}.")

    def require_lasting(self) -> None:
        """Raises Forbidden for a key that runs out: whom or what it makes could outlive it."""
        if self.key is not None and self.key.expires_at is not None:
            raise Forbidden("A key that runs out makes no keys and no users, which could outlive it.")

    def require_every_queue(self) -> None:
        """Raises Forbidden for a key that is for some queues only: what is asked for belongs to the whole account."""
        if self.queues:
            raise Forbidden(
                f"This key is for {', '.join(self.queues)} only; what is asked for concerns the whole account."
            )

    def require_queue(self, queue: str) -> None:
        """Raises Forbidden for a queue that the key is not for."""
        if self.queues and queue not in self.queues:
            raise Forbidden(f"This key is not for the queue {queue}.")


# A hub without accounts: everybody who reaches it may do everything, and all belongs to one account.
ANYBODY: Final = Who(account_id=DEFAULT_ACCOUNT, scopes=EVERYTHING)


def by_user(user: User, session: str) -> Who:
    scopes = SCOPES[user.role]
    return Who(
        account_id=user.account_id,
        scopes=scopes,
        user=user,
        session=session,
        everywhere=Scope.ADMIN in scopes,
    )


def by_key(key: Key, maker: User | None) -> Who:
    """The scope `admin` contains all others; what is for some queues only administers nothing.

    A key never may more than whoever made it may now: a role that is taken away is gone from the keys, too. (`maker` None:
    nobody did, but a program beside the database.)
    """
    scopes = EVERYTHING if Scope.ADMIN in key.scopes else frozenset(key.scopes)
    if key.queues:
        scopes -= {Scope.ADMIN}
    if maker is not None:
        scopes &= SCOPES[maker.role]
    return Who(account_id=key.account_id, scopes=scopes, key=key, everywhere=Scope.ADMIN in scopes)
