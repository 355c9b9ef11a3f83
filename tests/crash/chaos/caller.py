"""One thread's way to talk to a hub over HTTP, with as little of its own as there can be: what is measured is the hub."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Unanswered(Exception):
    """The connection broke, or no answer came in time: nobody knows whether the request was carried out."""


@dataclass(frozen=True)
class Answer:
    status: int
    text: bytes

    @property
    def later(self) -> bool:
        """ "Not now": the same request may be made again."""
        return self.status in {429, 503}

    def json(self) -> Any:
        return json.loads(self.text)


class Caller:
    """Keeps a connection to each port, for one thread."""

    def __init__(self, timeout_s: float = 10.0) -> None:
        self._timeout_s = timeout_s
        self._connections: dict[int, http.client.HTTPConnection] = {}

    def call(
        self,
        port: int,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Raises Unanswered. A connection that was kept may have been closed by the other side meanwhile: so it may be, too,
        when the hub is in its best health."""
        connection = self._connections.get(port)
        if connection is None:
            connection = self._connections[port] = http.client.HTTPConnection(
                "127.0.0.1", port, timeout=self._timeout_s
            )
        content = None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, path, content, dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, answer.read())
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Unanswered(f"{method} {path}: {type(error).__name__}: {error}") from error

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()
