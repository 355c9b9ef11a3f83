"""Requests are counted and timed: by route, never by path, for whoever asks chooses the path."""

import time
from collections.abc import Awaitable
from functools import partial
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskflow_hub.about import ABOUT
from taskflow_hub.engine.metrics import OTHER, Metrics
from taskflow_hub.http.headers import about

_ROUTE: Final = "taskflow.route"
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CLASSES: Final = tuple(f"{hundreds}xx" for hundreds in range(10))
_ASSETS: Final = "/ui/assets/"  # their names change with every build
NONE: Final = "none"


def found_in(scope: Scope, route: str) -> None:
    """The request is for this route."""
    scope[_ROUTE] = route


def route_of(scope: Scope) -> str | None:
    """None: it was refused before that was known, or has none."""
    route: str | None = scope.get(_ROUTE)
    return route


class Measuring:
    """Around all that answers. What is refused before its route is known, or has none, is of route `none`.

    Every request pays for it. So what is under way is a number here, read when Prometheus asks: a gauge of the library takes
    a lock at each step.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app, self._http = app, metrics.http
        self._in_flight = 0
        metrics.http_in_flight.set_function(lambda: self._in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        took, status = 0.0, NONE

        def watched(message: Message) -> Awaitable[None]:
            nonlocal took, status
            if message["type"] == "http.response.start":
                took, status = time.perf_counter() - began, _CLASSES[message["status"] // 100]
            return send(message)

        self._in_flight += 1
        token = ABOUT.set(partial(about, scope))
        try:
            await self._app(scope, receive, watched)
        finally:
            self._in_flight -= 1
            ABOUT.reset(token)
            route: str = scope.get(_ROUTE, NONE)
            if route.startswith(_ASSETS):
                route = _ASSETS + "{file}"
            method = scope["method"] if scope["method"] in METHODS else OTHER
            self._http.observe((took or time.perf_counter() - began,), (route, method, status))
