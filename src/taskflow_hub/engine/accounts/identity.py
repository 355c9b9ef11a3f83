"""From what a request presents to who asks."""

import contextlib
import hashlib
import time
from datetime import timedelta
from typing import Final

from cachetools import TTLCache

from taskflow_hub.domain.access import ANYBODY, Who, by_key, by_user
from taskflow_hub.domain.clock import Clock, Monotonic
from taskflow_hub.domain.errors import AccountsOff, Unauthenticated, Unavailable
from taskflow_hub.engine.accounts import secrets
from taskflow_hub.engine.accounts.tokens import Tokens, Use
from taskflow_hub.store.base import AccessStore

REMEMBERED_S: Final = 2.0  # how long another process may still serve what was revoked, in seconds
REMEMBERED: Final = 10_000  # credentials
NOTED: Final = timedelta(minutes=1)  # how exactly a key's last use is known


class Identity:
    """`tokens` None: a hub without accounts, where everybody may do everything."""

    def __init__(
        self, store: AccessStore, tokens: Tokens | None, clock: Clock, monotonic: Monotonic = time.monotonic
    ) -> None:
        self._store, self._tokens, self._clock = store, tokens, clock
        self._forgotten = 0  # how often: what was read before the last time is not remembered after it
        self._known: TTLCache[tuple[Use, bytes], Who] = TTLCache(REMEMBERED, REMEMBERED_S, timer=monotonic)

    @property
    def open(self) -> bool:
        return self._tokens is None

    def require_accounts(self) -> None:
        """Raises AccountsOff."""
        if self._tokens is None:
            raise AccountsOff("This hub has no accounts; set auth.secret to turn them on.")

    async def who(self, credential: str | None, use: Use = Use.ACCESS) -> Who:
        """Who presents this key, or token for `use`. Raises Unauthenticated; StoreUnavailable when nobody can say."""
        if self._tokens is None:
            return ANYBODY
        if not credential:
            raise Unauthenticated
        mark = (use, hashlib.sha256(credential.encode("utf-8", "surrogateescape")).digest())
        known = self._known.get(mark)
        if known is None:
            forgotten = self._forgotten
            is_key = use is Use.ACCESS and credential.startswith(secrets.PREFIX)
            known = await (
                self._by_key(credential) if is_key else self._by_token(self._tokens, credential, use)
            )
            if forgotten == self._forgotten:
                self._known[mark] = known
        return known

    def forget(self) -> None:
        """Something was revoked, or a role has changed: look again."""
        self._forgotten += 1
        self._known.clear()

    async def _by_key(self, secret: str) -> Who:
        digest = secrets.digest(secret)
        key = None if digest is None else await self._store.key(digest)
        if key is None:
            raise Unauthenticated("This key does not exist, was revoked, or has run out.")
        maker = None if key.user_id is None else await self._store.user(key.user_id)
        if maker is None and key.user_id is not None:
            raise Unauthenticated("Whoever made this key is gone.")
        if key.last_used_at is None or self._clock() - key.last_used_at >= NOTED:
            with contextlib.suppress(Unavailable):  # what is asked for may still be answered
                await self._store.use_keys([key.id])
        return by_key(key, maker)

    async def _by_token(self, tokens: Tokens, text: str, use: Use) -> Who:
        token = tokens.read(use, text)
        user = await self._store.session(token.session)
        if user is None:
            raise Unauthenticated("This login has ended; log in again.")
        return by_user(user, token.session)
