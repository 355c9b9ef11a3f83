"""Bodies of requests and answers about logins, users and keys."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from taskflow_hub.domain.access import Confidential, Key, Role, Scope, User
from taskflow_hub.domain.shapes import ACCOUNT_PATTERN, EMAIL_PATTERN
from taskflow_hub.domain.submission import QueueName

YEAR_S: Final = 366 * 86_400.0

Email = Annotated[
    str,
    Meta(pattern=EMAIL_PATTERN, description="An e-mail address; upper and lower case make no difference."),
]
NewPassword = Annotated[str, Meta(min_length=8, max_length=256)]
Password = Annotated[str, Meta(max_length=256)]

# --- requests


class Registration(Confidential, frozen=True, forbid_unknown_fields=True):
    """Somebody new."""

    email: Email
    password: NewPassword


class Credentials(Confidential, frozen=True, forbid_unknown_fields=True):
    """Somebody known. `cookie`: answer with a cookie instead of tokens, for a page."""

    email: Email
    password: Password
    cookie: bool = False


class Refresh(Confidential, frozen=True, forbid_unknown_fields=True):
    """The refresh token of the last login or refresh; good once."""

    refresh_token: Annotated[str, Meta(max_length=4096)]


class PasswordChange(Confidential, frozen=True, forbid_unknown_fields=True):
    """All logins of the user end, and a new one begins."""

    old_password: Password
    new_password: NewPassword


class KeyRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A key to be made: what it is called, what it may do, in which queues (none named: all), and for how many seconds."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=len(Scope))]
    queues: Annotated[tuple[QueueName, ...], Meta(max_length=100)] = ()
    expires_in: Annotated[float, Meta(ge=1, le=10 * YEAR_S)] | None = None


class UserRequest(Confidential, frozen=True, forbid_unknown_fields=True):
    """A user to be added; to the admin's own account, if none is named."""

    email: Email
    password: NewPassword
    role: Role = Role.USER
    account: Annotated[str, Meta(pattern=ACCOUNT_PATTERN)] | None = None


class UserChange(Struct, frozen=True, forbid_unknown_fields=True):
    """A user's new role."""

    role: Role


# --- answers


class Session(Struct, frozen=True, kw_only=True):
    """A login in a page: the cookie is all it needs, and with each change the token in `X-CSRF-Token`."""

    user: User
    csrf_token: str | None


class Me(Struct, frozen=True, kw_only=True):
    """Who asks, and what they may do. Without accounts everybody may do everything, and `user` and `key` are null."""

    accounts: bool  # whether this hub has accounts at all
    account_id: str
    user: User | None
    key: Key | None
    scopes: tuple[Scope, ...]
    queues: tuple[str, ...]  # empty: all
    csrf_token: str | None  # for a page


class KeyList(Struct, frozen=True):
    """Newest first. Without `limit` all, and `next_cursor` is null."""

    items: list[Key]
    next_cursor: str | None


class UserList(Struct, frozen=True):
    """Oldest first. Without `limit` all, and `next_cursor` is null."""

    items: list[User]
    next_cursor: str | None
