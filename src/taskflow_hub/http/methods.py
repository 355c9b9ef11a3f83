"""Which resources there are, 404 for what is none, and which methods each has: 405 and `Allow` for all others, OPTIONS, and
HEAD as GET without its body."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskflow_hub.domain.errors import NotFound
from taskflow_hub.http import problems
from taskflow_hub.http.answers import Plain, ProblemAnswer
from taskflow_hub.http.measuring import found_in

_ORDER: Final = ("GET", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS")


class Resource(Struct, frozen=True):
    path: str  # as it is described, with parameters in braces
    methods: tuple[str, ...]


class Resources:
    """Every path there is, with its methods. A path that is spelled out goes before one with a parameter in its place."""

    def __init__(self, paths: Mapping[str, Iterable[str]]) -> None:
        self._spelled: dict[str, Resource] = {}
        self._patterns: list[tuple[re.Pattern[str], Resource]] = []
        for path, methods in paths.items():
            if "{" in path:
                self._patterns.append((compile_path(path)[0], Resource(path, _complete(methods))))
            else:
                self._spelled[path] = Resource(path, _complete(methods))

    def at(self, path: str) -> Resource | None:
        """None: there is nothing at this path."""
        spelled = self._spelled.get(path)
        if spelled is not None:
            return spelled
        return next((one for pattern, one in self._patterns if pattern.fullmatch(path)), None)


class Methods:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        resources: Resources = scope["app"].state.resources
        resource = resources.at(scope["path"])
        if (
            resource is None
        ):  # the router is not asked: it would take a path for another that ends with a line break
            raise NotFound(f"There is nothing at {scope['path']}.")
        found_in(scope, resource.path)
        method, methods = scope["method"], resource.methods
        if method not in methods:
            detail = f"{method} is not among {', '.join(methods)}."
            problem = problems.from_http(problems.METHOD_NOT_ALLOWED, detail)
            await ProblemAnswer(problem, {"Allow": ", ".join(methods)})(scope, receive, send)
        elif method == "OPTIONS":
            await Plain(b"", 204, {"Allow": ", ".join(methods)})(scope, receive, send)
        elif method == "HEAD":
            await self._app({**scope, "method": "GET"}, receive, _without_body(send))
        else:
            await self._app(scope, receive, send)


def _complete(methods: Iterable[str]) -> tuple[str, ...]:
    own = {method.upper() for method in methods}
    return tuple(name for name in _ORDER if name in own | {"OPTIONS"} | ({"HEAD"} if "GET" in own else set()))


def _without_body(send: Send) -> Send:
    """The first piece of body ends the answer, so that an endless stream ends as well."""
    ended = False

    async def heads(message: Message) -> None:
        nonlocal ended
        if message["type"] == "http.response.start":
            await send(message)
        elif not ended:
            ended = True
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return heads
