"""Everything about accounts, put together."""

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Protocol

from taskflow_hub.domain.access import Who
from taskflow_hub.domain.clock import Clock, Monotonic
from taskflow_hub.engine.accounts.identity import Identity
from taskflow_hub.engine.accounts.keys import Keys
from taskflow_hub.engine.accounts.logins import Logins
from taskflow_hub.engine.accounts.passwords import Passwords
from taskflow_hub.engine.accounts.tokens import Tokens
from taskflow_hub.engine.accounts.users import Users
from taskflow_hub.engine.settings import AuthSettings, QuotaSettings
from taskflow_hub.store.base import AccessStore, AuditStore


class _Store(AccessStore, AuditStore, Protocol): ...


class Accounts:
    """Without a secret the hub has none: `identity` knows everybody, and the rest raises AccountsOff."""

    def __init__(
        self,
        store: _Store,
        settings: AuthSettings,
        *,
        quotas: QuotaSettings,
        clock: Clock,
        new_id: Callable[[], str],
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        tokens = None if settings.secret is None else Tokens(settings.secret, clock)
        passwords = Passwords()
        self.identity = Identity(store, tokens, clock, monotonic)
        self.logins = Logins(store, self.identity, passwords, tokens, settings, quotas, new_id)
        self.users = Users(store, self.identity, passwords, new_id)
        self.keys = Keys(store, self.identity, new_id)
        self._secret = settings.secret

    def csrf_token(self, who: Who) -> str | None:
        """What a page says with each change it asks for, and a page of another site cannot know; None: not a login."""
        if self._secret is None or who.session is None:
            return None
        return hmac.new(self._secret.encode(), f"csrf:{who.session}".encode(), hashlib.sha256).hexdigest()
