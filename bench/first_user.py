"""A hub with accounts, for those who measure it: its first user, and a key of theirs."""

import asyncio
import json
from collections.abc import Sequence
from typing import Final

from bench.http_load import post, request

SECRET: Final = "what is measured here opens nothing"  # of the hub


async def first_key(port: int, scopes: Sequence[str]) -> str:
    """Registers the first user, who becomes admin and owns what was there before. A second call raises RuntimeError."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        first = {"email": "bench@example.org", "password": "measured and forgotten"}
        login = json.loads(await post(reader, writer, request("/auth/register", first)))
        wanted = {"name": "bench", "scopes": scopes}
        made = json.loads(await post(reader, writer, request("/keys", wanted, key=login["access_token"])))
    finally:
        writer.close()
        await writer.wait_closed()
    secret: str = made["secret"]
    return secret
