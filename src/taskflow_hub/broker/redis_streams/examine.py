"""What `taskflow doctor` asks of Redis: of each server, where it is a Cluster. Nothing is changed."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any, Final

from redis import Redis
from redis.exceptions import AuthenticationError, AuthorizationError, NoPermissionError, RedisError

from taskflow_hub.broker.redis_streams.keys import DEAD, RESULTS, SERVERS, USUAL
from taskflow_hub.broker.redis_streams.link import check_url
from taskflow_hub.domain.checkup.broker import RedisFacts
from taskflow_hub.domain.errors import Misconfigured, Unavailable

MANY: Final = 10_000  # connections, where the server does not tell its bound: its own default


def examine(url: str, shown: str) -> list[RedisFacts]:
    """`shown`: the URL without its password. Raises Misconfigured, Unavailable."""
    check_url(url)
    with _explained(shown):
        first = _client(url)
        with first:
            if not first.info("cluster").get("cluster_enabled"):
                return [_facts(first, shown)]
            nodes = first.cluster("NODES")
        primaries = sorted(address for address, node in nodes.items() if "master" in node["flags"])
        return [_of_node(url, address) for address in primaries]


def _of_node(url: str, address: str) -> RedisFacts:
    host, _, port = address.partition("@")[0].rpartition(":")
    with _client(url, host=host.strip("[]"), port=int(port)) as client:
        return _facts(client, f"node {host}:{port}")


def _client(url: str, **differing: Any) -> "Redis":
    client = Redis.from_url(
        url,
        protocol=2,
        socket_timeout=USUAL.answer,
        socket_connect_timeout=USUAL.answer,
        client_name="taskflow-doctor",
        decode_responses=True,
    )
    client.connection_pool.connection_kwargs.update(differing)
    return client


def _facts(client: "Redis", shown: str) -> RedisFacts:
    about: dict[str, Any] = client.info("everything")
    began, before = time.monotonic(), time.time()
    seconds, micros = client.time()
    way_s = (time.monotonic() - began) / 2
    return RedisFacts(
        shown=shown,
        program=about.get("server_name", "redis"),
        version=str(about.get("valkey_version", about["redis_version"])),
        policy=about["maxmemory_policy"],
        memory=about["used_memory"],
        max_memory=about["maxmemory"],
        replica=about["role"] != "master",
        append_only=bool(about["aof_enabled"]),
        write_failed="err" in {about["rdb_last_bgsave_status"], about["aof_last_write_status"]},
        clients=about["connected_clients"],
        max_clients=about.get("maxclients", MANY),
        dead=_of_stream(client, DEAD),
        servers=_servers(client),
        ahead_s=seconds + micros / 1e6 - before - way_s,
        unsure_s=way_s,
    )


def _of_stream(client: "Redis", key: str) -> int:
    """How many entries; 0 where a Cluster has it elsewhere."""
    with contextlib.suppress(RedisError):
        return int(client.xlen(key))
    return 0


def _servers(client: "Redis") -> int:
    """Those that have asked for something lately."""
    with contextlib.suppress(RedisError):
        consumers = client.xinfo_consumers(RESULTS, SERVERS)
        return sum(one["idle"] < USUAL.seen * 1000 for one in consumers)
    return 0


@contextlib.contextmanager
def _explained(shown: str) -> Iterator[None]:
    try:
        yield
    except (AuthenticationError, AuthorizationError, NoPermissionError) as error:
        raise Misconfigured(f"broker.url: Redis lets us in with other credentials only: {error}") from error
    except (RedisError, OSError) as error:
        raise Unavailable(f"{shown}: {error}") from error
