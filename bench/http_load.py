"""The least an HTTP client can cost, so that what is measured is the hub: keep-alive connections, ready-made requests."""

import asyncio
import json
import time
from typing import Any


def request(path: str, body: Any, *, key: str | None = None) -> bytes:
    content = json.dumps(body).encode()
    return f"POST {path} HTTP/1.1\r\n{_head(key)}Content-Length: {len(content)}\r\n\r\n".encode() + content


def question(path: str, *, key: str | None = None) -> bytes:
    """A GET, to be sent as a `request` is."""
    return f"GET {path} HTTP/1.1\r\n{_head(key)}\r\n".encode()


def _head(key: str | None) -> str:
    return "Host: 127.0.0.1\r\n" + ("" if key is None else f"Authorization: Bearer {key}\r\n")


async def post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes) -> bytes:
    """Send one request, read one answer; its body. Raises RuntimeError unless it is a 2xx."""
    status, body = await answer(reader, writer, message)
    if not 200 <= status < 300:
        raise RuntimeError(f"{message.decode()}{status} {body.decode()}")
    return body


async def answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes
) -> tuple[int, bytes]:
    """Status and body, whatever they are."""
    writer.write(message)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    return int(head.split(b" ", 2)[1]), await reader.readexactly(length)


async def submits_per_second(port: int, message: bytes, *, connections: int, total: int) -> float:
    """`total` submits over `connections` connections, each sending the next as soon as the last is answered."""
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(connections)]
    left = iter(range(total))

    async def send_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in left:
            await post(reader, writer, message)

    began = time.perf_counter()
    await asyncio.gather(*(send_all(*connection) for connection in opened))
    took_s = time.perf_counter() - began
    for _, writer in opened:
        writer.close()
        await writer.wait_closed()
    return total / took_s
