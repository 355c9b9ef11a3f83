"""The hot routes, straight from the middleware: a router, and what FastAPI does behind it, cost as much as the submit."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from taskflow_hub.http.routes.submit import submit_batch, submit_task

Endpoint = Callable[[Request], Awaitable[Response]]

HOT: Final[Mapping[tuple[str, str], Endpoint]] = {
    ("POST", "/tasks"): submit_task,
    ("POST", "/tasks/batch"): submit_batch,
}


class Direct:
    """The innermost layer. The routes stand in the router, too: OpenAPI and all that is asked of them is read there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = HOT.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if endpoint is None:
            await self._app(scope, receive, send)
            return
        answer = await endpoint(Request(scope, receive, send))
        await answer(scope, receive, send)
