"""Requests are counted and timed: by route, never by path, for whoever asks chooses the path."""

import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskflow_hub.engine.metrics import OTHER, Metrics

_ROUTE: Final = "taskflow.route"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ASSETS: Final = "/ui/assets/"  # their names change with every build
NONE: Final = "none"


def found_in(scope: Scope, route: str) -> None:
    """The request is for this route."""
    scope[_ROUTE] = route


class Measuring:
    """Around all that answers. What is refused before its route is known, or has none, is of route `none`."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        took, status = 0.0, NONE

        async def watched(message: Message) -> None:
            nonlocal took, status
            if message["type"] == "http.response.start":
                took, status = time.perf_counter() - began, f"{message['status'] // 100}xx"
            await send(message)

        self._metrics.http_in_flight.inc()
        try:
            await self._app(scope, receive, watched)
        finally:
            self._metrics.http_in_flight.dec()
            route: str = scope.get(_ROUTE, NONE)
            if route.startswith(_ASSETS):
                route = _ASSETS + "{file}"
            method = scope["method"] if scope["method"] in _METHODS else OTHER
            self._metrics.http.observe((took or time.perf_counter() - began,), (route, method, status))
