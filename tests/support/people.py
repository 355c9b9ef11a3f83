"""Users, keys and logins in a hub with accounts, made beside its API: no password is hashed for them."""

import functools
import secrets as chance
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from pwdlib import PasswordHash
from tests.support.http_api import Running

from taskflow_hub.domain.access import Role, Scope, User
from taskflow_hub.domain.clock import new_id, utc_now
from taskflow_hub.domain.errors import or_raise
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.engine.accounts import secrets
from taskflow_hub.engine.accounts.tokens import Tokens, Use
from taskflow_hub.engine.settings import AuthSettings
from taskflow_hub.store.values import NewKey, NewUser

SECRET: Final = "a secret for tests, thirty-two characters and more"
ACCOUNTS: Final = AuthSettings(secret=SECRET)
A_DAY_S: Final = 86_400.0

Headers = dict[str, str]


@functools.cache
def a_hash() -> str:
    """Of a password that nobody is told."""
    return PasswordHash.recommended().hash(chance.token_hex())


def bearer(credential: str) -> Headers:
    return {"Authorization": f"Bearer {credential}"}


@dataclass(frozen=True)
class People:
    """Who there may be in `hub`."""

    hub: Running

    async def user(self, role: Role = Role.USER, account: str = DEFAULT_ACCOUNT) -> tuple[User, Headers]:
        """A new user who is logged in."""
        new = NewUser(id=new_id(), email=f"{chance.token_hex(4)}@example.org", password_hash=a_hash())
        user = or_raise(await self.hub.engine.store.add_user(new, account, role))
        return user, bearer(await self.token(user))

    async def token(self, user: User, *, ttl_s: float = 900.0) -> str:
        """An access token; `ttl_s` negative: one that ran out so long ago."""
        session = new_id()
        assert await self.hub.engine.store.begin_session(session, user.id, A_DAY_S)
        now = utc_now() + timedelta(seconds=min(ttl_s, 0.0))
        return Tokens(SECRET, lambda: now).sign(Use.ACCESS, session, abs(ttl_s) if ttl_s > 0 else 0.0)

    async def key(
        self,
        *scopes: Scope,
        account: str = DEFAULT_ACCOUNT,
        queues: tuple[str, ...] = (),
        user: User | None = None,
    ) -> Headers:
        """What a program with such a key sends."""
        secret = secrets.new_secret()
        digest = secrets.digest(secret)
        assert digest
        new = NewKey(
            id=new_id(),
            account_id=account,
            user_id=user.id if user else None,
            name="a test's",
            digest=digest,
            scopes=scopes,
            queues=queues,
        )
        await self.hub.engine.store.create_key(new)
        return bearer(secret)
