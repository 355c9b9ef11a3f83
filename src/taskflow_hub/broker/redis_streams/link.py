"""One process's connections to Redis, on an event loop in a thread of their own.

So both faces may be used on any loop, and a heartbeat gets through while the worker's own loop is busy. Nothing is sent twice
by itself: what fails is Unavailable, and whoever wanted it decides. The client connects anew with the next command.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Final, TypeVar

from redis.asyncio import Connection, Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    NoPermissionError,
    NoScriptError,
    RedisClusterException,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from taskflow_hub.broker.redis_streams.exchange import Command, call, exchange, raw_answers
from taskflow_hub.broker.redis_streams.keys import Timing
from taskflow_hub.broker.redis_streams.scripts import Script
from taskflow_hub.domain.errors import Misconfigured, Unavailable

FAILURES: Final = (RedisError, RedisClusterException, OSError, TimeoutError)
PAUSE_S: Final = (0.1, 5.0)  # first and longest pause of a background read while Redis is away

CLOSED: Final = "the connection to the broker is closed"

log = logging.getLogger("taskflow.broker")

T = TypeVar("T")


class RefusedByRedis(Exception):
    """It is known that it was not done: Redis has said so, or could not be asked. Outside of the link this is Unavailable."""


class NeverSent(RedisConnectionError):
    """There was no connection to send it on."""


class _Connection(Connection):
    """Tells a command that was never sent from one whose answer was lost."""

    async def connect_check_health(
        self, check_health: bool = True, retry_socket_connect: bool = True
    ) -> None:
        try:
            await super().connect_check_health(check_health, retry_socket_connect)
        except FAILURES as error:
            if type(error) not in {RedisConnectionError, RedisTimeoutError}:
                raise  # it does not let us in
            raise NeverSent(str(error)) from error


AWAY: Final = (Unavailable, RefusedByRedis)  # what fails here without anybody's fault


class Link:
    """`open` and `close` on any loop; in between `run` brings a coroutine to the link's own loop, where all else is used."""

    def __init__(self, url: str, timing: Timing) -> None:
        self._url, self.timing = url, timing
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=self._main, name="taskflow-redis", daemon=True)
        self._closed = False
        self._client: Redis | RedisCluster | None = None
        self._connecting: asyncio.Lock
        self._background: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        """Connect and look whether this Redis will do. One that is away is waited for later.

        Raises Misconfigured for a URL that is none, for a Redis that does not let us in, and for one that throws away keys when
        memory is short.
        """
        check_url(self._url)
        self._loop = _new_loop()
        self._thread.start()
        try:
            await self.run(self.client())
        except Unavailable as error:
            log.warning("the broker cannot be reached yet: %s", error)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Whoever still waits for something gets Unavailable. Twice is harmless."""
        if self._closed:
            return
        self._closed = True
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._disconnect(), self._loop))
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Await it on the link's loop, from any other. Raises Unavailable when the link is closed."""
        if self._closed:
            work.close()
            raise Unavailable(CLOSED)
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return await asyncio.wrap_future(future)
        except RefusedByRedis as error:
            raise Unavailable(str(error)) from error
        except asyncio.CancelledError:
            if future.cancelled() and not _being_cancelled():
                raise Unavailable(CLOSED) from None
            raise

    # --- on the link's loop ---

    async def client(self) -> Redis | RedisCluster:
        """Made when Redis first answers, for only then it is known whether it is a Cluster."""
        if self._client is None:
            async with self._connecting:
                if self._client is None:
                    self._client = await _connect(self._url, self.timing)
        return self._client

    async def command(self, *words: Any, key: str | None = None) -> Any:
        """Raises Unavailable, and RefusedByRedis when it is known that nothing was done.

        `key`: where a Cluster has it, for commands that do not name it first.
        """
        (answer,) = await self.ask(Command(words, key))
        return answer

    async def script(self, script: Script, key: str, *args: Any) -> Any:
        """Raises as `command` does."""
        (answer,) = await self.ask(call(script, key, *args))
        return answer

    async def ask(self, *commands: Command) -> list[Any]:
        """Several commands for one way there and back, each whatever becomes of the others.

        Raises as `command` does, RefusedByRedis for the first that is refused.
        """
        try:
            client = await self.client()
            answers = await exchange(client, commands)
            for i, answer in enumerate(answers):
                if isinstance(answer, NoScriptError):
                    (answers[i],) = await exchange(client, [commands[i].in_full()])
        except Misconfigured as error:
            raise RefusedByRedis(error.detail) from error
        except NeverSent as error:
            raise RefusedByRedis(f"Redis: {error}") from error
        except FAILURES as error:
            raise Unavailable(f"Redis: {error}") from error
        except RuntimeError as error:
            if not _lost_unnoticed(error):
                raise
            raise Unavailable("Redis: the connection was lost") from error
        for command, answer in zip(commands, answers, strict=True):
            if isinstance(answer, ResponseError):
                raise RefusedByRedis(f"Redis refuses {command.words[0]}: {answer}") from answer
        return answers

    def begin(self, work: Coroutine[Any, Any, T], name: str) -> "asyncio.Task[T]":
        """A task of the link: cancelled at the latest when it closes."""
        task = asyncio.create_task(work, name=name)
        self._background.add(task)
        task.add_done_callback(self._ended)
        return task

    async def repeat(self, turn: Callable[[], Coroutine[Any, Any, None]], what: str) -> None:
        """Take turns for ever; while they fail, with growing pauses, and saying so once."""
        pause_s, away = PAUSE_S[0], False
        while True:
            try:
                await turn()
            except Exception as error:  # Unavailable, most of all; but no error may end it
                if not away:
                    known = isinstance(error, AWAY)
                    log.warning("%s waits for the broker: %s", what, error, exc_info=not known)
                away = True
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, PAUSE_S[1])
            else:
                if away:
                    log.info("%s goes on", what)
                pause_s, away = PAUSE_S[0], False

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._background.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, also where nobody waits for it any more

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._connecting = asyncio.Lock()
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _disconnect(self) -> None:
        here = asyncio.current_task()
        await end(*(task for task in asyncio.all_tasks() if task is not here))
        if self._client is not None:
            with contextlib.suppress(*FAILURES):
                await self._client.aclose()


