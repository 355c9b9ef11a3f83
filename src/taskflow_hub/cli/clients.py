"""The HTTP client, imported for a command line: without what costs more time than a request."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taskflow_hub.client.bearer import KeySource
    from taskflow_hub.client.sync_client import SyncClient

RETRIES = 2  # a person waits: give up within a second when nobody listens


def client(server: str, key: "KeySource", *, hurried: bool = False) -> "SyncClient":
    """`key` "" presents nothing, whatever TASKFLOW_KEY says. `hurried`: now or never."""
    # httpx brings a command line of its own, whose imports (rich, pygments, click) double the time until the first request.
    absent = "httpx" not in sys.modules and "httpx._main" not in sys.modules
    if absent:
        sys.modules["httpx._main"] = None  # type: ignore[assignment]
    try:
        from taskflow_hub.client.sync_client import SyncClient
    finally:
        if absent:
            del sys.modules["httpx._main"]
    if hurried:
        return SyncClient(server, key=key, timeout=1.0, retries=0)
    return SyncClient(server, key=key, retries=RETRIES)
