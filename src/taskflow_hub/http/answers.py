"""Answers, as ASGI sends them: JSON by msgspec, problems, long JSON in chunks."""

import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from taskflow_hub.http import problems
from taskflow_hub.http.problems import Problem

JSON: Final = "application/json"

# An answer is for who asked, now: nobody keeps it, guesses its type, frames it or embeds it.
GUARDS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)

_encoder: Final = msgspec.json.Encoder()


class Plain(Response):
    """A body that is complete. Lean, since it is on the way of every submit: headers are built once."""

    media_type = JSON

    def __init__(
        self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = JSON
    ) -> None:
        self.body, self.status_code, self.background = body, status, None
        self.raw_headers = [*GUARDS]
        if status not in {204, 304}:
            self.raw_headers += (
                (b"content-type", media_type.encode("latin-1")),
                (b"content-length", b"%d" % len(body)),
            )
        for name, value in (headers or {}).items():
            self.raw_headers.append((name.lower().encode("latin-1"), value.encode("latin-1")))


class Json(Plain):
    def __init__(self, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(_encoder.encode(value), status, headers)


class ProblemAnswer(Plain):
    media_type = problems.MEDIA_TYPE

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problems.encode(problem), problem.status, headers, problems.MEDIA_TYPE)


class Chunks(Response):
    """A long body whose length is known, piece by piece."""

    def __init__(self, chunks: AsyncGenerator[bytes, None], length: int) -> None:
        self._chunks, self.status_code, self.background = chunks, 200, None
        self.raw_headers = [
            (b"content-type", JSON.encode()),
            (b"content-length", b"%d" % length),
            *GUARDS,
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with contextlib.aclosing(self._chunks) as chunks:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
