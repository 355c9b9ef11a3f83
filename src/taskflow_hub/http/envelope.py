"""What answers carry beside what they say, whoever made them: what may still be asked, which other origin may read, and TLS.

What is always the same is in answers.py (GUARDS).
"""

from collections.abc import Callable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskflow_hub.http.cors import EXPOSED, admitted
from taskflow_hub.http.limiting import left

Headers = list[tuple[bytes, bytes]]
_SEAL: Final = "taskflow.envelope"


class Envelope:
    """The outermost layer but that which believes proxies."""

    def __init__(self, app: ASGIApp, *, hsts_s: int, cors: bool) -> None:
        self._app, self._cors = app, cors
        self._hsts = b"max-age=%d" % hsts_s if hsts_s else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self._headers(scope)]}
            await send(message)

        left(scope)  # from here on it is one list, also for those who copy the scope
        scope[_SEAL] = lambda: self._headers(scope)
        await self._app(scope, receive, sealed)

    def _headers(self, scope: Scope) -> Headers:
        headers: Headers = []
        if limits := left(scope):
            headers.append((b"ratelimit-policy", ", ".join(one.rate.policy for one in limits).encode()))
            headers.append((b"ratelimit", ", ".join(one.told for one in limits).encode()))
        if self._cors:
            headers.append((b"vary", b"Origin"))
            if (origin := admitted(scope)) is not None:
                headers.append((b"access-control-allow-origin", origin))
                headers.append((b"access-control-expose-headers", EXPOSED.encode()))
        if self._hsts and scope["scheme"] == "https":
            headers.append((b"strict-transport-security", self._hsts))
        return headers


def headers_of(scope: Scope) -> Headers:
    """For an answer that does not go through the layers."""
    found: Callable[[], Headers] = scope.get(_SEAL, list)
    return found()
