"""A worker's health on a port of its own, for probes: is it heard, and does its loop turn?

Served by the heartbeat's loop, so that it answers while a handler blocks the worker's.
"""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Callable
from typing import Final

import msgspec
from msgspec import Struct

from taskflow_hub.domain.errors import Misconfigured

_METRICS: Final = re.compile(rb"GET /metrics[ ?]")
ASKED_WITHIN_S: Final = 5.0  # a probe that dawdles is hung up on


class Health(Struct, frozen=True, kw_only=True):
    """`beat_age_s`: seconds since the last heartbeat that was accepted; None while it is not registered."""

    status: (
        str  # ok, registering, unheard: no heartbeat was accepted for too long, stuck: its loop stands still
    )
    worker: str | None
    beat_age_s: float | None
    loop_lag_s: float


def judge(
    worker: str | None, beat_age_s: float, loop_lag_s: float, *, unheard_s: float, stuck_s: float
) -> Health:
    """`unheard_s` without an accepted heartbeat, or a loop that stands for `stuck_s`, is not well."""
    status = "ok"
    if worker is None:
        status = "registering"
    elif beat_age_s >= unheard_s:
        status = "unheard"
    if loop_lag_s >= stuck_s:
        status = "stuck"
    age = None if worker is None else round(beat_age_s, 3)
    return Health(status=status, worker=worker, beat_age_s=age, loop_lag_s=round(loop_lag_s, 3))


def bind(host: str, port: int) -> socket.socket:
    """Raises Misconfigured when the address cannot be had."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise Misconfigured(f"worker.health_port: cannot listen on {host}:{port}: {error}") from None


@contextlib.asynccontextmanager
async def serving(
    listener: socket.socket | None, look: Callable[[], Health], metrics: Callable[[], bytes]
) -> AsyncIterator[None]:
    """Answer while entered: 200 when well, 503 when not, with the Health as JSON; /metrics with the metrics. Without a
    listener nothing happens.

    The listener stays open afterwards, for the next time.
    """
    if listener is None:
        yield
        return

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ASKED_WITHIN_S):
                head = await reader.readuntil(b"\r\n\r\n")
                line, kind = b"200 OK", b"application/json"
                if _METRICS.match(head):
                    kind, body = b"text/plain; version=0.0.4; charset=utf-8", metrics()
                else:
                    health = look()
                    if health.status != "ok":
                        line = b"503 Service Unavailable"
                    body = msgspec.json.encode(health)
                writer.write(
                    b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n"
                    b"Connection: close\r\n\r\n%b" % (line, kind, len(body), body)
                )
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the probe's own trouble
        finally:
            writer.close()

    async with await asyncio.start_server(answer, sock=listener.dup()):
        yield