async def end(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks that use the client, and wait for their end.

    More than once if need be: on Python 3.11 `asyncio.wait_for`, which the client uses, may swallow a cancellation.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.1)


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # not on every platform
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _being_cancelled() -> bool:
    here = asyncio.current_task()
    return here is not None and here.cancelling() > 0


async def _connect(url: str, timing: Timing) -> Redis | RedisCluster:
    """Raises Unavailable, Misconfigured."""
    single = Redis.from_url(url, connection_class=_Connection, **_options(timing))
    async with _closing_on_failure(single):
        about = await single.info("cluster")
        if not about.get("cluster_enabled"):
            _check_policy((await single.info("memory"))["maxmemory_policy"])
            return single
    await single.aclose()
    cluster = RedisCluster.from_url(url, **_options(timing))
    raw_answers(cluster)
    async with _closing_on_failure(cluster):
        await cluster.initialize()
        for node in cluster.get_primaries():
            about = await cluster.execute_command("INFO", "memory", target_nodes=node)
            _check_policy(about["maxmemory_policy"])
    return cluster


@contextlib.asynccontextmanager
async def _closing_on_failure(client: Redis | RedisCluster) -> AsyncIterator[None]:
    """Raises Unavailable, Misconfigured."""
    try:
        yield
    except BaseException as error:
        with contextlib.suppress(*FAILURES):
            await client.aclose()
        if isinstance(error, AuthenticationError | AuthorizationError | NoPermissionError):
            raise Misconfigured(
                f"broker.url: Redis lets us in with other credentials only: {error}"
            ) from error
        if isinstance(error, FAILURES) or _lost_unnoticed(error):
            raise Unavailable(f"Redis: {error}") from error
        raise


def _lost_unnoticed(error: BaseException) -> bool:
    """uvloop's words for writing to a connection that is gone, when the client has not been told yet."""
    return isinstance(error, RuntimeError) and "the handler is closed" in str(error)


def _options(timing: Timing) -> dict[str, Any]:
    return {
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),  # a publish that is sent twice would run a task twice
        "socket_timeout": timing.answer,
        "socket_connect_timeout": timing.answer,
        "socket_keepalive": True,
        "client_name": "taskflow",
    }


def check_url(url: str) -> None:
    """Raises Misconfigured for a URL that is none."""
    try:
        Redis.from_url(url)
    except (ValueError, *FAILURES) as error:
        raise Misconfigured(f"broker.url: {error}") from None


def _check_policy(policy: str) -> None:
    if policy != "noeviction":
        raise Misconfigured(
            f"broker.url: this Redis has maxmemory-policy {policy}, so it throws away messages when its memory is full. "
            "Give the hub a Redis of its own, with maxmemory-policy noeviction."
        )
