"""What a request presents: an API key or an access token, to the hub it is for and to nobody else."""

import os
from collections.abc import Callable, Generator
from typing import Final, TypeAlias

import httpx

from taskflow_hub.domain.errors import Misconfigured

KEY_VARIABLE: Final = "TASKFLOW_KEY"

# As a function it is for what runs out: asked before each request with None, and once more with what was refused.
KeySource: TypeAlias = str | Callable[[str | None], str]


class Bearer(httpx.Auth):
    """An empty key presents nothing."""

    def __init__(self, server: str, key: KeySource) -> None:
        self._home = _origin(httpx.URL(server))
        self._key = _checked(key) if isinstance(key, str) else key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        shown = self._next(None) if _origin(request.url) == self._home else ""
        if not shown:
            yield request
            return
        request.headers["authorization"] = f"Bearer {shown}"
        response = yield request
        if response.status_code == 401 and (other := self._next(shown)) != shown:
            request.headers["authorization"] = f"Bearer {other}"
            yield request

    def _next(self, refused: str | None) -> str:
        return self._key if isinstance(self._key, str) else _checked(self._key(refused))


def key_or_variable(given: KeySource | None) -> KeySource:
    """The key as given, else TASKFLOW_KEY, else none."""
    return os.environ.get(KEY_VARIABLE, "") if given is None else given


def _checked(key: str) -> str:
    """Raises Misconfigured for what no header can carry, here, where the words are ours: they do not repeat it."""
    key = key.strip()
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise Misconfigured("This is no key: it has blanks or other characters in it that no key has.")
    return key


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
