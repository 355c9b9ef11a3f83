"""Logging in and out, and what is asked of users and keys."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from taskflow_hub.client.conversation import Conversation, segment
from taskflow_hub.client.model import Login, Me, SecretKey
from taskflow_hub.client.plan import Plan, Request
from taskflow_hub.domain.access import Key, Role, Scope, User


class _Keys(Struct, frozen=True):
    items: list[Key]


class _Users(Struct, frozen=True):
    items: list[User]


class AccessPlans(Conversation):
    def login(self, email: str, password: str) -> Plan[Login]:
        """Begin a login. The client goes on with the key it has: give the access token to a new one.

        Raises Unauthenticated for an unknown address and for a wrong password alike; Throttled.
        """
        body = {"email": email, "password": password}
        return self.ask(Login, "POST", "auth/login", body=body, repeatable=False)

    def refresh(self, refresh_token: str) -> Plan[Login]:
        """Trade a refresh token for the next pair. Each is good once: the same again ends the login. Raises Unauthenticated."""
        body = {"refresh_token": refresh_token}
        return self.ask(Login, "POST", "auth/refresh", body=body, repeatable=False)

    def logout(self) -> Plan[None]:
        """End the login whose access token this client presents. Raises Forbidden for a key, which is no login."""
        yield from self.send(Request(method="POST", path="auth/logout"), repeatable=False)

    def register(self, email: str, password: str) -> Plan[Login]:
        """Add a user with an account of their own, and log them in; the hub's very first becomes its admin.

        Raises EmailTaken, RegistrationClosed, Throttled, Invalid.
        """
        body = {"email": email, "password": password}
        return self.ask(Login, "POST", "auth/register", body=body, repeatable=False)

    def change_password(self, old_password: str, new_password: str) -> Plan[Login]:
        """Change one's own password. All logins of the user end, and a new one begins. Raises Invalid, Forbidden, Throttled."""
        body = {"old_password": old_password, "new_password": new_password}
        return self.ask(Login, "POST", "auth/password", body=body, repeatable=False)

    def me(self) -> Plan[Me]:
        """Who one is to this hub, and what one may do. Raises Unauthenticated."""
        return self.ask(Me, "GET", "auth/me")

    def create_key(
        self,
        name: str,
        scopes: Iterable[Scope | str],
        *,
        queues: Iterable[str] = (),
        expires_in: float | None = None,
    ) -> Plan[SecretKey]:
        """Make an API key, for these queues (none: for every one) and so many seconds. Its secret is told this once.

        Raises Forbidden for more than one may do oneself.
        """
        body: dict[str, Any] = {
            "name": name,
            "scopes": list(scopes),
            "queues": list(queues),
            "expires_in": expires_in,
        }
        return self.ask(SecretKey, "POST", "keys", body=body, repeatable=False)

    def keys(self) -> Plan[list[Key]]:
        """The account's API keys, for an admin all; newest first, revoked and expired ones included."""
        return (yield from self.ask(_Keys, "GET", "keys")).items

    def revoke_key(self, id: str) -> Plan[Key]:
        """Let an API key open nothing any more. Twice is harmless. Raises NotFound."""
        return self.ask(Key, "POST", f"keys/{segment(id)}/revoke")

    def users(self) -> Plan[list[User]]:
        """The account's users, for an admin all; oldest first."""
        return (yield from self.ask(_Users, "GET", "users")).items

    def add_user(
        self, email: str, password: str, *, role: Role | str = Role.USER, account: str | None = None
    ) -> Plan[User]:
        """Add a user to an account (None: one's own), as an admin. Raises EmailTaken, Forbidden, Invalid."""
        body = {"email": email, "password": password, "role": str(role), "account": account}
        return self.ask(User, "POST", "users", body=body, repeatable=False)

    def set_role(self, id: str, role: Role | str) -> Plan[User]:
        """Change what a user may do, as an admin. Raises LastAdmin, Forbidden, NotFound."""
        return self.ask(User, "PATCH", f"users/{segment(id)}", body={"role": str(role)})
