"""Limits of how often one may ask: of a network address before anything is looked up, of a key once it is known."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from taskflow_hub.domain.access import Who
from taskflow_hub.domain.errors import RateLimited
from taskflow_hub.domain.networks import network_of
from taskflow_hub.engine.metrics import Metrics
from taskflow_hub.http.rates import Left, Rate, Rates

NEVER_LIMITED: Final = frozenset(
    {"/healthz", "/metrics", "/readyz"}
)  # who watches the hub is not to be kept from it
LEFT: Final = "taskflow.left"  # where in a scope it is kept what may still be asked
NO_ADDRESS: Final = "unknown"  # a proxy that is trusted, and says something else


class LimitAddresses:
    """So that nobody can try keys without end."""

    def __init__(self, app: ASGIApp, *, rates: Rates, rate: Rate, metrics: Metrics) -> None:
        self._app, self._rates, self._rate, self._metrics = app, rates, rate, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _is_limited(scope):
            client = scope.get("client")
            network = network_of(client[0]) if client else None
            found = await self._rates.take(self._rate, network or NO_ADDRESS)
            _require(scope, found, self._metrics, "Your address")
        await self._app(scope, receive, send)


class LimitKeys:
    """Whoever asks with a key counts by that, else by user: several logins of one user are one."""

    def __init__(self, app: ASGIApp, *, rates: Rates, rate: Rate, metrics: Metrics) -> None:
        self._app, self._rates, self._rate, self._metrics = app, rates, rate, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _is_limited(scope) and (whose := _whose(scope.get("who"))) is not None:
            words = "You, with all your logins," if scope["who"].key is None else "Your key"
            _require(scope, await self._rates.take(self._rate, whose), self._metrics, words)
        await self._app(scope, receive, send)


def left(scope: Scope) -> list[Left]:
    """What may still be asked, by each limit that this request has met."""
    found: list[Left] = scope.setdefault(LEFT, [])
    return found


def _is_limited(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["path"] not in NEVER_LIMITED


def _whose(who: Who | None) -> str | None:
    """None: nobody who is known; on a hub without accounts that is everybody."""
    if who is None:
        return None
    return who.key.id if who.key is not None else who.user_id


def _require(scope: Scope, found: Left, metrics: Metrics, whose: str) -> None:
    """Raises RateLimited. `whose` requests they are, in words."""
    left(scope).append(found)
    if found.wait_s:
        metrics.rate_limited.labels(found.rate.name).inc()
        raise RateLimited(
            f"{whose} may ask {found.rate.burst} times at once, and {found.rate.per_second * 60:g} times a minute.",
            retry_after_s=found.wait_s,
        )
