"""Commands to Redis, and its answers as they came.

On one server several commands go in one piece, packed by hiredis, on a connection of the client's pool. The client's own way
packs each argument in Python, waits for each answer before the next command, and makes dictionaries of entries: with some
hundred ids or documents in a command that is most of what a batch costs.
"""

from collections.abc import Awaitable, Sequence
from typing import Any, Final, NamedTuple

import hiredis
from redis.asyncio import Redis, RedisCluster
from redis.exceptions import ResponseError

from taskflow_hub.broker.redis_streams.scripts import Script

_UNREAD: Final = (
    "XREAD",
    "XREADGROUP",
    "XAUTOCLAIM",
)  # whose answers the Cluster's client would put in other words


class Command(NamedTuple):
    words: tuple[Any, ...]
    key: str | None = None  # where a Cluster has it, for commands that do not name it first
    script: Script | None = None  # that is called by its sum

    def in_full(self) -> "Command":
        """For a Redis that does not know the script yet."""
        assert self.script is not None
        return Command(("EVAL", self.script.text, *self.words[2:]))


def call(script: Script, key: str, *args: Any) -> Command:
    return Command(("EVALSHA", script.sha, 1, key, *args), script=script)


def raw_answers(client: RedisCluster) -> None:
    """Have it answer as one server does."""
    for name in _UNREAD:
        client.set_response_callback(name, _as_it_came)


async def exchange(client: Redis | RedisCluster, commands: Sequence[Command]) -> list[Any]:
    """The answer to each, in order; a ResponseError where Redis refuses. Raises what the client raises."""
    if isinstance(client, RedisCluster):
        return [await _ask_cluster(client, command) for command in commands]
    connection = await client.connection_pool.get_connection()  # type: ignore[no-untyped-call]
    try:
        await connection.send_packed_command([hiredis.pack_command(command.words) for command in commands])
        return [await _answer(connection.read_response()) for _ in commands]
    finally:
        await client.connection_pool.release(connection)


def _as_it_came(response: Any, **_: Any) -> Any:
    return response


async def _answer(reading: Awaitable[Any]) -> Any:
    try:
        return await reading
    except ResponseError as error:
        return error


def _ask_cluster(client: RedisCluster, command: Command) -> Awaitable[Any]:
    if command.key is None:
        return _answer(client.execute_command(*command.words))
    node = client.get_node_from_key(command.key)
    return _answer(client.execute_command(*command.words, target_nodes=node))
