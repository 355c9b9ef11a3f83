"""What a login is given to come back with: signed tokens (JWT, RFC 7519), each good for one use only (its audience).

They carry no rights. They name a login, and the store says with each look what its user may do now: a role that is taken away
is gone, and a logout is one.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from msgspec import Struct

from taskflow_hub.domain.clock import Clock
from taskflow_hub.domain.errors import Unauthenticated

ALGORITHM: Final = "HS256"
ISSUER: Final = "taskflow"


class Use(StrEnum):
    ACCESS = "taskflow:access"  # as a bearer token, with every request
    REFRESH = "taskflow:refresh"  # once, for the next pair
    COOKIE = "taskflow:cookie"  # by a browser, with every request


class Token(Struct, frozen=True):
    """What a token says. `generation` is a refresh token's place in the row of its login's."""

    session: str
    generation: int
    expires_at: datetime


class Tokens:
    def __init__(self, secret: str, clock: Clock) -> None:
        self._secret, self._clock = secret, clock

    def sign(self, use: Use, session: str, ttl_s: float, generation: int = 0) -> str:
        import jwt  # 13 MB, for those who have accounts

        now = self._clock()
        claims = {
            "iss": ISSUER,
            "aud": use.value,
            "sid": session,
            "gen": generation,
            "iat": now,
            "exp": now + timedelta(seconds=ttl_s),
        }
        return jwt.encode(claims, self._secret, ALGORITHM)

    def read(self, use: Use, text: str) -> Token:
        """Raises Unauthenticated: not ours, changed, for another use, or run out."""
        import jwt

        try:
            claims = jwt.decode(
                text,
                self._secret,
                [ALGORITHM],
                audience=use.value,
                issuer=ISSUER,
                options={
                    "require": ["exp", "aud", "iss", "sid", "gen"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
            token = Token(
                session=str(UUID(claims["sid"])),
                generation=int(claims["gen"]),
                expires_at=datetime.fromtimestamp(claims["exp"], self._clock().tzinfo),
            )
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError, OSError):
            raise Unauthenticated("This token is not one of this hub's.") from None
        if token.expires_at <= self._clock():
            raise Unauthenticated("This token has run out; refresh it, or log in again.")
        return token
