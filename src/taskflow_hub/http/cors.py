"""Pages of other origins, as far as an operator lists them. They present a bearer token: no cookie is taken from them.

Starlette's CORSMiddleware would answer before Host is looked at, and refuse in plain text.
"""

from typing import Final

from starlette.types import Scope

_ORIGIN: Final = "taskflow.origin"

PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Prefer, traceparent",
    "Access-Control-Max-Age": "600",
}
# What a page may read beside what is always told it.
EXPOSED: Final = (
    "Idempotency-Replayed, Location, Preference-Applied, "
    "RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate"
)


def admit(scope: Scope, origin: bytes) -> None:
    """This request is from a page of another origin, which may ask."""
    scope[_ORIGIN] = origin


def admitted(scope: Scope) -> bytes | None:
    """The other origin that this request is from."""
    origin: bytes | None = scope.get(_ORIGIN)
    return origin


def is_preflight(scope: Scope) -> bool:
    return scope["method"] == "OPTIONS" and any(
        name == b"access-control-request-method" for name, _ in scope["headers"]
    )
