"""Who asks: from the request's credential, before anything else of it is read.

A program presents `Authorization: Bearer` with a key or an access token. A browser presents a cookie; what changes something
then needs, beside the rules of gate.py, a token in a header of its own, which a page of another site can neither read nor set.
"""

import hmac
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from taskflow_hub.domain.access import ANYBODY, Who
from taskflow_hub.domain.access import Scope as AccessScope
from taskflow_hub.domain.audit import By, by_who
from taskflow_hub.domain.errors import Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from taskflow_hub.engine.accounts.accounts import Accounts
from taskflow_hub.engine.accounts.tokens import Use
from taskflow_hub.http.api import api_of
from taskflow_hub.http.cors import admitted
from taskflow_hub.http.gate import SAFE

COOKIE: Final = "taskflow_session"
CSRF: Final = b"x-csrf-token"
_COOKIES: Final = "taskflow.cookies"  # the headers that carry them, in the scope
# What anybody may ask: how the hub is, how to use it, and to be let in.
PUBLIC: Final = frozenset(
    {
        "/",
        "/docs",
        "/healthz",
        "/openapi.json",
        "/readyz",
        "/ui",
        *(f"/auth/{verb}" for verb in ("login", "refresh", "register")),
    }
)
PUBLIC_BELOW: Final = ("/ui/", "/problems/")


class Identify:
    """Puts a `Who` into the scope; answers 401 where there is none. Keeps cookies from what is below."""

    def __init__(self, app: ASGIApp, *, accounts: Accounts) -> None:
        self._app, self._accounts = app, accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            _take_cookies(scope)
            if self._accounts.identity.open:
                scope["who"] = ANYBODY
            elif path not in PUBLIC and not path.startswith(PUBLIC_BELOW):
                scope["who"] = await _identified(scope, self._accounts)
        await self._app(scope, receive, send)


async def _identified(scope: Scope, accounts: Accounts) -> Who:
    """Raises Unauthenticated, Forbidden, Invalid."""
    said = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(said) > 1:
        raise Invalid.field("/header/Authorization", "is given more than once")
    if said:
        scheme, _, credential = said[0].decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("Write `Authorization: Bearer`, and a key or an access token.")
        return await accounts.identity.who(credential.strip())
    if admitted(scope) is not None:
        raise Unauthenticated(
            "A page of another origin sends `Authorization: Bearer`; its cookies are not looked at."
        )
    who = await accounts.identity.who(_cookie(scope), Use.COOKIE)
    if scope["method"] not in SAFE:
        _require_proof(scope, accounts.csrf_token(who))
    return who


def _take_cookies(scope: Scope) -> None:
    """FastAPI parses them for every route, and the standard library takes time for one in quotes that grows with the square of
    its length (CVE-2024-7592; mended in 3.11.10 and 3.12.6): one request could stop the hub for seconds."""
    scope[_COOKIES] = cookies = [value for name, value in scope["headers"] if name == b"cookie"]
    if cookies:
        scope["headers"] = [header for header in scope["headers"] if header[0] != b"cookie"]


def _cookie(scope: Scope) -> str | None:
    """The session's, as it is: a token needs no quoting.

    Raises Invalid for two: the second comes from another site of the same domain, and would log its own user in.
    """
    pairs = (
        pair.strip().partition("=")
        for value in scope[_COOKIES]
        for pair in value.decode("latin-1").split(";")
    )
    found = [str(text) for name, _, text in pairs if name == COOKIE]
    if len(found) > 1:
        raise Invalid.field("/header/Cookie", f"has {COOKIE} more than once")
    return found[0] if found else None


def _require_proof(scope: Scope, wanted: str | None) -> None:
    given = [value for name, value in scope["headers"] if name == CSRF]
    if wanted is None or len(given) != 1 or not hmac.compare_digest(given[0], wanted.encode()):
        raise Forbidden("A page must send `X-CSRF-Token`, as GET /auth/me tells it.")


async def may_still(request: HTTPConnection, check: Callable[[], Awaitable[object]]) -> bool:
    """For answers that last: is whoever asked still known, and does `check` (which asks as the route did) still let them?"""
    accounts = api_of(request).engine.accounts
    if accounts.identity.open:
        return True
    try:
        request.scope["who"] = await _identified(request.scope, accounts)
        await check()
    except (Unauthenticated, Forbidden, NotFound):
        return False
    except Unavailable:
        pass  # nobody can say, so nothing was revoked that we know of
    return True


async def is_admin(request: HTTPConnection) -> bool:
    """For routes that anybody may ask, and that tell an admin more."""
    accounts = api_of(request).engine.accounts
    if accounts.identity.open:
        return True
    try:
        return AccessScope.ADMIN in (await _identified(request.scope, accounts)).scopes
    except (Unauthenticated, Forbidden, Invalid, Unavailable):
        return False


def who_of(request: HTTPConnection) -> Who:
    who: Who = request.scope["who"]
    return who


def asker_of(request: HTTPConnection) -> str | None:
    """The account of who asks; None on a hub without accounts, which cannot tell one from another."""
    return None if api_of(request).engine.accounts.identity.open else who_of(request).account_id


def address_of(request: HTTPConnection) -> str:
    """Where a request comes from, as the nearest proxy that is trusted says."""
    return request.client.host if request.client else ""


def by_of(request: HTTPConnection) -> By:
    """Who acts with this request, for the audit."""
    agent = request.headers.get("user-agent")
    return by_who(request.scope.get("who"), address_of(request), agent)


def allow(request: HTTPConnection, scope: AccessScope) -> Who:
    """Who asks, if they may do this. Raises Forbidden."""
    who = who_of(request)
    who.require(scope)
    return who


async def account_of(request: HTTPConnection, scope: AccessScope, task_id: str) -> str:
    """The account in which to look for a task: one's own; the task's, for who may look into all.

    Raises Forbidden; NotFound for a task that is not there, or not for whoever asks.
    """
    who, queries = allow(request, scope), api_of(request).engine.queries
    account = who.account_id
    if who.everywhere:
        account = await queries.owner(task_id) or account
    if who.queues and (await queries.task(account, task_id)).queue not in who.queues:
        raise NotFound(f"There is no task {task_id}.")
    return account
