"""Entries that cannot be read: put aside in tasks:dead for people, and the attempt they name handed back."""

import logging
from typing import Final

import msgspec
from msgspec import Struct

from taskflow_hub.broker.redis_streams.envelopes import DeadEntry
from taskflow_hub.broker.redis_streams.keys import DEAD, DEAD_MAX
from taskflow_hub.broker.redis_streams.link import AWAY, Link
from taskflow_hub.broker.redis_streams.scripts import PUSH
from taskflow_hub.domain.messages import Released

SHOWN: Final = 16_384  # characters of what could not be read
REMARKS: Final = frozenset({"progressed", "logged"})  # reports after which the attempt goes on

log = logging.getLogger("taskflow.broker")


class _Named(Struct):
    """What can be known of a message whose form is unknown."""

    id: str
    attempt: int
    kind: str = ""
    worker: str = ""
    n: int = 0


class DeadLetters:
    def __init__(self, link: Link) -> None:
        self._link = link

    async def put(self, stream: str, data: bytes, error: Exception) -> None:
        """Never raises: an entry that is in the way must go, even where it cannot be kept."""
        log.error("an entry of %s cannot be read, and is put into %s: %s", stream, DEAD, error)
        entry = DeadEntry(stream=stream, error=str(error), data=data[:SHOWN].decode(errors="replace"))
        try:
            await self._link.script(PUSH, DEAD, DEAD_MAX, 0, 0, 0, msgspec.json.encode(entry))
        except AWAY as away:
            log.error("not even that: %s\n%s", away, entry.data)


def released(data: bytes, worker: str | None = None) -> Released | None:
    """The report that hands back the attempt which an unreadable message names; None where it names none.

    It has the message's own number, so that its worker sends it no more; or 0, which acknowledges nothing.
    """
    try:
        named = msgspec.json.decode(data, type=_Named)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if named.kind in REMARKS:
        return None
    return Released(worker=worker or named.worker, n=named.n, id=named.id, attempt=named.attempt)
