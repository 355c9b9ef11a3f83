"""A span for each request: only where traces are on is this layer there.

Probes, scrapes and the page's own files are left out: they would be most of what is stored, and tell nothing.
"""

from collections.abc import Awaitable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskflow_hub import tracing
from taskflow_hub.http.gate import ALWAYS_SERVED
from taskflow_hub.http.measuring import METHODS, route_of

UNTRACED: Final = ALWAYS_SERVED | {"/metrics"}
UNTRACED_BELOW: Final = "/ui/"


class Traced:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tracer = tracing.tracer
        path = scope.get("path", "")
        if tracer is None or scope["type"] != "http" or path in UNTRACED or path.startswith(UNTRACED_BELOW):
            await self._app(scope, receive, send)
            return
        status: int | None = None

        def watched(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            return send(message)

        given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"]
        parent = tracing.well_formed(given[0]) if len(given) == 1 else None
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        with tracer.serving(method, parent) as exchange:
            try:
                await self._app(scope, receive, watched)
            finally:
                exchange.served(route_of(scope), status)
