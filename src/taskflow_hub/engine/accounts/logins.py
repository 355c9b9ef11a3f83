"""Registering, logging in and out, and a new password."""

import hashlib
import ipaddress
from collections.abc import Callable
from typing import Final

from taskflow_hub.domain.access import Confidential, User, Who, address_key, by_user
from taskflow_hub.domain.errors import (
    Forbidden,
    Invalid,
    RegistrationClosed,
    Throttled,
    Unauthenticated,
    or_raise,
)
from taskflow_hub.engine.accounts.identity import Identity
from taskflow_hub.engine.accounts.passwords import Passwords
from taskflow_hub.engine.accounts.tokens import Tokens, Use
from taskflow_hub.engine.settings import AuthSettings, Registration
from taskflow_hub.store.base import AccessStore
from taskflow_hub.store.values import Bucket, NewUser

# How often somebody may try, and how many more each second: one e-mail address from one network address; from one network
# address; and, so much that nobody can easily keep its owner out, one e-mail address from anywhere.
HERE: Final = (10, 1 / 30)
FROM_HERE: Final = (50, 1 / 5)
ANYWHERE: Final = (200, 1 / 5)
NETWORK_V6: Final = 64  # bits of an IPv6 address that whoever has it shares with all their others
FIRST: Final = 1  # the generation of a refresh token that a login begins with


class Login(Confidential, frozen=True, kw_only=True):
    """A login's tokens: the access token goes with each request, the refresh token makes the next pair, once."""

    user: User
    access_token: str
    refresh_token: str
    expires_in: float  # seconds for which the access token is good
    token_type: str = "Bearer"  # noqa: S105 (its name in RFC 6750)


class Cookie(Confidential, frozen=True):
    who: Who
    value: str
    max_age_s: int


class Logins:
    """`tokens` None: the hub has no accounts, and everything here raises AccountsOff."""

    def __init__(
        self,
        store: AccessStore,
        identity: Identity,
        passwords: Passwords,
        tokens: Tokens | None,
        settings: AuthSettings,
        new_id: Callable[[], str],
    ) -> None:
        self._store, self._identity, self._passwords = store, identity, passwords
        self._maybe_tokens, self._settings, self._new_id = tokens, settings, new_id

    async def register(self, email: str, password: str, address: str) -> Login:
        """Add a user, and log them in. Raises EmailTaken, RegistrationClosed, Throttled."""
        tokens = self._tokens()
        await self._spend(_bucket("register-from", _network(address), FROM_HERE))
        closed = self._settings.registration is Registration.CLOSED
        if closed and await self._store.any_user():
            raise RegistrationClosed  # before anything is hashed for a stranger
        new = NewUser(id=self._new_id(), email=email, password_hash=await self._passwords.hash(password))
        user = or_raise(await self._store.register_user(new, closed=closed))
        return await self._begin(tokens, user, new.password_hash)

    async def login(self, email: str, password: str, address: str) -> Login:
        """Raises Unauthenticated, in the same words and time whether it is the address or the password; Throttled."""
        tokens = self._tokens()
        here = await self._try(email, address)
        found = await self._store.login(email)
        matches = await self._passwords.matches(password, found[1] if found else None)
        if found is None or not matches:
            raise Unauthenticated("No user has this e-mail address and password.")
        await self._store.refund(here)
        return await self._begin(tokens, *found)

    async def refresh(self, refresh_token: str) -> Login:
        """The next pair. Raises Unauthenticated; the same token twice ends the login, for one of the two was stolen."""
        tokens = self._tokens()
        token = tokens.read(Use.REFRESH, refresh_token)
        if await self._store.session(token.session) is None:
            raise Unauthenticated("This login has ended; log in again.")
        user = await self._store.refresh_session(token.session, token.generation, self._settings.refresh_ttl)
        if user is None:
            self._identity.forget()
            raise Unauthenticated("This refresh token was used before, so the login has ended; log in again.")
        return self._pair(tokens, user, token.session, token.generation + 1)

    async def logout(self, who: Who) -> None:
        """End the login. A key has none: Forbidden."""
        self._tokens()
        if who.session is None:
            raise Forbidden("A key is no login; revoke it instead.")
        await self._store.end_session(who.session)
        self._identity.forget()

    async def change_password(self, who: Who, old: str, new: str, address: str) -> Login:
        """All logins of the user end, and a new one begins.

        Raises Invalid for a wrong `old`, Forbidden for a key, Throttled.
        """
        tokens = self._tokens()
        if who.user is None:
            raise Forbidden("A key has no password; log in.")
        here = await self._try(who.user.email, address)
        found = await self._store.login(who.user.email)
        if found is None or not await self._passwords.matches(old, found[1]):
            raise Invalid.field("/old_password", "is not the present password")
        hash = await self._passwords.hash(new)
        if await self._store.set_password(who.user.id, hash, was=found[1]) is None:
            raise Unauthenticated("The password was changed a moment ago; log in again.")
        await self._store.refund(here)
        self._identity.forget()
        return await self._begin(tokens, found[0], hash)

    def cookie(self, login: Login) -> Cookie:
        """For a browser: the same login, for as long as it lasts without a refresh."""
        tokens, ttl_s = self._tokens(), self._settings.refresh_ttl
        session = tokens.read(Use.ACCESS, login.access_token).session
        return Cookie(by_user(login.user, session), tokens.sign(Use.COOKIE, session, ttl_s), int(ttl_s))

    async def _begin(self, tokens: Tokens, user: User, hash: str) -> Login:
        """Unless the password, whose `hash` was compared, has been changed since: then this would outlive the change."""
        session, ttl_s = self._new_id(), self._settings.refresh_ttl
        if not await self._store.begin_session(session, user.id, ttl_s, password_hash=hash):
            raise Unauthenticated("The password was changed a moment ago; log in again.")
        return self._pair(tokens, user, session, FIRST)

    def _pair(self, tokens: Tokens, user: User, session: str, generation: int) -> Login:
        ttl_s = self._settings.access_ttl
        return Login(
            user=user,
            access_token=tokens.sign(Use.ACCESS, session, ttl_s),
            refresh_token=tokens.sign(Use.REFRESH, session, self._settings.refresh_ttl, generation),
            expires_in=ttl_s,
        )

    async def _try(self, email: str, address: str) -> str:
        """The name of the bucket that is filled again by whoever is right. Raises Throttled."""
        key, network = address_key(email), _network(address)
        here = _bucket("login", f"{key} {network}", HERE)
        await self._spend(here, _bucket("login-from", network, FROM_HERE), _bucket("login-to", key, ANYWHERE))
        return here.name

    async def _spend(self, *buckets: Bucket) -> None:
        wait_s = await self._store.spend(buckets)
        if wait_s > 0:
            raise Throttled("Too many tries; wait a moment.", retry_after_s=wait_s)

    def _tokens(self) -> Tokens:
        self._identity.require_accounts()
        assert self._maybe_tokens is not None
        return self._maybe_tokens


def _network(address: str) -> str:
    """Whoever has one IPv6 address has a whole network of them. An IPv4 address in its clothes, as a hub that listens on `::`
    sees them all, is still one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, NETWORK_V6), strict=False))


def _bucket(what: str, whose: str, size: tuple[float, float]) -> Bucket:
    """Not under the address itself: what is typed there may be a password."""
    return Bucket(f"{what}:{hashlib.sha256(whose.encode()).hexdigest()[:32]}", *size)
